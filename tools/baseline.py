# SPDX-License-Identifier: MIT
"""The committed baseline of instruction counts: a table for people, read back by its columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from count_steps import OPERATIONS

PERCENT = 2                     # a count may differ by so much, up or down
HEAD = """\
# Kernel instructions of each operation, by policy and number of page-table roots. Written by
# `make counts RENEW=1`; more than 2 % apart fails `make counts` and `make test`.
"""
COMPILER = "compiler: "
COLUMNS = ("call", "interrupt", "purge-1", "call-1", "purge-33", "call-33")   # by OPERATIONS

Row = tuple[str, int]           # a policy and its number of roots


class BaselineError(Exception):
    """A file that is no baseline; the text names it."""


@dataclass
class Baseline:
    """What a kernel of one compiler takes."""
    compiler: str
    numbers: dict[Row, dict[str, int]]


def write(path: Path, baseline: Baseline) -> None:
    """Writes the file."""
    lines = [HEAD + COMPILER + baseline.compiler,
             f"{'policy':<16}{'roots':>5}" + "".join(f"{name:>10}" for name in COLUMNS)]
    for (policy, roots), numbers in baseline.numbers.items():
        lines.append(f"{policy:<16}{roots:>5}" +
                     "".join(f"{numbers[name]:>10}" for name in OPERATIONS))
    path.write_text("\n".join(lines) + "\n")


def read(path: Path) -> Baseline:
    """Reads it. Raises BaselineError."""
    try:
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}; "
                            "make counts RENEW=1 writes it") from error
    if len(lines) < 3 or not lines[0].startswith(COMPILER) or \
            tuple(lines[1].split()) != ("policy", "roots", *COLUMNS):
        raise BaselineError(f"{path}: is no baseline; make counts RENEW=1 writes one")
    numbers: dict[Row, dict[str, int]] = {}
    for line in lines[2:]:
        policy, *cells = line.split()
        if len(cells) != 1 + len(OPERATIONS) or not all(map(str.isdecimal, cells)):
            raise BaselineError(f"{path}: not a row: {line}")
        row = policy, int(cells[0])
        if row in numbers:
            raise BaselineError(f"{path}: twice the same row: {line}")
        numbers[row] = dict(zip(OPERATIONS, map(int, cells[1:])))
    return Baseline(lines[0][len(COMPILER):], numbers)


def differences(committed: Baseline, counted: Baseline) -> list[str]:
    """Every count that is more than PERCENT apart, and every row that the baseline has not."""
    found = []
    for row, numbers in counted.numbers.items():
        name = f"{row[0]} with {'two roots' if row[1] == 2 else 'one root'}"
        before = committed.numbers.get(row)
        if before is None:
            found.append(f"{name}: not in the baseline")
            continue
        for operation, number in numbers.items():
            apart = abs(number - before[operation]) * 100
            if apart > PERCENT * before[operation]:
                percent = (number - before[operation]) * 100 / max(before[operation], 1)
                found.append(f"{name}: {operation}: {number} instructions, baseline "
                             f"{before[operation]} ({percent:+.1f} %)")
    return found
