#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each header compiles alone, included twice, with every compiler that is asked for:
# `tools/check_headers.sh gcc clang`. The flags are those of the kernel, as make has them.
set -u

cd "$(dirname "$0")/.." || exit 1
faults=0
seen=0
for compiler in "$@"; do
	flags=$(make -s --no-print-directory CC="$compiler" print-kernel-cc) || exit 1
	while IFS= read -r header; do
		seen=$((seen + 1))
		# shellcheck disable=SC2086 # the flags are words
		if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
			$flags -Wno-unused-function -fsyntax-only -x c -; then
			echo "$header: does not compile alone with $compiler"
			faults=$((faults + 1))
		fi
	done < <(find boot arch mm kernel tests/kernel -name '*.h' | sort)
done
echo "headers: $seen compiled, $faults faults"
((faults == 0 && seen > 0))
