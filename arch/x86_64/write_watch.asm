; SPDX-License-Identifier: MIT
;
; The door of #DB while writes are watched (write_watch.h): notes which breakpoints were met. The
; trap comes behind the write, so there is nothing to step over.

%include "offsets.inc"

section .entry.text progbits alloc exec nowrite align=64

global write_watch_door
write_watch_door:
	push rax
	mov rax, dr6
	or [rel write_watch_state + WRITE_WATCH_HITS], rax
	xor eax, eax
	mov dr6, rax
	pop rax
	iretq

extern write_watch_state
