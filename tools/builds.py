#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The variants of the kernel that tests boot: a name, its make variables, the tool it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Build:
    """One variant. tool: without it the variant is skipped, not failed."""
    variables: dict[str, str] = field(default_factory=dict)
    tool: str = ""


BUILDS = {
    "default": Build(),
    "ubsan": Build({"UBSAN": "1"}),
    "clang": Build({"CC": "clang"}),
    "clang-ubsan": Build({"CC": "clang", "UBSAN": "1"}),
    "cross": Build({"CROSS_COMPILE": "x86_64-linux-gnu-"}, tool="x86_64-linux-gnu-gcc"),
    "cross-elf": Build({"CROSS_COMPILE": "x86_64-elf-"}, tool="x86_64-elf-gcc"),
    "no-ct-work": Build({"CT_WORK": "0"}),
}


def folder_of(name: str, root: Path) -> Path:
    """Where a variant is built, below the build folder ROOT."""
    return root if name == "default" else root / "variants" / name
