/* SPDX-License-Identifier: MIT */
/*
 * The console's lock, its outputs and its memory of early text.
 *
 * The lock is held with interrupts off, so on one CPU only an NMI or an exception can come while it
 * is held, and a waiter keeps interrupts as they were: it still answers flush IPIs. A waiter gives
 * up when the holder has not moved for NO_PROGRESS cycles, and then prints without the lock. That
 * is right for the two cases there are: the holder is the very context that was interrupted, or its
 * CPU is dead. Every output therefore keeps its state safe (not pretty) when it is entered twice.
 */
#include "kernel/console.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "kernel/uart.h"

#define NO_PROGRESS  (1UL << 31) /* TSC cycles: 0.5 to 2 s */
#define LOG_SIZE     8192
#define SERIAL_CHUNK 16
#define RAW	     0 /* the level of console_write(): below every message's */

static char log_text[LOG_SIZE]; /* records, each followed by its text */

struct record {
	u16 length;
	u8 level;
};

static struct {
	spinlock_t lock;
	u32 progress; /* moves whenever the holder does */
	bool panicking;
	bool configured;
	bool log_open; /* text is still kept for an output to come */
	bool mid_line;
	bool screen_wanted;
	int loglevel;
	u32 nr_outputs;
	const struct console_output *outputs[2];
	size_t log_used;
	u64 log_lost; /* messages */
} console = {.log_open = true, .loglevel = LOG_DEBUG};

static const struct console_output serial_output = {"serial", SERIAL_CHUNK, uart_write};

/* Interrupts are off when it returns; false: without the lock. */
static bool console_lock(u64 *flags)
{
	u32 seen = READ_ONCE(console.progress);
	u64 since = rdtsc_ordered();

	for (;;) {
		*flags = arch_local_irq_save();
		if (READ_ONCE(console.panicking))
			return false;
		if (spin_trylock(&console.lock))
			return true;
		if (seen != READ_ONCE(console.progress)) {
			seen = READ_ONCE(console.progress);
			since = rdtsc_ordered();
		} else if (rdtsc_ordered() - since > NO_PROGRESS) {
			return false;
		}
		arch_local_irq_restore(*flags);
		cpu_relax();
	}
}

static void console_unlock(bool locked, u64 flags)
{
	if (locked)
		spin_unlock(&console.lock);
	arch_local_irq_restore(flags);
}

static void output(const struct console_output *out, const char *s, size_t n)
{
	while (n) {
		size_t part = min(n, out->chunk);

		out->write(s, part);
		s += part;
		n -= part;
		WRITE_ONCE(console.progress, console.progress + 1);
	}
}

static void log_keep(u8 level, const char *s, size_t n)
{
	size_t at = console.log_used;
	struct record record = {.length = (u16)n, .level = level};

	if (n > LOG_SIZE || at + sizeof(record) + n > LOG_SIZE) {
		console.log_lost++;
		return;
	}
	memcpy(log_text + at, &record, sizeof(record));
	memcpy(log_text + at + sizeof(record), s, n);
	console.log_used = at + sizeof(record) + n;
}

static void log_replay(const struct console_output *out)
{
	char note[64];
	struct record record;

	for (size_t at = 0; at < console.log_used; at += sizeof(record) + record.length) {
		memcpy(&record, log_text + at, sizeof(record));
		if (record.level <= console.loglevel)
			output(out, log_text + at + sizeof(record), record.length);
	}
	if (console.log_lost) {
		int length = snprintf(note, sizeof(note), "[%llu messages not kept]\n",
				      (unsigned long long)console.log_lost);

		output(out, note, (size_t)length);
	}
}

static void write_at(u8 level, const char *s, size_t n)
{
	bool locked;
	u64 flags;

	if (!n)
		return;
	locked = console_lock(&flags);
	if (level <= console.loglevel) {
		if (console.log_open)
			log_keep(level, s, n);
		console.mid_line = true; /* for a panic that cuts this short */
		for (u32 i = 0; i < console.nr_outputs; i++)
			output(console.outputs[i], s, n);
		console.mid_line = s[n - 1] != '\n';
	}
	console_unlock(locked, flags);
}

void console_write(const char *s, size_t n)
{
	write_at(RAW, s, n);
}

void console_message(enum loglevel level, const char *s, size_t n)
{
	write_at((u8)level, s, n);
}

static void add_output(const struct console_output *out)
{
	log_replay(out);
	console.outputs[console.nr_outputs++] = out;
}

void console_init(const struct console_config *config)
{
	const char *error;
	char note[128];
	bool locked;
	u64 flags;

	if (console.configured)
		return;
	error = config->serial ? uart_init(config->port, config->baud) : NULL;
	locked = console_lock(&flags);
	console.loglevel = config->loglevel;
	console.screen_wanted = config->screen;
	console.log_open = config->screen;
	console.nr_outputs = 0;
	if (config->serial && !error)
		add_output(&serial_output);
	console.configured = true;
	console_unlock(locked, flags);

	if (error) {
		int length = snprintf(note, sizeof(note), "warning: serial port %#x: %s\n",
				      config->port, error);

		console_message(LOG_WARN, note, (size_t)length);
	}
}

void console_attach_screen(const struct console_output *screen)
{
	bool locked;
	u64 flags;

	locked = console_lock(&flags);
	if (console.screen_wanted && console.nr_outputs < ARRAY_SIZE(console.outputs)) {
		add_output(screen);
		console.screen_wanted = false;
		console.log_open = false;
	}
	console_unlock(locked, flags);
}

bool console_panic_begin(void)
{
	static const struct console_config fallback = {
		.serial = true, .port = UART_COM1, .baud = 115200, .loglevel = LOG_DEBUG};
	bool first = !__atomic_exchange_n(&console.panicking, true, __ATOMIC_SEQ_CST);

	if (first && !console.configured)
		console_init(&fallback);
	if (first && console.mid_line)
		console_write("\n", 1);
	return first;
}
