#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What every text file keeps: a licence line, 100 columns, ASCII, nothing marked as unfinished.

Prose (Markdown) is free of the column limit; data files have no licence line.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sources import ROOT, project_files, say_faults

COLUMNS = 100
CODE = {".c", ".h", ".asm", ".inc", ".py", ".sh", ".ld", ".cfg", ".mk"}
CODE_NAMES = {"Makefile", ".ci/run"}
# Built from halves, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) +
                        r")\b(?!\()")
# Where these words are vocabulary (directives of TAP).
UNFINISHED_EXEMPT = ("tools/tap.py", "tools/test_tools.py")


def faults_of(name: str, data: bytes) -> list[str]:
    """What is wrong with the text of one file."""
    code = Path(name).suffix in CODE or name in CODE_NAMES
    if b"\0" in data:
        return []
    faults = []
    lines = data.decode("latin-1").split("\n")
    if lines[-1]:
        faults.append(f"{name}:{len(lines)}: no newline at the end of the file")
    if code and not any("SPDX-License-Identifier: MIT" in line for line in lines[:3]):
        faults.append(f"{name}:1: no line SPDX-License-Identifier: MIT")
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        if code and len(line.expandtabs(8)) > COLUMNS:
            faults.append(f"{where}: {len(line.expandtabs(8))} columns, {COLUMNS} are allowed")
        if code and not line.isascii():
            faults.append(f"{where}: not ASCII")
        if line != line.rstrip():
            faults.append(f"{where}: blanks at the end of the line")
        if name not in UNFINISHED_EXEMPT and UNFINISHED.search(line):
            faults.append(f"{where}: marked as unfinished: {line.strip()[:60]}")
    return faults


def main() -> int:
    """Checks every file of the project."""
    faults: list[str] = []
    files = project_files()
    for path in files:
        faults += faults_of(str(path), Path(ROOT, path).read_bytes())
    return say_faults("text", len(files), "files", faults)


if __name__ == "__main__":
    sys.exit(main())
