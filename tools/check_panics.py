#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every panic and every refusal of the kernel is shown by a test, or its exception has a reason.

The texts are the literals that the kernel gives to panic(), refuse() and refuse_to_boot(). One is
shown if a boot case demands it (tests/machine: a row that may end so, a pattern of `shows`), or a
host test names it. tools/check_panics.txt has the exceptions: `beginning of the text | reason`. One
that is not needed any more, or whose text is gone, is a fault. BUG_ON() is no text of its own: it
asserts what only a defect of the kernel breaks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/machine"))

# pylint: disable=wrong-import-position
from crashes import CRASHES                                     # noqa: E402
from crusty import CRUSTY                                       # noqa: E402
from experiments import EXPERIMENTS                             # noqa: E402
from faults import FAULTS                                       # noqa: E402
from hostile import HOSTILE                                     # noqa: E402
from kernel_suites import KERNEL_SUITES                         # noqa: E402
from matrix import MATRIX                                       # noqa: E402
from refusals import REFUSALS                                   # noqa: E402
from sources import project_files, say_faults                   # noqa: E402
from stacks import STACKS                                       # noqa: E402
from sweep import SWEEPS                                        # noqa: E402
from tracing import TRACES                                      # noqa: E402
from violations import VIOLATIONS                               # noqa: E402
from zone import ZONES                                          # noqa: E402

ROWS = (CRASHES + CRUSTY + EXPERIMENTS + HOSTILE + KERNEL_SUITES + MATRIX + REFUSALS + STACKS +
        SWEEPS + TRACES + VIOLATIONS + ZONES)

EXCEPTIONS = ROOT / "tools/check_panics.txt"
KERNEL = ("arch/", "boot/", "kernel/", "mm/")
CALL = re.compile(r'\b(?:panic|refuse|refuse_to_boot)\(\s*(?:"[a-z =]+",\s*)?((?:"(?:[^"\\]|\\.)*"'
                  r'(?:\s*PR[A-Za-z]+)?\s*)+)')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%[-0-9.*]*(?:ll|l|z)?[a-zA-Z]")
# Of refuse_to_boot(): what the text is about, which comes from a parser and its host test.
LABELS = ("boot information", "memory", "local APIC", "command line")
LEAST = 8                       # characters: less says nothing


def texts_of_kernel() -> dict[str, str]:
    """Each text as it stands in the source, and where."""
    found: dict[str, str] = {}
    for path in project_files():
        if path.suffix not in (".c", ".h") or not str(path).startswith(KERNEL):
            continue
        source = (ROOT / path).read_text()
        for match in CALL.finditer(source):
            text = "".join(LITERAL.findall(match[1]))
            if len(text) < LEAST or text in LABELS:
                continue
            found.setdefault(text, f"{path}:{source.count(chr(10), 0, match.start()) + 1}")
    return found


def is_shown(text: str, texts: Iterable[str], said: list[str]) -> bool:
    """Whether a test demands the longest part of TEXT that no conversion interrupts, or a part
    which no other text has."""
    parts = [part.strip() for part in CONVERSION.split(text)]
    longest = max(parts, key=len)
    return any(longest in words or any(words in part and sum(words in other for other in texts) == 1
                                       for part in parts)
               for words in said)


def literals(pattern: str) -> list[str]:
    """What a regular expression demands as it stands."""
    parts = re.split(r"\.\*|\[[^\]]*\][+*?]?|\\[dw][+*]?|(?<!\\)[\^$()|?+*]", pattern)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


def said_by_tests() -> list[str]:
    """All that a test demands of an end."""
    said = [fault.text for fault in FAULTS]
    for row in ROWS:
        if set(row.verdicts) & {"panic", "refused"}:
            said += [part for pattern in row.shows for part in literals(pattern)]
    for path in sorted((ROOT / "tests/host").glob("test_*.c")):
        source = path.read_text()
        if "host_panics(" in source:
            said += LITERAL.findall(source)
    return [text.strip() for text in said if len(text.strip()) >= LEAST]


def exceptions() -> dict[str, str]:
    """Beginnings of texts, and why no test shows them."""
    lines = [line for line in EXCEPTIONS.read_text().splitlines()
             if line.strip() and not line.startswith("#")]
    return {text.strip(): reason.strip() for text, _, reason in
            (line.partition(" | ") for line in lines)}


def faults_of(texts: dict[str, str], said: list[str], excused: dict[str, str]) -> list[str]:
    """What is wrong."""
    faults = []
    for text, place in texts.items():
        reasons = [begin for begin in excused if text.startswith(begin)]
        if is_shown(text, texts, said) and reasons:
            faults.append(f"{place}: shown by a test, but an exception too: {text}")
        elif not is_shown(text, texts, said) and not reasons:
            faults.append(f"{place}: no test shows: {text}")
    faults += [f"{EXCEPTIONS.name}: no such text: {begin}" for begin in excused
               if not any(text.startswith(begin) for text in texts)]
    faults += [f"{EXCEPTIONS.name}: no reason: {begin}" for begin, why in excused.items()
               if len(why) < LEAST]
    return faults


def main() -> int:
    """Checks the kernel's texts."""
    texts, excused = texts_of_kernel(), exceptions()
    faults = faults_of(texts, said_by_tests(), excused)
    return say_faults("panics", len(texts), f"texts, {len(excused)} excused", faults)


if __name__ == "__main__":
    sys.exit(main())
