/* SPDX-License-Identifier: MIT */
/*
 * The ring-3 programs at hand: those that the loader brought as modules, then the built-in ones.
 */
#pragma once

#include "kernel/task.h"

#define MAX_PROGRAMS 24

/* Adds a loader's module; a later one of the same name, and any built-in, stands back. Boot CPU. */
void program_add(const char *name, const void *image, size_t len);

/* NULL if there is none of that name. */
const struct program *program_find(const char *name);
