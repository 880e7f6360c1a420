#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every C file is as clang-format with the project's .clang-format would write it. Versions differ
# in details, so another one than the project's proves nothing: status 77, which is a skip.
set -u

version=14

cd "$(dirname "$0")/.." || exit 1
mapfile -d '' -t files < <(find boot arch mm kernel user tests -name '*.[ch]' -print0 | sort -z)
((${#files[@]})) || { echo "format: no C file found"; exit 1; }
if ! clang-format --version | grep -q "version $version\."; then
	echo "format: needs clang-format $version, this is $(clang-format --version)"
	exit 77
fi
clang-format --dry-run --Werror -ferror-limit=5 "${files[@]}" || exit 1
echo "format: ${#files[@]} files"
