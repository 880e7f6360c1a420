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

/*
 * The same for an experiment whose document went through document_write(): the code holds all of
 * it. Nothing if there is no such document. Context: boot CPU, behind everything else that is
 * printed but the verdict.
 */
void qr_document(void);
