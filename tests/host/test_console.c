// sources: kernel/uart.c kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The console with a serial port that swallows text into a buffer, and a screen that the tests
 * write themselves: what is kept before it is configured and replayed, what loglevels let through,
 * that callers on several CPUs (threads here) do not interleave, and that neither an NMI in the
 * middle of a write nor a panic waits for ever. The console's state lives as long as the kernel, so
 * its source is included here, and each test starts from a copy of the state at boot.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/x86_64/io.h"
#include "arch/x86_64/irqflags.h"
#include "kernel/console.c"

/* printk() is host_log.c's stub in every host test; here is the kernel's, under another name. */
#define printk kernel_printk
void kernel_printk(enum loglevel level, const char *fmt, ...) __printf(2, 3);
#include "kernel/printk.c"
#undef printk

static __typeof__(console) console_at_boot;
static char serial[65536], screen[65536];
static size_t nr_serial, nr_screen;
static u16 serial_port;
static bool serial_missing;
static u8 scratch;
static __thread bool interrupts_on = true;

u8 io_in8(u16 port)
{
	if (serial_missing)
		return 0xff;
	return port == serial_port + 7 ? scratch : 0x60;
}

void io_out8(u16 port, u8 value)
{
	static bool dlab;

	if (port == serial_port + 3)
		dlab = value & 0x80;
	if (port == serial_port + 7)
		scratch = value;
	if (port == serial_port && !dlab && !serial_missing && value != '\r') {
		if (interrupts_on)
			abort();
		serial[nr_serial++] = (char)value;
	}
}

u64 arch_local_irq_save(void)
{
	bool were_on = interrupts_on;

	interrupts_on = false;
	return were_on;
}

void arch_local_irq_restore(u64 flags)
{
	interrupts_on = flags;
}

static void screen_text(const char *s, size_t n)
{
	if (interrupts_on)
		abort();
	memcpy(screen + nr_screen, s, n);
	nr_screen += n;
}

static const struct console_output plain_screen = {"screen", 4096, screen_text};

static int boot_anew(void **state)
{
	(void)state;
	console = console_at_boot;
	nr_serial = nr_screen = 0;
	serial_port = UART_COM1;
	serial_missing = false;
	interrupts_on = true;
	return 0;
}

static void configure(bool with_serial, bool with_screen, int loglevel)
{
	struct console_config config = {.serial = with_serial,
					.port = UART_COM1,
					.baud = 115200,
					.screen = with_screen,
					.loglevel = loglevel};

	console_init(&config);
}

static void say(const char *text)
{
	console_write(text, strlen(text));
}

#define assert_serial(text)                                                                        \
	do {                                                                                       \
		serial[nr_serial] = '\0';                                                          \
		assert_string_equal(serial, text);                                                 \
	} while (0)
#define assert_screen(text)                                                                        \
	do {                                                                                       \
		screen[nr_screen] = '\0';                                                          \
		assert_string_equal(screen, text);                                                 \
	} while (0)

static void early_text_is_kept_and_replayed(void **state)
{
	(void)state;
	kernel_printk(LOG_INFO, "first %d", 1);
	kernel_printk(LOG_DEBUG, "detail");
	say("raw\n");
	configure(true, true, LOG_INFO);
	assert_serial("first 1\nraw\n");
	kernel_printk(LOG_INFO, "second");
	kernel_printk(LOG_DEBUG, "more detail");
	console_attach_screen(&plain_screen);
	kernel_printk(LOG_INFO, "third\n");
	assert_serial("first 1\nraw\nsecond\nthird\n");
	assert_screen("first 1\nraw\nsecond\nthird\n");
	assert_true(interrupts_on);
}

static void loglevels_let_through_what_they_say(void **state)
{
	(void)state;
	configure(true, false, LOG_WARN);
	kernel_printk(LOG_ERR, "e");
	kernel_printk(LOG_WARN, "w");
	kernel_printk(LOG_INFO, "i");
	say("verdict\n");
	assert_serial("error: e\nwarning: w\nverdict\n");
}

