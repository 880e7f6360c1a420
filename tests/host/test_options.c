// sources: kernel/options.c kernel/*_opt.c kernel/run_spec.c kernel/parse.c kernel/cpulist.c
/* SPDX-License-Identifier: MIT */
/*
 * The boot command line: defaults, every accepted form of every option, and every refusal with its
 * whole text, since the text is what the user gets. Names of policies and experiments are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/breaks.h"
#include "kernel/options.h"

static const char *const policies[] = {"immediate", "state-bits", NULL};
static const char *const experiments[] = {"compare", "storm", "test", NULL};
static const char *const nothing[] = {NULL};
static const struct options_words words = {policies, experiments};

static struct options options;
static char error[OPTIONS_ERROR_MAX];

static bool parse(const char *cmdline)
{
	memset(&options, 0xa5, sizeof(options));
	memset(error, 'x', sizeof(error));
	return options_parse(cmdline, &words, &options, error, sizeof(error));
}

static void assert_refused(const char *cmdline, const char *text)
{
	assert_false(parse(cmdline));
	assert_string_equal(error, text);
}

static void assert_accepted(const char *cmdline)
{
	if (!parse(cmdline))
		fail_msg("'%s' was refused: %s", cmdline, error);
	assert_string_equal(error, "");
}

static void assert_defaults(void)
{
	assert_string_equal(options.tlbi, "");
	assert_string_equal(options.nohz_full, "");
	assert_string_equal(options.run.name, "");
	assert_int_equal(options.run.nr_args, 0);
	assert_int_equal(options.pti, PTI_UNSET);
	assert_false(options.debug_pagealloc);
	assert_true(options.vmap_stack);
	assert_false(options.stack_on_task);
	assert_false(options.nopcid);
	assert_false(options.nox2apic);
	assert_int_equal(options.max_cpus, 256);
	assert_string_equal(options.defect, "");
	assert_int_equal(options.broken, 0);
	assert_true(options.console.serial);
	assert_true(options.console.screen);
	assert_int_equal(options.console.port, 0x3f8);
	assert_int_equal(options.console.baud, 115200);
	assert_int_equal(options.loglevel, 6);
	assert_int_equal(options.panic_seconds, 0);
	assert_int_equal(options.watchdog_seconds, 60);
	assert_int_equal(options.end, END_HALTS);
	assert_int_equal(options.seed, 1);
	assert_int_equal(options.tlb_single_page_flush_ceiling, 33);
}

static void an_empty_line_means_the_defaults(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		" \t\r\n ",
		"/boot/lateflush.elf",
		"  /boot/lateflush.elf ",
		"(hd0,msdos1)/boot/lateflush.elf",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_accepted(lines[i]);
		assert_defaults();
	}
}

static void a_whole_line(void **state)
{
	(void)state;
	assert_accepted("/boot/k.elf tlbi=state-bits nohz_full=1,3-5,7-N run=storm,flushes=10k,a=b "
			"pti=on debug_pagealloc=on vmap_stack=off stack=task nopcid nox2apic "
			"maxcpus=8 defect=N4 break=drain console=ttyS1,9600 console=screen "
			"loglevel=7 panic=5 watchdog=0 end=reboot seed=0xffffffffffffffff "
			"tlb_single_page_flush_ceiling=0 ");
	assert_string_equal(options.tlbi, "state-bits");
	assert_string_equal(options.nohz_full, "1,3-5,7-N");
	assert_string_equal(options.run.name, "storm");
	assert_int_equal(options.run.nr_args, 2);
	assert_string_equal(options.run.arg[0].key, "flushes");
	assert_string_equal(options.run.arg[0].value, "10k");
	assert_string_equal(options.run.arg[1].key, "a");
	assert_string_equal(options.run.arg[1].value, "b");
	assert_int_equal(options.pti, PTI_ON);
	assert_true(options.debug_pagealloc);
	assert_false(options.vmap_stack);
	assert_true(options.stack_on_task);
	assert_true(options.nopcid);
	assert_true(options.nox2apic);
	assert_int_equal(options.max_cpus, 8);
	assert_string_equal(options.defect, "N4");
	assert_int_equal(options.broken, 1);
	assert_true(options.console.serial);
	assert_true(options.console.screen);
	assert_int_equal(options.console.port, 0x2f8);
	assert_int_equal(options.console.baud, 9600);
	assert_int_equal(options.loglevel, 7);
	assert_int_equal(options.panic_seconds, 5);
	assert_int_equal(options.watchdog_seconds, 0);
	assert_int_equal(options.end, END_REBOOTS);
	assert_true(options.seed == 0xffffffffffffffff);
	assert_int_equal(options.tlb_single_page_flush_ceiling, 0);
}

/* Each option alone leaves the others at their defaults. */
static void one_option_touches_one_field(void **state)
{
	(void)state;
	assert_accepted("pti=on");
	assert_int_equal(options.pti, PTI_ON);
	options.pti = PTI_UNSET;
	assert_defaults();
	assert_accepted("nox2apic");
	assert_true(options.nox2apic);
	options.nox2apic = false;
	assert_defaults();
	assert_accepted("maxcpus=1");
	assert_int_equal(options.max_cpus, 1);
	options.max_cpus = 256;
	assert_defaults();
	assert_accepted("seed=0");
	assert_int_equal(options.seed, 0);
	options.seed = 1;
	assert_defaults();
	assert_accepted("pti=off");
	assert_int_equal(options.pti, PTI_OFF);
	options.pti = PTI_UNSET;
	assert_defaults();
	assert_accepted("debug_pagealloc=off vmap_stack=on stack=entry");
	assert_defaults();
}

