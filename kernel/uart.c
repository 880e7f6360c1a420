/* SPDX-License-Identifier: MIT */
/*
 * The serial port. Every wait is bounded by a number of polls: a read of a port takes about a
 * microsecond on the LPC bus and about as long in an emulator. Once a wait has ended for nothing,
 * bytes are dropped after one look each until the port is ready again, so that a stuck port costs
 * one second and not one for each byte.
 */
#include "kernel/uart.h"

#include "arch/x86_64/io.h"
#include "kernel/format.h"

#define THR 0 /* transmit holding register, write; RBR when read; divisor low with DLAB */
#define RBR 0
#define DLL 0
#define IER 1 /* interrupt enable; divisor high with DLAB */
#define DLM 1
#define FCR 2 /* FIFO control, write only */
#define LCR 3
#define MCR 4
#define LSR 5
#define SCR 7 /* scratch: holds a byte, does nothing */

#define LCR_8N1	    0x03
#define LCR_DLAB    0x80
#define FCR_ENABLE  0x07 /* on, both FIFOs emptied */
#define MCR_DTR_RTS 0x03
#define MCR_LOOP    0x10
#define LSR_DATA    BIT(0)
#define LSR_THRE    BIT(5)

#define CLOCK_BAUD 115200 /* at divisor 1 */
#define POLLS	   1000000

static u16 uart_port; /* 0: none */
static bool stalled;  /* the last wait ended for nothing */
static u64 lost;

static bool wait_for(u16 port, u8 bit, u32 polls)
{
	while (polls--)
		if (io_in8(port + LSR) & bit)
			return true;
	return false;
}

static bool has_scratch(u16 port)
{
	static const u8 patterns[] = {0x5a, 0xa5};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		io_out8(port + SCR, patterns[i]);
		if (io_in8(port + SCR) != patterns[i])
			return false;
	}
	return true;
}

/* For the 8250, which has no scratch register: a byte sent to itself must come back. */
static bool has_loopback(u16 port)
{
	bool found;

	io_out8(port + MCR, MCR_LOOP);
	for (u32 i = 0; i < 32 && (io_in8(port + LSR) & LSR_DATA); i++)
		io_in8(port + RBR);
	io_out8(port + THR, 0xae);
	found = wait_for(port, LSR_DATA, POLLS) && io_in8(port + RBR) == 0xae;
	io_out8(port + MCR, MCR_DTR_RTS);
	return found;
}

const char *uart_init(u16 port, u32 baud)
{
	u32 divisor;

	uart_port = 0;
	stalled = false;
	lost = 0;
	if (!baud || baud > CLOCK_BAUD)
		return "the baud rate must be 1..115200";

	/* Where nothing is, the bus reads as ones: sixteen bits of pattern tell it from a UART. */
	if (!has_scratch(port) && !has_loopback(port))
		return "no UART answers";

	divisor = min((CLOCK_BAUD + baud / 2) / baud, 0xffffU);
	io_out8(port + IER, 0);
	io_out8(port + LCR, LCR_DLAB);
	io_out8(port + DLL, divisor & 0xff);
	io_out8(port + DLM, (u8)(divisor >> 8));
	io_out8(port + LCR, LCR_8N1);
	io_out8(port + FCR, FCR_ENABLE);
	io_out8(port + MCR, MCR_DTR_RTS);
	uart_port = port;
	return NULL;
}

static void put(char c)
{
	if (!wait_for(uart_port, LSR_THRE, stalled ? 1 : POLLS)) {
		stalled = true;
		lost++;
		return;
	}
	stalled = false;
	io_out8(uart_port + THR, (u8)c);
}

static void put_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			put('\r');
		put(s[i]);
	}
}

void uart_write(const char *s, size_t n)
{
	char note[64];

	if (!uart_port)
		return;
	if (lost && wait_for(uart_port, LSR_THRE, 1)) {
		int length = snprintf(note, sizeof(note), "\n[serial: %llu bytes lost]\n",
				      (unsigned long long)lost);

		lost = 0;
		put_text(note, (size_t)length);
	}
	put_text(s, n);
}
