# SPDX-License-Identifier: MIT
"""The doors of tests/zone as an ELF file, for the tests of the zone's checker."""

from __future__ import annotations

import subprocess
from pathlib import Path


def assemble(source: Path, elf: Path) -> None:
    """Makes ELF, with debugging information, from doors in assembly."""
    objects = elf.with_suffix(".o")
    subprocess.run(["nasm", "-f", "elf64", "-g", "-F", "dwarf", str(source), "-o", str(objects)],
                   check=True)
    subprocess.run(["ld", "-m", "elf_x86_64", "-Ttext=0x10000", "-e", "code_start",
                    "-z", "noexecstack", "-o", str(elf), str(objects)], check=True)
