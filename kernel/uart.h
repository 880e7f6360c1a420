/* SPDX-License-Identifier: MIT */
/*
 * One serial port of the 16550 family (PC16550D data sheet), polled, output only: 8 data bits, no
 * parity, one stop bit. A port that is missing or stuck costs text, never the run.
 */
#pragma once

#include "arch/x86_64/types.h"

#define UART_COM1 0x3f8
#define UART_COM2 0x2f8

/*
 * Looks for a UART at PORT and sets it up for BAUD (1..115200, rounded to what the divisor can
 * say). Returns NULL, or why the port stays unused. Context: one CPU, before uart_write().
 */
const char *uart_init(u16 port, u32 baud);

/*
 * Sends N bytes, each '\n' as "\r\n". Waits up to a second for a port that takes nothing; what is
 * dropped then is counted, and the number is sent as soon as the port takes bytes again.
 * Context: any, under the console's lock. Does nothing without a port.
 */
void uart_write(const char *s, size_t n);