static void loglevel_zero_leaves_reports(void **state)
{
	(void)state;
	configure(true, false, 0);
	kernel_printk(LOG_ERR, "e");
	say("verdict\n");
	assert_serial("verdict\n");
}

static void early_text_beyond_the_memory_is_counted(void **state)
{
	char line[101];

	(void)state;
	memset(line, 'x', 99);
	line[99] = '\n';
	line[100] = '\0';
	for (int i = 0; i < 100; i++)
		say(line);
	configure(true, false, LOG_INFO);
	serial[nr_serial] = '\0';
	assert_in_range(nr_serial, 7500, 8192);
	assert_string_equal(strrchr(serial, '['), "[22 messages not kept]\n");
	assert_int_equal((nr_serial - strlen("[22 messages not kept]\n")) / 100, 78);
}

static void lines_are_ended_and_cut(void **state)
{
	char longer[700];

	(void)state;
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	configure(true, false, LOG_INFO);
	kernel_printk(LOG_INFO, "%s", "");
	kernel_printk(LOG_INFO, "ended\n");
	assert_serial("\nended\n");
	nr_serial = 0;
	for (int length = 505; length < 520; length++) {
		nr_serial = 0;
		kernel_printk(LOG_INFO, "%.*s", length, longer);
		serial[nr_serial] = '\0';
		assert_int_equal(nr_serial, length < 512 ? length + 1 : 512);
		assert_int_equal(serial[nr_serial - 1], '\n');
		assert_true(length < 512 ? !strstr(serial, ".") : !!strstr(serial, "yy...\n"));
	}
}

static void a_missing_serial_port_is_told_on_the_screen(void **state)
{
	(void)state;
	serial_missing = true;
	configure(true, true, LOG_INFO);
	console_attach_screen(&plain_screen);
	say("text\n");
	assert_screen("warning: serial port 0x3f8: no UART answers\ntext\n");
}

static void a_screen_that_is_not_wanted_stays_dark(void **state)
{
	(void)state;
	configure(true, false, LOG_INFO);
	console_attach_screen(&plain_screen);
	say("text\n");
	assert_screen("");
	assert_serial("text\n");
}

static void the_first_configuration_counts(void **state)
{
	(void)state;
	configure(true, true, LOG_WARN);
	kernel_printk(LOG_WARN, "one");
	configure(true, false, LOG_INFO);
	kernel_printk(LOG_INFO, "two");
	console_attach_screen(&plain_screen);
	assert_serial("warning: one\n");
	assert_screen("warning: one\n");
}

static void console_none_is_silent(void **state)
{
	(void)state;
	configure(false, false, LOG_INFO);
	say("text\n");
	assert_serial("");
}

/* Writers on four CPUs, each with a letter of its own; a slow output makes them wait. */
static void slow_text(const char *s, size_t n)
{
	usleep(200);
	screen_text(s, n);
}

static const struct console_output slow_screen = {"slow", 7, slow_text};

static void *writer(void *letter)
{
	char line[41];

	memset(line, *(const char *)letter, 39);
	line[39] = '\n';
	line[40] = '\0';
	for (int i = 0; i < 40; i++)
		say(line);
	return interrupts_on ? letter : NULL;
}

static void cpus_do_not_interleave(void **state)
{
	static const char letters[] = "abcd";
	pthread_t thread[4];
	void *result;

	(void)state;
	configure(false, true, LOG_INFO);
	console_attach_screen(&slow_screen);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, writer, (void *)&letters[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(thread[i], &result), 0);
		assert_non_null(result);
	}
	assert_int_equal(nr_screen, 4 * 40 * 40);
	for (size_t at = 0; at < nr_screen; at += 40) {
		for (int i = 1; i < 39; i++)
			assert_int_equal(screen[at + i], screen[at]);
		assert_int_equal(screen[at + 39], '\n');
	}
}

/* A holder that takes longer than any waiter would, but moves: it is waited for. */
static void crawling_text(const char *s, size_t n)
{
	usleep(300000);
	screen_text(s, n);
}