static void every_name_is_accepted(void **state)
{
	char line[64];

	(void)state;
	for (int i = 0; policies[i]; i++) {
		strcat(strcpy(line, "tlbi="), policies[i]);
		assert_accepted(line);
		assert_string_equal(options.tlbi, policies[i]);
	}
	for (int i = 0; experiments[i]; i++) {
		strcat(strcpy(line, "run="), experiments[i]);
		assert_accepted(line);
		assert_string_equal(options.run.name, experiments[i]);
	}
}

/* A list is kept as it was written, and taken apart name by name. */
static void policies_are_a_list(void **state)
{
	const char *list = "state-bits+immediate";
	size_t len;

	(void)state;
	assert_accepted("tlbi=state-bits+immediate");
	assert_string_equal(options.tlbi, list);
	assert_ptr_equal(policy_list_name(list, &len), list);
	assert_int_equal(len, 10);
	list = policy_list_next(list, len);
	assert_ptr_equal(policy_list_name(list, &len), list);
	assert_int_equal(len, 9);
	assert_string_equal(list, "immediate");
	list = policy_list_next(list, len);
	assert_null(policy_list_name(list, &len));
	assert_int_equal(len, 0);
}

static void numbers_at_their_limits(void **state)
{
	(void)state;
	assert_accepted("maxcpus=256 loglevel=0 panic=3600 seed=18446744073709551615 "
			"tlb_single_page_flush_ceiling=1m");
	assert_int_equal(options.max_cpus, 256);
	assert_int_equal(options.loglevel, 0);
	assert_int_equal(options.panic_seconds, 3600);
	assert_true(options.seed == UINT64_MAX);
	assert_int_equal(options.tlb_single_page_flush_ceiling, 1048576);
	assert_accepted("maxcpus=0x10");
	assert_int_equal(options.max_cpus, 16);
}

static void every_break_is_its_own_bit(void **state)
{
	static const char *const lines[] = {"break=drain", "break=ipi",	    "break=undercount",
					    "break=gap",   "break=fill",    "break=stamp",
					    "break=ap",	   "break=pointer", "break=early",
					    "break=nmi",   "break=traced",  "break=table"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_accepted(lines[i]);
		assert_int_equal(options.broken, 1U << i);
		assert_string_equal(options_break_word(1U << i), lines[i] + strlen("break="));
	}
}

/* A report names what was broken: without the word the run could pass. */
static void no_break_without_a_word(void **state)
{
	(void)state;
	assert_null(options_break_word(0));
	assert_null(options_break_word(BREAK_TABLE << 1));
}

static void every_defect(void **state)
{
	char line[] = "defect=N0";

	(void)state;
	for (char k = '1'; k <= '9'; k++) {
		line[8] = k;
		assert_accepted(line);
		assert_string_equal(options.defect, line + 7);
	}
}

