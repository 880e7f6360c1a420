#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which files belong to the project, for the checkers: from git if it is there, else by walking;
and how a checker says what it found.

Generated and vendored files are left out: fonts and fuzzing corpora are data.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("boot", "arch", "mm", "kernel", "user", "tests", "tools", "docs", ".ci",
           "third_party")
LEFT_OUT = ("tests/host/corpus/", "tests/host/golden/", "kernel/font/",
            "third_party/qrcodegen/")


def project_files() -> list[Path]:
    """All files of the project, relative to its root, sorted."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                             check=False) if (ROOT / ".git").exists() else None
    if listing and listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.glob("*")]
        for folder in FOLDERS:
            names += [str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*")]
    kept = {Path(name) for name in names if not name.startswith(LEFT_OUT)
            and (ROOT / name).is_file() and "__pycache__" not in name}
    return sorted(kept)


def c_files() -> list[Path]:
    """Sources and headers in C."""
    return [path for path in project_files() if path.suffix in (".c", ".h")]


def say_faults(checker: str, looked_at: int, what: str, faults: list[str]) -> int:
    """The faults and a last line with their number; the exit status, 1 if nothing was looked at."""
    for fault in faults:
        print(fault)
    print(f"{checker}: {looked_at} {what}, {len(faults)} faults")
    return 1 if faults or not looked_at else 0
