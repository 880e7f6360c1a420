// sources: kernel/uart.c kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The serial port against a model of a 16550 behind the two port functions: what is transmitted
 * and under which line settings, what counts as a port that is there, and that a port which never
 * becomes ready costs a bounded number of polls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/io.h"
#include "kernel/uart.h"

#define BASE 0x2f8

static struct {
	bool missing;	  /* nothing at these ports: reads give ones */
	bool no_scratch;  /* an 8250 */
	bool no_loopback; /* a loop that swallows bytes */
	bool stuck;	  /* never ready to transmit */
	int busy_polls;	  /* not ready for so many polls after each byte */
	int busy;
	uint8_t scratch, lcr, mcr, fcr, ier, dll, dlm;
	int looped; /* byte received by loopback, -1 none */
	char sent[4096];
	size_t nr_sent;
	unsigned long reads;
} model;

u8 io_in8(u16 port)
{
	model.reads++;
	if (model.missing)
		return 0xff;
	switch (port - BASE) {
	case 0: {
		int byte = model.looped;

		model.looped = -1;
		return byte < 0 ? 0 : (u8)byte;
	}
	case 5:
		if (model.busy)
			model.busy--;
		return (u8)((model.looped >= 0 ? 1 : 0) | (model.stuck || model.busy ? 0 : 0x60));
	case 7:
		return model.no_scratch ? 0xff : model.scratch;
	default:
		fail_msg("read of register %d", port - BASE);
		return 0;
	}
}

static void transmit(u8 value)
{
	if (model.mcr & 0x10) {
		model.looped = model.no_loopback ? -1 : value;
		return;
	}
	assert_int_equal(model.lcr, 3);
	assert_false(model.stuck || model.busy);
	assert_true(model.nr_sent < sizeof(model.sent));
	model.sent[model.nr_sent++] = (char)value;
	model.busy = model.busy_polls;
}

void io_out8(u16 port, u8 value)
{
	bool dlab = model.lcr & 0x80;

	if (model.missing)
		return;
	switch (port - BASE) {
	case 0:
		if (dlab)
			model.dll = value;
		else
			transmit(value);
		break;
	case 1:
		*(dlab ? &model.dlm : &model.ier) = value;
		break;
	case 2:
		model.fcr = value;
		break;
	case 3:
		model.lcr = value;
		break;
	case 4:
		model.mcr = value;
		break;
	case 7:
		model.scratch = value;
		break;
	default:
		fail_msg("write of register %d", port - BASE);
	}
}

static int fresh(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.ier = 0xf;
	model.looped = -1;
	return 0;
}

static void assert_sent(const char *expected)
{
	assert_int_equal(model.nr_sent, strlen(expected));
	assert_memory_equal(model.sent, expected, model.nr_sent);
	model.nr_sent = 0;
}

static void line_settings_are_set_explicitly(void **state)
{
	static const struct {
		u32 baud, divisor;
	} cases[] = {{115200, 1}, {57600, 2}, {9600, 12}, {300, 384}, {100000, 1},
		     {80000, 1},  {75000, 2}, {2, 57600}, {1, 65535}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fresh(NULL);
		assert_null(uart_init(BASE, cases[i].baud));
		assert_int_equal(model.dll | model.dlm << 8, cases[i].divisor);
		assert_int_equal(model.lcr, 3);
		assert_int_equal(model.fcr & 1, 1);
		assert_int_equal(model.ier, 0);
		assert_int_equal(model.mcr, 3);
	}
}

static void bad_baud_rates_are_refused(void **state)
{
	(void)state;
	assert_string_equal(uart_init(BASE, 0), "the baud rate must be 1..115200");
	assert_string_equal(uart_init(BASE, 115201), "the baud rate must be 1..115200");
	uart_write("x", 1);
	assert_sent("");
}

static void newlines_get_a_carriage_return(void **state)
{
	(void)state;
	assert_null(uart_init(BASE, 115200));
	uart_write("one\ntwo\n\n", 9);
	assert_sent("one\r\ntwo\r\n\r\n");
	uart_write("no more than three", 3);
	assert_sent("no ");
}

static void a_missing_port_is_left_alone(void **state)
{
	(void)state;
	model.missing = true;
	assert_string_equal(uart_init(BASE, 115200), "no UART answers");
	model.reads = 0;
	uart_write("text", 4);
	assert_int_equal(model.reads, 0);
}

/* The port that reads as ones must also fail when only one of the two checks is asked. */
static void presence_needs_scratch_or_loopback(void **state)
{
	(void)state;
	model.no_scratch = true;
	assert_null(uart_init(BASE, 115200));
	assert_int_equal(model.mcr, 3); /* the loop is open again */
	uart_write("8250", 4);
	assert_sent("8250");

	fresh(NULL);
	model.no_loopback = true;
	assert_null(uart_init(BASE, 115200));
	uart_write("odd", 3);
	assert_sent("odd");

	fresh(NULL);
	model.no_scratch = model.no_loopback = true;
	assert_string_equal(uart_init(BASE, 115200), "no UART answers");
}

static void a_slow_port_loses_nothing(void **state)
{
	(void)state;
	model.busy_polls = 5000;
	assert_null(uart_init(BASE, 9600));
	uart_write("slow\n", 5);
	assert_sent("slow\r\n");
}

static void a_stuck_port_costs_bounded_polls_and_says_what_was_lost(void **state)
{
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_null(uart_init(BASE, 115200));
	model.stuck = true;
	model.reads = 0;
	for (int i = 0; i < 100; i++)
		uart_write(text, sizeof(text));
	assert_in_range(model.reads, 100000, 1300000);
	assert_sent("");

	model.stuck = false;
	uart_write("back\n", 5);
	assert_sent("\r\n[serial: 100000 bytes lost]\r\nback\r\n");
	uart_write("again", 5);
	assert_sent("again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(line_settings_are_set_explicitly, fresh),
		cmocka_unit_test_setup(bad_baud_rates_are_refused, fresh),
		cmocka_unit_test_setup(newlines_get_a_carriage_return, fresh),
		cmocka_unit_test_setup(a_missing_port_is_left_alone, fresh),
		cmocka_unit_test_setup(presence_needs_scratch_or_loopback, fresh),
		cmocka_unit_test_setup(a_slow_port_loses_nothing, fresh),
		cmocka_unit_test_setup(a_stuck_port_costs_bounded_polls_and_says_what_was_lost,
				       fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