static void consoles(void **state)
{
	static const struct {
		const char *line;
		bool serial, screen, none;
		u32 port, baud;
	} cases[] = {
		{"console=ttyS0", true, false, false, 0x3f8, 115200},
		{"console=ttyS1", true, false, false, 0x2f8, 115200},
		{"console=ttyS0,9600", true, false, false, 0x3f8, 9600},
		{"console=ttyS0,19200", true, false, false, 0x3f8, 19200},
		{"console=ttyS0,38400", true, false, false, 0x3f8, 38400},
		{"console=ttyS1,57600", true, false, false, 0x2f8, 57600},
		{"console=ttyS1,115200n8", true, false, false, 0x2f8, 115200},
		{"console=screen", false, true, false, 0, 0},
		{"console=none", false, false, true, 0, 0},
		{"console=screen console=ttyS0", true, true, false, 0x3f8, 115200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_accepted(cases[i].line);
		assert_int_equal(options.console.serial, cases[i].serial);
		assert_int_equal(options.console.screen, cases[i].screen);
		assert_int_equal(options.console.none, cases[i].none);
		assert_int_equal(options.console.port, cases[i].port);
		assert_int_equal(options.console.baud, cases[i].baud);
	}
}

#define ALL_OPTIONS                                                                                \
	"tlbi= nohz_full= run= pti= debug_pagealloc= vmap_stack= stack= zone= nopcid nox2apic "    \
	"maxcpus= "                                                                                \
	"defect= break= trace= tripwire= console= loglevel= panic= watchdog= end= seed= "          \
	"tlb_single_page_flush_ceiling="
#define POLICY_LIST "names of at most 31 characters, + between them, 255 characters in all"
#define CONSOLES                                                                                   \
	"ttyS0[,BAUD], ttyS1[,BAUD], screen, none; BAUD is one of 9600, 19200, 38400, 57600, "     \
	"115200"

static void refusals_name_the_word_and_what_is_valid(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"quiet", "quiet: unknown option; valid: " ALL_OPTIONS},
		{"tlb=immediate", "tlb=immediate: unknown option; valid: " ALL_OPTIONS},
		{"TLBI=immediate", "TLBI=immediate: unknown option; valid: " ALL_OPTIONS},
		{"=", "=: unknown option; valid: " ALL_OPTIONS},
		{"tlbi=immediate /boot/k.elf", "/boot/k.elf: unknown option; valid: " ALL_OPTIONS},
		{"/a /b", "/b: unknown option; valid: " ALL_OPTIONS},
		{"nopcidx", "nopcidx: unknown option; valid: " ALL_OPTIONS},
		{"nopci", "nopci: unknown option; valid: " ALL_OPTIONS},

		{"tlbi", "tlbi: a value is missing; valid: " POLICY_LIST},
		{"tlbi=", "tlbi=: a value is missing; valid: " POLICY_LIST},
		{"tlbi=foo", "tlbi=foo: no such policy; valid: immediate, state-bits"},
		{"tlbi=immediat", "tlbi=immediat: no such policy; valid: immediate, state-bits"},
		{"tlbi=immediate,",
		 "tlbi=immediate,: no such policy; valid: immediate, state-bits"},
		{"tlbi=immediate+foo+bar", "tlbi=foo: no such policy; valid: immediate, "
					   "state-bits"},
		{"tlbi=immediate+", "tlbi=: no such policy; valid: immediate, state-bits"},
		{"tlbi=+immediate", "tlbi=: no such policy; valid: immediate, state-bits"},
		{"tlbi=immediate++state-bits",
		 "tlbi=: no such policy; valid: immediate, state-bits"},
		{"tlbi=state-bits+immediate+state-bits",
		 "tlbi=state-bits: named a second time; valid: each policy once"},
		{"tlbi=immediate tlbi=immediate",
		 "tlbi=immediate: given a second time; valid: tlbi once"},
		{"seed=1 pti=on seed=2", "seed=2: given a second time; valid: seed once"},
		{"nopcid nopcid", "nopcid: given a second time; valid: nopcid once"},

		{"nohz_full", "nohz_full: a value is missing; valid: at most 255 characters"},
		{"nohz_full=1,x",
		 "nohz_full=: CPU list 1,x: 'x' is no CPU; valid: a number, or N for the last CPU"},
		{"nohz_full=1,,2",
		 "nohz_full=: CPU list 1,,2: '' is empty; valid: numbers and ranges "
		 "such as 1,4-6,8-N"},
		{"nohz_full=256", "nohz_full=: CPU list 256: '256' is not there; CPUs are 0-255"},

		{"run", "run: a value is missing; valid: EXPERIMENT[,key=value...]"},
		{"run=stormy", "run=: no experiment 'stormy'; valid: compare, storm, test"},
		{"run=,a=b", "run=: no experiment ''; valid: compare, storm, test"},
		{"run=storm,", "run=: bad parameter ''; valid: key=value of at most 31 and 47 "
			       "characters"},
		{"run=storm,a", "run=: bad parameter 'a'; valid: key=value of at most 31 and 47 "
				"characters"},
		{"run=storm,a=", "run=: bad parameter 'a='; valid: key=value of at most 31 and 47 "
				 "characters"},
		{"run=storm,=b", "run=: bad parameter '=b'; valid: key=value of at most 31 and 47 "
				 "characters"},
		{"run=storm,a=1,b=2,a=3", "run=: parameter 'a' is given twice; valid: once"},

		{"pti", "pti: a value is missing; valid: off, on"},
		{"pti=yes", "pti=yes: bad value; valid: off, on"},
		{"debug_pagealloc=1", "debug_pagealloc=1: bad value; valid: off, on"},
		{"vmap_stack=ON", "vmap_stack=ON: bad value; valid: off, on"},
		{"stack=kernel", "stack=kernel: bad value; valid: entry, task"},
		{"nopcid=", "nopcid=: takes no value; valid: nopcid alone"},
		{"nox2apic=on", "nox2apic=on: takes no value; valid: nox2apic alone"},
		{"maxcpus=0", "maxcpus=0: bad value; valid: a number of 1 to 256"},
		{"maxcpus=257", "maxcpus=257: bad value; valid: a number of 1 to 256"},
		{"maxcpus=-1", "maxcpus=-1: bad value; valid: a number of 1 to 256"},
		{"maxcpus=two", "maxcpus=two: bad value; valid: a number of 1 to 256"},
		{"defect=N10", "defect=N10: bad value; valid: N1, N2, N3, N4, N5, N6, N7, N8, N9"},
		{"defect=N0", "defect=N0: bad value; valid: N1, N2, N3, N4, N5, N6, N7, N8, N9"},
		{"break=all",
		 "break=all: bad value; valid: drain, ipi, undercount, gap, fill, stamp, ap, "
		 "pointer, early, nmi, traced, table"},
		{"zone=all", "zone=all: bad value; valid: off, trap, stale"},
		{"loglevel=8", "loglevel=8: bad value; valid: a number of 0 to 7"},
		{"panic=-1", "panic=-1: bad value; valid: a number of 0 to 3600"},
		{"panic=3601", "panic=3601: bad value; valid: a number of 0 to 3600"},
		{"seed=18446744073709551616",
		 "seed=18446744073709551616: bad value; valid: a number "
		 "of 0 to 18446744073709551615"},
		{"tlb_single_page_flush_ceiling=1048577",
		 "tlb_single_page_flush_ceiling=1048577: bad value; valid: a number of 0 to "
		 "1048576"},

		{"console=", "console=: a value is missing; valid: " CONSOLES},
		{"console=tty0", "console=tty0: bad value; valid: " CONSOLES},
		{"console=ttyS2", "console=ttyS2: bad value; valid: " CONSOLES},
		{"console=ttyS0,", "console=ttyS0,: bad value; valid: " CONSOLES},
		{"console=ttyS0,115201", "console=ttyS0,115201: bad value; valid: " CONSOLES},
		{"console=ttyS0,9600e7", "console=ttyS0,9600e7: bad value; valid: " CONSOLES},
		{"console=ttyS0,n8", "console=ttyS0,n8: bad value; valid: " CONSOLES},
		{"console=screen,9600", "console=screen,9600: bad value; valid: " CONSOLES},
		{"console=ttyS0 console=ttyS1",
		 "console=: a second serial port; valid: one of ttyS0 and ttyS1"},
		{"console=ttyS0 console=ttyS0,9600",
		 "console=: a second serial port; valid: one of ttyS0 and ttyS1"},
		{"console=screen console=screen",
		 "console=screen: given a second time; valid: once"},
		{"console=none console=screen",
		 "console=none: beside another console=; valid: none alone"},
		{"console=ttyS0 console=none",
		 "console=none: beside another console=; valid: none alone"},
		{"console=none console=none",
		 "console=none: beside another console=; valid: none alone"},

		{"tlbi=\"immediate\"",
		 "tlbi=\"immediate\": quotes and backslashes are not understood; "
		 "valid: words with blanks between them"},
		{"'run=storm",
		 "'run=storm: quotes and backslashes are not understood; valid: words "
		 "with blanks between them"},
		{"run=storm\\,a=b", "run=storm\\,a=b: quotes and backslashes are not understood; "
				    "valid: words with blanks between them"},
		/* Long or unprintable words are shown as far as it helps. */
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...: unknown option; "
		 "valid: " ALL_OPTIONS},
		{"caf\xc3\xa9\x1b[2J", "caf???[2J: unknown option; valid: " ALL_OPTIONS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].line, cases[i].text);
}

