/* SPDX-License-Identifier: MIT */
/*
 * See qr_report.h. The code is as small as its text allows, with the strongest correction that
 * this size has room for; its modules are as large as the screen allows, within reason.
 */
#include "kernel/qr_report.h"

#include "arch/x86_64/string.h"
#include "kernel/console.h"
#include "kernel/essence.h"
#include "kernel/format.h"
#include "kernel/screen.h"
#include "third_party/qrcodegen/qrcodegen.h"

#define QUIET	      4	  /* modules of white around a code */
#define LEAST	      2	  /* pixels a module: less is not read by cameras */
#define MOST_PER_SIDE 120 /* a module need not be larger than this part of the limit */
#define LINE_SIZE     100

static struct essence essence;
static uint8_t code[qrcodegen_BUFFER_LEN_MAX];
static uint8_t work[qrcodegen_BUFFER_LEN_MAX];
static uint8_t head_bits[ESSENCE_HEAD_MAX];
static uint8_t row_bits[ESSENCE_ROWS_MAX];

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

/* Two parts: text as it is, and the last line in the code's denser alphabet. */
static bool encode(int most)
{
	struct qrcodegen_Segment parts[2];

	parts[0] = qrcodegen_makeBytes((const uint8_t *)essence.head, strlen(essence.head),
				       head_bits);
	parts[1] = qrcodegen_makeAlphanumeric(essence.rows, row_bits);
	return qrcodegen_encodeSegmentsAdvanced(parts, 2, qrcodegen_Ecc_LOW, qrcodegen_VERSION_MIN,
						most, qrcodegen_Mask_AUTO, true, work, code);
}

static bool is_dark(u32 x, u32 y)
{
	return qrcodegen_getModule(code, (int)x - QUIET, (int)y - QUIET);
}

void qr_report(const struct run_result *run)
{
	u32 pixels, modules, scale;
	int most;

	if (!screen_attached())
		return;
	pixels = screen_picture_limit();
	most = largest_version(pixels);
	if (!pixels) {
		say("QR code: none: this screen shows text only\n");
	} else if (!essence_make(run, &essence)) {
		say("QR code: none: the results are too long for one\n");
	} else if (!most || !encode(most)) {
		say("QR code: none: %lu characters, more than %u pixels can show\n",
		    strlen(essence.head) + strlen(essence.rows), pixels);
	} else {
		modules = (u32)qrcodegen_getSize(code) + 2 * QUIET;
		scale = max(pixels / MOST_PER_SIDE, (u32)LEAST);
		scale = min(scale, pixels / modules);
		say("QR code: %lu characters, %u modules of %ux%u pixels; tools/qr.py reads it\n",
		    strlen(essence.head) + strlen(essence.rows), modules - 2 * QUIET, scale, scale);
		screen_picture(modules, scale, is_dark);
	}
}
