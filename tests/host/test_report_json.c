// sources: kernel/report_json.c kernel/json.c kernel/result*.c kernel/format.c tests/host/sample*.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The machine form of a result. That documents fit docs/run.schema.json, hold the samples' figures,
 * and that the schema refuses wrong ones, is the business of tests/host/check_json_schema.py, which
 * is run here on what `test_report_json print SAMPLE` prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/report_json.h"
#include "tests/host/sample_result.h"

static char *text;
static size_t used, room;

static void keep(const char *s, size_t n)
{
	while (used + n + 1 > room) {
		room = room ? 2 * room : 4096;
		text = realloc(text, room);
		assert_non_null(text);
	}
	memcpy(text + used, s, n);
	used += n;
	text[used] = '\0';
}

static void print(struct run_result *run)
{
	used = 0;
	assert_null(report_json(run, keep));
	sample_free(run);
}

static unsigned count(const char *word)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

static void any_result_is_a_whole_document(void **state)
{
	(void)state;
	for (long seed = 0; seed < 300; seed++) {
		print(sample_random(seed));
		assert_memory_equal(text, "{\n \"schema\": 1,\n", 16);
		assert_string_equal(text + used - 3, "\n}\n");
		for (size_t i = 0; i < used; i++)
			assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
	}
}

static void a_cpu_is_one_line(void **state)
{
	(void)state;
	print(sample_comparison());
	assert_int_equal(count("\n    {\"cpu\": "), 8);
	assert_non_null(strstr(text, "\n    {\"cpu\": 2, \"apic_id\": 4, \"isolated\": true, "
				     "\"tlbi_ipis\": 9987, \"tlbi_callbacks\": 10000, "));
}

static void what_was_not_measured_is_null(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	print(run);
	assert_int_equal(count("\"stale\": null"), 4); /* housekeeping CPUs */
	assert_int_equal(count("\"stale\": 0"), 4);
	assert_int_equal(count("\"gaps\": null"), 4);
	assert_int_equal(count("\"gaps\": {"), 4);
	assert_int_equal(count("\"nmi_stale\": null"), 4);
	assert_int_equal(count("\"nmi_stale\": 0"), 4);
	assert_int_equal(count("\"syscall_instructions\": null"), 0);
	print(sample_findings());
	assert_int_equal(count("\"syscall_instructions\": null"), 4);
}

/* A finding comes with the claim that covers it, or with none. */
static void findings_name_their_claims(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	run->policies[1].cpus[2].nmi_stale = 5;
	run->policies[1].cpus[3].nmi_stale = 7;
	run->policies[1].cpus[0].lost = 1;
	print(run);
	assert_int_equal(count("\"findings\": []"), 1);
	assert_int_equal(count("{\"context\": "), 2);
	assert_non_null(strstr(text, "{\"context\": \"process\", \"effect\": \"lost\", "
				     "\"count\": 1, \"claim\": null}"));
	assert_non_null(strstr(text, "{\"context\": \"nmi\", \"effect\": \"stale\", "
				     "\"count\": 12, \"claim\": \"N4\"}"));
}

/* A run that ended before its verdict is no pass and no fail. */
static void no_verdict_is_an_error(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	run->verdict = VERDICT_NONE;
	run->policies[1].verdict = VERDICT_NONE;
	print(run);
	assert_int_equal(count("\n \"verdict\": \"error\""), 1);
	assert_int_equal(count("\n   \"verdict\": \"pass\""), 1);
	assert_int_equal(count("\n   \"verdict\": \"error\""), 1);
}

static const char *program;

static void documents_fit_their_schema(void **state)
{
	char command[1000] = "/usr/bin/python3 tests/host/check_json_schema.py ";

	(void)state;
	assert_true(strlen(command) + strlen(program) < sizeof(command));
	fflush(stdout);
	assert_int_equal(system(strcat(command, program)), 0);
}

static int free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static void to_stdout(const char *s, size_t n)
{
	fwrite(s, 1, n, stdout);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_result_is_a_whole_document),
		cmocka_unit_test(a_cpu_is_one_line),
		cmocka_unit_test(what_was_not_measured_is_null),
		cmocka_unit_test(findings_name_their_claims),
		cmocka_unit_test(no_verdict_is_an_error),
		cmocka_unit_test(documents_fit_their_schema),
	};

	if (argc == 3 && !strcmp(argv[1], "print")) {
		struct run_result *run = sample_by_name(argv[2]);

		if (!run)
			return 2;
		report_json(run, to_stdout);
		sample_free(run);
		return 0;
	}
	program = argv[0];
	return cmocka_run_group_tests(tests, NULL, free_text);
}
