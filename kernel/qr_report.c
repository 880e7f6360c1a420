/* SPDX-License-Identifier: MIT */
/*
 * See qr_report.h. The code is as small as its text allows, with the strongest correction that
 * this size has room for; its modules are as large as the screen allows, within reason.
 */
#include "kernel/qr_report.h"

#include "arch/x86_64/string.h"
#include "kernel/console.h"
#include "kernel/document.h"
#include "kernel/essence.h"
#include "kernel/format.h"
#include "kernel/screen.h"
#include "third_party/qrcodegen/qrcodegen.h"

#define QUIET	      4	  /* modules of white around a code */
#define LEAST	      2	  /* pixels a module: less is not read by cameras */
#define MOST_PER_SIDE 120 /* a module need not be larger than this part of the limit */
#define LINE_SIZE     100

/* A document: this, then its zlib stream in base 45. No code holds more than 4296 characters. */
#define MARK	   "LATEFLUSH/2 "
#define PACKED_MAX 2856

static struct essence essence;
static uint8_t code[qrcodegen_BUFFER_LEN_MAX];
static uint8_t work[qrcodegen_BUFFER_LEN_MAX];
static uint8_t head_bits[ESSENCE_HEAD_MAX];
static uint8_t row_bits[ESSENCE_ROWS_MAX];
static uint8_t packed_bytes[PACKED_MAX];
static char document[sizeof(MARK) + PACKED_MAX / 2 * 3];

static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, strlen(line));
}

/* The largest version (1..40, of 17 + 4 * version modules) that PIXELS can show; 0: none. */
static int largest_version(u32 pixels)
{
	int modules = (int)(pixels / LEAST) - 2 * QUIET;

	return modules < 21 ? 0 : min((modules - 17) / 4, qrcodegen_VERSION_MAX);
}

static bool is_dark(u32 x, u32 y)
{
	return qrcodegen_getModule(code, (int)x - QUIET, (int)y - QUIET);
}

/* CHARACTERS: of all parts together, 0 if they are more than any code holds. */
static void draw(const struct qrcodegen_Segment *parts, size_t nr, size_t characters)
{
	u32 pixels = screen_picture_limit(), modules, scale;
	int most = largest_version(pixels);

	if (!pixels) {
		say("QR code: none: this screen shows text only\n");
	} else if (!characters) {
		say("QR code: none: the results are too long for one\n");
	} else if (!most || !qrcodegen_encodeSegmentsAdvanced(
				    parts, nr, qrcodegen_Ecc_LOW, qrcodegen_VERSION_MIN, most,
				    qrcodegen_Mask_AUTO, true, work, code)) {
		say("QR code: none: %lu characters, more than %u pixels can show\n", characters,
		    pixels);
	} else {
		modules = (u32)qrcodegen_getSize(code) + 2 * QUIET;
		scale = max(pixels / MOST_PER_SIDE, (u32)LEAST);
		scale = min(scale, pixels / modules);
		say("QR code: %lu characters, %u modules of %ux%u pixels; tools/qr.py reads it\n",
		    characters, modules - 2 * QUIET, scale, scale);
		screen_picture(modules, scale, is_dark);
	}
}

/* Two parts: text as it is, and the last line in the code's denser alphabet. */
void qr_report(const struct run_result *run)
{
	struct qrcodegen_Segment parts[2];
	size_t characters = 0;

	if (!screen_attached())
		return;
	if (essence_make(run, &essence)) {
		characters = strlen(essence.head) + strlen(essence.rows);
		parts[0] = qrcodegen_makeBytes((const uint8_t *)essence.head, strlen(essence.head),
					       head_bits);
		parts[1] = qrcodegen_makeAlphanumeric(essence.rows, row_bits);
	}
	draw(parts, 2, characters);
}

/* Base 45 (RFC 9285): two bytes are three characters, the last one may be two. */
static size_t base45(const u8 *in, size_t n, char *out)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
	char *to = out;

	for (size_t i = 0; i < n; i += 2) {
		bool two = i + 1 < n;
		u32 number = two ? (u32)in[i] << 8 | in[i + 1] : in[i];

		*to++ = digits[number % 45];
		*to++ = digits[number / 45 % 45];
		if (two)
			*to++ = digits[number / (45 * 45)];
	}
	*to = '\0';
	return (size_t)(to - out);
}

void qr_document(void)
{
	size_t length, packed = 0, characters = 0;
	const char *text = document_text(&length);
	struct qrcodegen_Segment part;

	if (!text || !screen_attached())
		return;
	if (length <= DEFLATE_INPUT_MAX)
		packed = zlib_compress((const u8 *)text, length, packed_bytes, PACKED_MAX);
	if (packed) {
		memcpy(document, MARK, sizeof(MARK) - 1);
		characters = sizeof(MARK) - 1 +
			     base45(packed_bytes, packed, document + sizeof(MARK) - 1);
		part = qrcodegen_makeAlphanumeric(document, row_bits);
	}
	draw(&part, 1, characters);
}
