#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Shell scripts through shellcheck, Python files through Python's own compiler.
set -u

cd "$(dirname "$0")/.." || exit 1
shellcheck tools/*.sh .ci/run || exit 1
/usr/bin/python3 - tools/*.py tests/*/*.py <<'PYTHON'
import sys
for name in sys.argv[1:]:
    with open(name, encoding="ascii") as file:
        compile(file.read(), name, "exec")
PYTHON
