# SPDX-License-Identifier: MIT
"""One boot that `make test` makes, and what has to come of it. The tables beside this file are
made of these; tools/test.py runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class BootCase:
    """A boot and its expected end.

    machine: fields of tools/machine.py's Machine. build: a variant of tools/builds.py.
    shows: regular expressions, each has to match a line of the serial output.
    counts: a field of the document's CPUs that has to be above 0 on an isolated CPU.
    check: what the document says against the case, computed from its records.
    facts: the document has to fulfil what tools/facts.py computes from it.
    trace: the records of trace= have to agree with the document (tools/trace_facts.py).
    grub: commands of GRUB before the kernel is loaded; files: more files of the image.
    ktap: the serial output holds KTAP, whose results are counted one by one.
    """
    name: str
    cmdline: str = ""
    machine: dict[str, object] = field(default_factory=dict)
    build: str = "default"
    verdicts: tuple[str, ...] = ("pass",)
    shows: tuple[str, ...] = ()
    counts: str = ""
    facts: bool = False
    trace: bool = False
    check: Callable[[dict[str, Any]], list[str]] | None = None
    ktap: bool = False
    grub: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    limit: float = 300.0