static const struct console_output crawling_screen = {"crawling", 2, crawling_text};

static void *late_writer(void *unused)
{
	usleep(100000);
	say("LATE");
	return unused;
}

static void a_slow_holder_is_waited_for(void **state)
{
	pthread_t thread;

	(void)state;
	configure(false, true, LOG_INFO);
	console_attach_screen(&crawling_screen);
	assert_int_equal(pthread_create(&thread, NULL, late_writer, NULL), 0);
	say("sixteen letters!"); /* 8 pieces: 2.4 s */
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_screen("sixteen letters!LATE");
}

/* An NMI that prints while its own CPU holds the lock: it must not wait for ever. */
static void interrupted_text(const char *s, size_t n)
{
	static bool within;

	if (!within) {
		within = true;
		say("NMI\n");
		within = false;
		if (interrupts_on)
			abort();
	}
	screen_text(s, n);
}

static const struct console_output interrupted_screen = {"interrupted", 4096, interrupted_text};

static void an_nmi_breaks_the_lock(void **state)
{
	(void)state;
	configure(false, true, LOG_INFO);
	console_attach_screen(&interrupted_screen);
	say("text\n");
	assert_screen("NMI\ntext\n");
	assert_true(interrupts_on);
}

/* A panic in the middle of a write: no wait, a line of its own, and later printk() works too. */
static void panicking_text(const char *s, size_t n)
{
	static bool within;

	screen_text(s, n);
	if (!within) {
		clock_t start = clock();

		within = true;
		assert_true(console_panic_begin());
		assert_false(console_panic_begin());
		kernel_printk(LOG_ERR, "panic");
		assert_true(clock() - start < CLOCKS_PER_SEC / 5); /* no wait for the lock */
	}
}

static const struct console_output panicking_screen = {"panicking", 4096, panicking_text};

static void a_panic_takes_the_console_over(void **state)
{
	(void)state;
	configure(false, true, LOG_INFO);
	console_attach_screen(&panicking_screen);
	say("cut sh");
	assert_screen("cut sh\nerror: panic\n");
}

static void a_panic_begins_a_line(void **state)
{
	(void)state;
	configure(true, false, LOG_INFO);
	say("half a li");
	assert_true(console_panic_begin());
	kernel_printk(LOG_ERR, "panic");
	assert_serial("half a li\nerror: panic\n");
}

static void a_panic_before_configuration_gets_the_serial_port(void **state)
{
	(void)state;
	kernel_printk(LOG_INFO, "booting");
	assert_true(console_panic_begin());
	kernel_printk(LOG_ERR, "no memory map");
	assert_serial("booting\nerror: no memory map\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(early_text_is_kept_and_replayed, boot_anew),
		cmocka_unit_test_setup(loglevels_let_through_what_they_say, boot_anew),
		cmocka_unit_test_setup(loglevel_zero_leaves_reports, boot_anew),
		cmocka_unit_test_setup(early_text_beyond_the_memory_is_counted, boot_anew),
		cmocka_unit_test_setup(lines_are_ended_and_cut, boot_anew),
		cmocka_unit_test_setup(a_missing_serial_port_is_told_on_the_screen, boot_anew),
		cmocka_unit_test_setup(a_screen_that_is_not_wanted_stays_dark, boot_anew),
		cmocka_unit_test_setup(the_first_configuration_counts, boot_anew),
		cmocka_unit_test_setup(console_none_is_silent, boot_anew),
		cmocka_unit_test_setup(cpus_do_not_interleave, boot_anew),
		cmocka_unit_test_setup(a_slow_holder_is_waited_for, boot_anew),
		cmocka_unit_test_setup(an_nmi_breaks_the_lock, boot_anew),
		cmocka_unit_test_setup(a_panic_takes_the_console_over, boot_anew),
		cmocka_unit_test_setup(a_panic_begins_a_line, boot_anew),
		cmocka_unit_test_setup(a_panic_before_configuration_gets_the_serial_port,
				       boot_anew),
	};

	console_at_boot = console;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
