/* SPDX-License-Identifier: MIT */
/*
 * The essence of a result as a QR code at the end of the screen: for a machine from which nothing
 * but a photograph comes off.
 */
#pragma once

#include "kernel/result.h"

/*
 * Draws it, or says why there is none; nothing without a screen. The screen's text goes on above
 * it. Context: boot CPU, after the report.
 */
void qr_report(const struct run_result *run);
