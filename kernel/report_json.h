/* SPDX-License-Identifier: MIT */
/*
 * The result of a run as a JSON document, described by docs/run.schema.json. It holds every field
 * of kernel/result.h under its name.
 */
#pragma once

#include "kernel/json.h"
#include "kernel/result.h"

/*
 * Writes RUN. Returns NULL, or what is wrong with the writer's use (never, as a test shows).
 * Context: one CPU, after the run.
 */
const char *report_json(const struct run_result *run, json_write_fn write);

/* What every document begins with, within its object: schema, machine, parameters. */
void report_json_head(struct json *j, const struct machine_result *machine,
		      const struct parameters_result *parameters);
