/* SPDX-License-Identifier: MIT */
/*
 * Formatted text without a library. One pass: each conversion is parsed into a spec, turned into a
 * sign, a prefix and digits, and padded. Nothing is written beyond the buffer, and no amount of
 * padding costs time beyond it: the length is added up, not printed.
 */
#include "kernel/format.h"

#include "arch/x86_64/string.h"

/* INT_MAX: the longest text that C lets the result tell of. */
#define TEXT_MAX ((size_t)__INT_MAX__)

/* Of 64 bits in decimal, the smallest base used. */
#define MAX_DIGITS 20

struct out {
	char *buf;
	size_t size;   /* bytes in buf */
	size_t length; /* of the whole text so far; may be beyond size */
};

/* A va_list is an array on x86-64 and loses its type as a parameter; within a struct it does not.
 */
struct args {
	va_list list;
};

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG };

struct spec {
	bool left, plus, space, alternate, zero;
	size_t width;
	bool has_precision;
	size_t precision;
	enum length length;
	char conversion;
};

static void out_fill(struct out *out, char c, size_t n)
{
	if (out->length < out->size)
		memset(out->buf + out->length, c, min(n, out->size - out->length));
	out->length += n;
}

static void out_text(struct out *out, const char *text, size_t n)
{
	if (out->length < out->size)
		memcpy(out->buf + out->length, text, min(n, out->size - out->length));
	out->length += n;
}

/* Digits at *p; a number beyond INT_MAX counts as INT_MAX, which no buffer reaches anyway. */
static size_t parse_number(const char **p)
{
	size_t n = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		n = min(n * 10 + (size_t)(**p - '0'), TEXT_MAX);
	return n;
}

static void parse_flags(const char **p, struct spec *spec)
{
	for (;; (*p)++) {
		if (**p == '-')
			spec->left = true;
		else if (**p == '+')
			spec->plus = true;
		else if (**p == ' ')
			spec->space = true;
		else if (**p == '#')
			spec->alternate = true;
		else if (**p == '0')
			spec->zero = true;
		else
			return;
	}
}

static enum length parse_length(const char **p)
{
	if (**p == 'h') {
		(*p)++;
		if (**p != 'h')
			return LENGTH_SHORT;
		(*p)++;
		return LENGTH_CHAR;
	}
	if (**p == 'l') {
		*p += (*p)[1] == 'l' ? 2 : 1;
		return LENGTH_LONG; /* long, long long and size_t all have 64 bits here */
	}
	if (**p == 'z') {
		(*p)++;
		return LENGTH_LONG;
	}
	return LENGTH_INT;
}

static void emit_padded(struct out *out, const struct spec *spec, const char *text, size_t n)
{
	size_t pad = spec->width > n ? spec->width - n : 0;

	if (!spec->left)
		out_fill(out, ' ', pad);
	out_text(out, text, n);
	if (spec->left)
		out_fill(out, ' ', pad);
}

/* PREFIX: the sign or 0x. Zero padding goes between it and the digits, blanks go outside. */
static void emit_number(struct out *out, const struct spec *spec, const char *prefix, u64 value,
			unsigned base)
{
	const char *symbols = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[MAX_DIGITS], *first = digits + sizeof(digits);
	size_t prefix_length = strlen(prefix);
	size_t n, zeros = 0, pad;

	for (; value; value /= base)
		*--first = symbols[value % base];
	n = (size_t)(digits + sizeof(digits) - first);

	/* Without a precision it is 1: zero prints one digit. With precision 0 it prints none. */
	if (!spec->has_precision)
		zeros = n ? 0 : 1;
	else if (spec->precision > n)
		zeros = spec->precision - n;

	pad = prefix_length + zeros + n;
	pad = spec->width > pad ? spec->width - pad : 0;
	if (spec->zero && !spec->left && !spec->has_precision) {
		zeros += pad;
		pad = 0;
	}

	if (!spec->left)
		out_fill(out, ' ', pad);
	out_text(out, prefix, prefix_length);
	out_fill(out, '0', zeros);
	out_text(out, first, n);
	if (spec->left)
		out_fill(out, ' ', pad);
}