/* The first mistake is the one that is named. */
static void the_first_mistake_is_named(void **state)
{
	(void)state;
	assert_refused("pti=on pti=maybe maxcpus=0",
		       "pti=maybe: given a second time; valid: pti once");
	assert_refused("maxcpus=0 foo", "maxcpus=0: bad value; valid: a number of 1 to 256");
}

static void lists_that_are_not_given_accept_any_name(void **state)
{
	static const struct options_words any = {NULL, NULL};
	static const struct options_words none = {nothing, nothing};
	static const char long_name[] = "tlbi=abcdefghijklmnopqrstuvwxyz0123456";

	(void)state;
	assert_true(options_parse("tlbi=x run=y", &any, &options, error, sizeof(error)));
	assert_string_equal(options.tlbi, "x");
	assert_true(options_parse("tlbi=abcdefghijklmnopqrstuvwxyz01234", &any, &options, error,
				  sizeof(error)));
	assert_int_equal(strlen(options.tlbi), 31);
	assert_false(options_parse("tlbi=abcdefghijklmnopqrstuvwxyz012345", &any, &options, error,
				   sizeof(error)));
	assert_true(options_parse("tlbi=foo run=bar", &any, &options, error, sizeof(error)));
	assert_string_equal(options.tlbi, "foo");
	assert_string_equal(options.run.name, "bar");
	assert_false(options_parse(long_name, &any, &options, error, sizeof(error)));
	assert_string_equal(
		error, "tlbi=abcdefghijklmnopqrstuvwxyz0123456: bad value; valid: " POLICY_LIST);
	assert_true(options_parse("tlbi=x+xx", &any, &options, error, sizeof(error)));
	assert_string_equal(options.tlbi, "x+xx");
	assert_false(options_parse("tlbi=x+", &any, &options, error, sizeof(error)));
	assert_string_equal(error, "tlbi=x+: bad value; valid: " POLICY_LIST);
	assert_false(options_parse("run=abcdefghijklmnopqrstuvwxyz0123456", &any, &options, error,
				   sizeof(error)));
	assert_string_equal(error,
			    "run=: no experiment 'abcdefghijklmnopqrstuvwxyz0123456'; valid: a "
			    "name of at most 31 characters");
	assert_false(options_parse("tlbi=foo", &none, &options, error, sizeof(error)));
	assert_string_equal(error, "tlbi=foo: no such policy; valid: none");
}

