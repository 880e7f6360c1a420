# SPDX-License-Identifier: MIT
"""Who ran a kernel, on what: the `host` object that makes a result file describe itself.

The kernel writes what it sees. What it cannot know (the emulator's version and command line, its
own compiler, the revision of the sources, the date) is added here. What cannot be found out is
null, never a guess. docs/host.schema.json describes each field.
"""

from __future__ import annotations

import functools
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from machine import Machine

ROOT = Path(__file__).resolve().parent.parent
VERSION_OPTION = {"qemu": ["qemu-system-x86_64", "--version"], "bochs": ["bochs", "--help"]}
VERSION_LINE = {"qemu": r"QEMU emulator version .*", "bochs": r"Bochs x86 Emulator \S+"}
LIMIT = 20.0                    # seconds for each of the programs that are asked

Json = dict[str, Any]


def answer_of(arguments: list[str]) -> str:
    """All that a program prints; "" if it is not there or does not end."""
    try:
        done = subprocess.run(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("latin-1")


def first_match(pattern: str, text: str) -> str | None:
    """What the first match holds: its group, or all of it; None without one."""
    match = re.search(pattern, text, re.MULTILINE)
    return match[match.re.groups].strip() if match else None


@functools.cache
def revision() -> str | None:
    """The sources' commit, with "-dirty" behind it if a tracked file is not as committed."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return first_match(r"^[0-9a-f]{7,40}(?:-dirty)?$", answer_of(words))


@functools.cache
def compiler_of(kernel: Path) -> str | None:
    """Who compiled the kernel, from its debugging information: the name without the flags."""
    listing = answer_of(["readelf", "-wi", "--dwarf-depth=1", str(kernel)])
    producers = re.findall(r"DW_AT_producer\s*:(?: \(indirect [^)]*\):)? (.*)", listing)
    names = [re.split(r" -", producer)[0].strip() for producer in producers]
    return next((name for name in names if not name.startswith("NASM")), None)


@functools.cache
def processor() -> str | None:
    """The processor under the emulator."""
    try:
        return first_match(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    except OSError:
        return None


@functools.cache
def version_of(engine: str) -> str | None:
    """The emulator by its own name and version."""
    return first_match(VERSION_LINE[engine], answer_of(VERSION_OPTION[engine]))


def host_of(m: Machine, arguments: list[str]) -> Json:
    """The object, for a machine that was started with ARGUMENTS."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": revision(),
        "compiler": compiler_of(m.kernel),
        "processor": processor(),
        "engine": m.engine,
        "engine_version": version_of(m.engine),
        "accel": m.accel, "machine": m.machine, "firmware": m.firmware, "media": m.media,
        "cpus": m.cpus, "memory_mib": m.mem, "cmdline": m.cmdline,
        "command": arguments,
    }
