#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Imports run downwards: tests -> kernel -> mm -> arch/x86_64, checked in C and in assembly.

boot/*.c hands facts to the kernel and may itself use only four headers of the lowest floor. Ring-3
programs and the kernel share what they agreed on: user/syscall.h, user/step.h, user/hostile.h,
user/crusty.h and arch/x86_64/user_page.h. Every project header is included by its path from the
root; kernel code uses no header of a C library but those that a freestanding compiler brings. A
policy is named by nobody but its own file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sources import ROOT, project_files, say_faults

INCLUDE = re.compile(r'^\s*[#%]\s*include\s*([<"])([^>"]+)[>"]')
FREESTANDING = {"stdarg.h", "stddef.h", "stdint.h", "stdbool.h", "limits.h"}
GENERATED = {"offsets.inc"}
BOOT_MAY_USE = {f"arch/x86_64/{name}.h" for name in ("types", "string", "log", "io")}
# Floor of a path: what may be included from it. The first prefix that fits counts.
FLOORS = {
    "tests/": ("tests/", "kernel/", "mm/", "arch/x86_64/", "boot/", "user/"),
    "kernel/": ("kernel/", "mm/", "arch/x86_64/", "boot/", "user/syscall.h", "user/step.h",
                "user/hostile.h", "user/crusty.h", "third_party/"),
    "third_party/shim/": ("arch/x86_64/",),
    "mm/": ("mm/", "arch/x86_64/"),
    "arch/x86_64/": ("arch/x86_64/",),
    "boot/": ("boot/",),
    "user/": ("user/", "arch/x86_64/types.h", "arch/x86_64/user_page.h"),
}


def may_include(path: str, target: str) -> bool:
    """Is TARGET on the floor of PATH or below it?"""
    for prefix, allowed in FLOORS.items():
        if path.startswith(prefix):
            return target.startswith(allowed) or (prefix == "boot/" and target in BOOT_MAY_USE)
    return False


def faults_of(path: str, text: str, exists: object = None) -> list[str]:
    """What is wrong with the includes of one file."""
    there = exists or (lambda target: (ROOT / target).is_file())
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, target = match[1], match[2]
        where = f"{path}:{number}"
        if kind == "<":
            on_host = path.startswith(("tests/host/", "tests/explorer/", "tools/"))
            if not on_host and target not in FREESTANDING:
                faults.append(f"{where}: <{target}> is no freestanding header")
        elif target in GENERATED:
            continue
        elif not there(target):  # type: ignore[operator]
            faults.append(f"{where}: \"{target}\" is no path from the root to a header")
        elif not may_include(path, target):
            faults.append(f"{where}: \"{target}\" lies on a floor above this one")
    return faults


def main() -> int:
    """Checks every source; with no argument, as nothing else makes sense."""
    faults: list[str] = []
    seen = 0
    for path in project_files():
        if path.suffix not in (".c", ".h", ".asm", ".inc") or len(path.parts) < 2:
            continue
        seen += 1
        faults += faults_of(str(path), Path(ROOT, path).read_text(errors="replace"))
    return say_faults("includes", seen, "files", faults)


if __name__ == "__main__":
    sys.exit(main())