static void texts_of_the_greatest_length(void **state)
{
	char line[600];

	(void)state;
	strcpy(line, "nohz_full=1");
	while (strlen(line) < strlen("nohz_full=") + 253)
		strcat(line, ",2");
	assert_int_equal(strlen(line), strlen("nohz_full=") + 253);
	strcat(line, "-3");
	assert_accepted(line);
	assert_int_equal(strlen(options.nohz_full), 255);
	strcat(line, ",4");
	assert_refused(line,
		       "nohz_full=1,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,...: bad value; valid: "
		       "at most 255 characters");

	strcpy(line, "run=storm");
	for (int i = 0; i < 16; i++) {
		char arg[] = ",a=1";

		arg[1] = (char)('a' + i);
		strcat(line, arg);
	}
	assert_accepted(line);
	assert_int_equal(options.run.nr_args, 16);
	strcat(line, ",q=1");
	assert_refused(line,
		       "run=: more than 16 parameters, the first too many is 'q=1'; valid: 16");

	strcpy(line, "run=test,k=");
	memset(line + 11, 'v', 47);
	line[11 + 47] = '\0';
	assert_accepted(line);
	assert_int_equal(strlen(options.run.arg[0].value), 47);
	strcat(line, "v");
	assert_false(parse(line));
}

/* However small the buffer, the text stays within it, terminated. */
static void short_error_buffers(void **state)
{
	static const char full[] = "foo: unknown option; valid: " ALL_OPTIONS;

	(void)state;
	for (size_t size = 1; size < sizeof(full) + 10; size++) {
		char *buffer = malloc(size);

		assert_false(options_parse("foo", &words, &options, buffer, size));
		assert_int_equal(strlen(buffer), min(size - 1, sizeof(full) - 1));
		assert_memory_equal(buffer, full, strlen(buffer));
		free(buffer);
	}
}

