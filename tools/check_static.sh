#!/bin/bash
# SPDX-License-Identifier: MIT
#
# cppcheck over the kernel. Only what it is sure of; a false alarm is silenced where it stands, but
# for kinds in which it is mostly wrong here: symbols of the linker, whose differences are sizes and
# which it takes for separate objects; structures that are filled word by word; what follows a call
# that does not return (it overlooks _Noreturn on a declaration); and printf formats,
# which the compilers check better.
set -u

cd "$(dirname "$0")/.." || exit 1
silenced=(comparePointers subtractPointers uninitvar nullPointerRedundantCheck
	missingIncludeSystem
	invalidPrintfArgType_uint invalidPrintfArgType_sint)
exec cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=unix64 \
	--enable=warning,portability "${silenced[@]/#/--suppress=}" \
	--max-configs=2 -j 2 -DCONFIG_CONTEXT_TRACKING_WORK=1 -D__x86_64__=1 -I. \
	boot arch mm kernel user
