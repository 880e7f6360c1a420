// sources: kernel/document.c
/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a document: all but the blanks between its values, and nothing before its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/debugcon.h"
#include "kernel/document.h"

static bool listening;
static size_t written;

bool debugcon_present(void)
{
	return listening;
}

void debugcon_write(const char *s, size_t n)
{
	(void)s;
	assert_true(listening);
	written += n;
}

/* There is one document in a run: one test, which goes on where the last step ended. */
static void a_document(void **state)
{
	static const char begin[] = "{\n \"a b\": \"x \\\" }] \\\\\", \"n\": [1, {\"c\": 2";
	static const char kept[] = "{\"a b\":\"x \\\" }] \\\\\",\"n\":[1,{\"c\":2}]}";
	static const char blanks[1000] = {' '};
	size_t length;

	(void)state;
	assert_null(document_text(&length));
	document_write(begin, 10);
	listening = true;
	document_write(begin + 10, strlen(begin) - 10);
	assert_int_equal(written, strlen(begin) - 10);
	assert_null(document_text(&length));
	document_write("}]\n", 3);
	assert_null(document_text(&length));
	document_write("}\n", 2);
	assert_memory_equal(document_text(&length), kept, strlen(kept));
	assert_int_equal(length, strlen(kept));

	/* What is too long is counted, and not written beyond the end. */
	document_write("\"", 1);
	for (u32 i = 0; i < 100; i++)
		document_write(blanks, sizeof(blanks));
	assert_non_null(document_text(&length));
	assert_int_equal(length, strlen(kept) + 1 + 100 * sizeof(blanks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_document)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