static void typed_parameters(void **state)
{
	static const char *const known[] = {"n", "size", "how", "rest", NULL};
	static const char *const first_only[] = {"n", "how", "size", NULL};
	static const char *const hows[] = {"fast", "slow", NULL};
	u64 number = 7;
	u32 index = 9;

	(void)state;
	assert_accepted("run=storm,n=10,size=16k,how=slow,rest=any:thing");
	assert_true(run_only_knows(&options.run, known, error, sizeof(error)));
	assert_true(run_u64(&options.run, "n", 1, 10, &number, error, sizeof(error)));
	assert_int_equal(number, 10);
	assert_true(run_u64(&options.run, "size", 0, UINT64_MAX, &number, error, sizeof(error)));
	assert_int_equal(number, 16384);
	assert_true(run_word(&options.run, "how", hows, &index, error, sizeof(error)));
	assert_int_equal(index, 1);
	assert_string_equal(run_text(&options.run, "rest"), "any:thing");

	/* At the least valid value, of a parameter and of a list. */
	assert_true(run_u64(&options.run, "n", 10, 11, &number, error, sizeof(error)));
	assert_int_equal(number, 10);
	assert_true(run_word(&options.run, "how", hows + 1, &index, error, sizeof(error)));
	assert_int_equal(index, 0);
	assert_true(run_u64(&options.run, "size", 0, UINT64_MAX, &number, error, sizeof(error)));
	assert_true(run_word(&options.run, "how", hows, &index, error, sizeof(error)));

	/* Absent: the default stays. */
	assert_true(run_u64(&options.run, "absent", 0, 1, &number, error, sizeof(error)));
	assert_int_equal(number, 16384);
	assert_true(run_word(&options.run, "absent", hows, &index, error, sizeof(error)));
	assert_int_equal(index, 1);
	assert_null(run_text(&options.run, "absent"));

	/* Bad: named, and the default stays. */
	assert_false(run_u64(&options.run, "n", 11, 20, &number, error, sizeof(error)));
	assert_string_equal(error, "run=storm: bad value in n=10; valid: a number of 11 to 20");
	assert_false(run_u64(&options.run, "n", 0, 9, &number, error, sizeof(error)));
	assert_string_equal(error, "run=storm: bad value in n=10; valid: a number of 0 to 9");
	assert_false(run_u64(&options.run, "how", 0, 9, &number, error, sizeof(error)));
	assert_string_equal(error, "run=storm: bad value in how=slow; valid: a number of 0 to 9");
	assert_int_equal(number, 16384);
	assert_false(run_word(&options.run, "rest", hows, &index, error, sizeof(error)));
	assert_string_equal(error, "run=storm: bad value in rest=any:thing; valid: fast, slow");
	assert_int_equal(index, 1);
	assert_false(run_only_knows(&options.run, first_only, error, sizeof(error)));
	assert_string_equal(error, "run=storm: unknown parameter 'rest'; valid: n, how, size");
	assert_false(run_only_knows(&options.run, hows, error, sizeof(error)));
	assert_string_equal(error, "run=storm: unknown parameter 'n'; valid: fast, slow");
	assert_false(run_only_knows(&options.run, nothing, error, sizeof(error)));
	assert_string_equal(error, "run=storm: unknown parameter 'n'; valid: none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_means_the_defaults),
		cmocka_unit_test(a_whole_line),
		cmocka_unit_test(one_option_touches_one_field),
		cmocka_unit_test(every_name_is_accepted),
		cmocka_unit_test(policies_are_a_list),
		cmocka_unit_test(numbers_at_their_limits),
		cmocka_unit_test(no_break_without_a_word),
		cmocka_unit_test(every_break_is_its_own_bit),
		cmocka_unit_test(every_defect),
		cmocka_unit_test(consoles),
		cmocka_unit_test(refusals_name_the_word_and_what_is_valid),
		cmocka_unit_test(the_first_mistake_is_named),
		cmocka_unit_test(lists_that_are_not_given_accept_any_name),
		cmocka_unit_test(texts_of_the_greatest_length),
		cmocka_unit_test(short_error_buffers),
		cmocka_unit_test(typed_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
