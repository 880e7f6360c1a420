/* SPDX-License-Identifier: MIT */
/*
 * console=: one value after the other is added to the places where text goes.
 */
#include "kernel/console_opt.h"

static const char *const baud_rates[] = {"9600", "19200", "38400", "57600", "115200", NULL};

static bool refuse(struct text *err, const char *text)
{
	text_add(err, "%s", text);
	return false;
}

/* RATE is what follows the comma, or NULL where there is none. */
static bool add_serial(struct console_options *console, u16 port, const char *rate, size_t len,
		       struct text *err)
{
	u64 baud = 115200;

	/* "115200n8" is Linux's way to write the frame that this kernel always uses. */
	if (rate && len > 2 && is_word(rate + len - 2, 2, "n8"))
		len -= 2;
	if (rate && (find_word(baud_rates, rate, len) < 0 || !parse_u64(rate, len, &baud)))
		return false;
	if (console->serial)
		return refuse(err, "console=: a second serial port; valid: one of ttyS0 and ttyS1");
	console->serial = true;
	console->port = port;
	console->baud = (u32)baud;
	return true;
}

bool console_option_parse(struct console_options *console, const char *value, size_t len,
			  struct text *err)
{
	bool first = !console->serial && !console->screen && !console->none;
	const char *rate = NULL;
	size_t name = 0;

	while (name < len && value[name] != ',')
		name++;
	if (name < len)
		rate = value + name + 1;

	if (is_word(value, name, "ttyS0") || is_word(value, name, "ttyS1")) {
		if (!add_serial(console, value[4] == '0' ? 0x3f8 : 0x2f8, rate,
				rate ? len - name - 1 : 0, err))
			return false;
	} else if (is_word(value, len, "screen")) {
		if (console->screen)
			return refuse(err, "console=screen: given a second time; valid: once");
		console->screen = true;
	} else if (is_word(value, len, "none")) {
		console->none = true;
	} else {
		return false;
	}
	if (console->none && !first)
		return refuse(err, "console=none: beside another console=; valid: none alone");
	return true;
}

void console_option_default(struct console_options *console)
{
	if (!console->serial && !console->screen && !console->none)
		*console = (struct console_options){true, true, false, 0x3f8, 115200};
}
