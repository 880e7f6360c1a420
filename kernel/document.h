/* SPDX-License-Identifier: MIT */
/*
 * Where the document of a run goes as it is written: to port 0xe9, if somebody listens there, and
 * into memory without its blanks, for the QR code at the end.
 */
#pragma once

#include "kernel/deflate.h"

/* A json_write_fn. Context: boot CPU. */
void document_write(const char *s, size_t n);

/*
 * The whole document, *LENGTH characters without blanks between values; NULL if none was written,
 * or not to its end. *LENGTH above DEFLATE_INPUT_MAX: so long, and what is there is cut off.
 */
const char *document_text(size_t *length);