static void emit_signed(struct out *out, const struct spec *spec, s64 value)
{
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	/* The absolute value in unsigned arithmetic: that of the smallest number fits only there.
	 */
	emit_number(out, spec, sign, value < 0 ? 0 - (u64)value : (u64)value, 10);
}

static void emit_unsigned(struct out *out, const struct spec *spec, u64 value)
{
	bool hex = spec->conversion != 'u';
	const char *prefix = !hex || !spec->alternate || !value ? ""
			     : spec->conversion == 'x'		? "0x"
								: "0X";

	emit_number(out, spec, prefix, value, hex ? 16 : 10);
}

static s64 narrow_signed(enum length length, int value)
{
	return length == LENGTH_CHAR	? (signed char)value
	       : length == LENGTH_SHORT ? (short)value
					: value;
}

static u64 narrow_unsigned(enum length length, unsigned value)
{
	return length == LENGTH_CHAR ? (u8)value : length == LENGTH_SHORT ? (u16)value : value;
}

static void emit_string(struct out *out, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	/* With a precision the text need not end in NUL: no byte beyond it is read. */
	emit_padded(out, spec, text,
		    spec->has_precision ? strnlen(text, spec->precision) : strlen(text));
}

/* *FMT stands behind the '%'; it is left behind the conversion character, or at the final NUL. */
static void parse_spec(const char **fmt, struct spec *spec, struct args *args)
{
	*spec = (struct spec){0};
	parse_flags(fmt, spec);
	if (**fmt == '*') {
		int width = va_arg(args->list, int);

		(*fmt)++;
		spec->left |= width < 0;
		spec->width = width < 0 ? 0 - (unsigned)width : (unsigned)width;
	} else {
		spec->width = parse_number(fmt);
	}
	if (**fmt == '.') {
		(*fmt)++;
		spec->has_precision = true;
		if (**fmt == '*') {
			int precision = va_arg(args->list, int);

			(*fmt)++;
			spec->has_precision = precision >= 0; /* a negative one counts as none */
			spec->precision = precision >= 0 ? (size_t)precision : 0;
		} else {
			spec->precision = parse_number(fmt);
		}
	}
	spec->length = parse_length(fmt);
	spec->conversion = **fmt;
	if (**fmt)
		(*fmt)++;
}

/* False: no conversion that is known here; no argument was taken. */
static bool emit_conversion(struct out *out, const struct spec *spec, struct args *args)
{
	bool is_long = spec->length == LENGTH_LONG;
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		emit_signed(out, spec,
			    is_long ? va_arg(args->list, s64)
				    : narrow_signed(spec->length, va_arg(args->list, int)));
		return true;
	case 'u':
	case 'x':
	case 'X':
		emit_unsigned(out, spec,
			      is_long ? va_arg(args->list, u64)
				      : narrow_unsigned(spec->length,
							va_arg(args->list, unsigned)));
		return true;
	case 'p':
		emit_number(out, spec, "0x", (u64)(uintptr_t)va_arg(args->list, void *), 16);
		return true;
	case 's':
		emit_string(out, spec, va_arg(args->list, const char *));
		return true;
	case 'c':
		c = (char)va_arg(args->list, int);
		emit_padded(out, spec, &c, 1);
		return true;
	case '%':
		out_fill(out, '%', 1);
		return true;
	default:
		return false;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
	struct out out = {.buf = buf, .size = size};
	struct args args;
	struct spec spec;

	va_copy(args.list, list);
	while (*fmt) {
		const char *start = fmt;

		if (*fmt == '%') {
			fmt++;
			parse_spec(&fmt, &spec, &args);
			if (emit_conversion(&out, &spec, &args))
				continue;
		} else {
			while (*fmt && *fmt != '%')
				fmt++;
		}
		out_text(&out, start, (size_t)(fmt - start));
	}
	va_end(args.list);

	if (size)
		buf[min(out.length, size - 1)] = '\0';
	return (int)min(out.length, TEXT_MAX);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return length;
}
