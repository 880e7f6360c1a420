#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts kernel instructions by single-stepping: a null system call there and back, an interrupt,
a purge, what a purge leaves to the next system call. Compares them with a committed baseline.

Each row is a policy with one root or with two; tools/count_steps.py has the steps. A count that
differs from the baseline by more than 2 %, up or down, is a failure until the baseline is renewed
on purpose: what got cheaper has to stay so.

Exit status: 0 good, 1 no count or a limit broken or a count that differs, 77 the baseline is of
another compiler and nothing was compared.
"""

from __future__ import annotations

import argparse
import bisect
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import machine
from baseline import Baseline, BaselineError, Row, differences, read, write
from bench import SKIPPED
from boot import clean, end_process
from count_steps import CPU, OPERATIONS, SYSTEM_CALL, CountError, count_all
from gdb_remote import Remote, RemoteError, free_port
from host import compiler_of, host_of
from machine import Machine, MachineError

READY = "lateflush: null: ready"
MARKERS = ("_start", "_begin", "_end")   # symbols that name a place, not code
ERRORS = (CountError, BaselineError, RemoteError, MachineError, OSError)
TWO_ROOTS_ONLY = ("cr3-flag", "cr3-pending")
BOTH = ("immediate", "work-word", "state-bits", "watching", "fancy-state", "range-list",
        "generation", "quarantine", "ledger")
# What is counted by default, and all that a baseline has.
ROWS: tuple[Row, ...] = (*((name, 1) for name in BOTH),
                         *((name, 2) for name in BOTH + TWO_ROOTS_ONLY))
AT_A_TIME = 2                   # boots


@dataclass
class Count:
    """One row: the addresses of the instructions of each operation."""
    row: Row
    traces: dict[str, list[int]]
    machine: Machine
    command: list[str]

    @property
    def instructions(self) -> dict[str, int]:
        """How many each operation takes."""
        return {name: len(trace) for name, trace in self.traces.items()}


def row_name(row: Row) -> str:
    """As --rows takes it."""
    return row[0] + ("/2" if row[1] == 2 else "")


def parse_row(text: str) -> Row:
    """A policy, with /2 behind it if it is to have two roots."""
    name, _, roots = text.partition("/")
    if roots not in ("", "1", "2") or not name:
        raise argparse.ArgumentTypeError(f"{text}: not a row; valid: POLICY, or POLICY/2")
    return name, 2 if roots == "2" or name in TWO_ROOTS_ONLY else 1


class Serial:
    """Reads the serial line so that the kernel never waits for it; knows when a line came."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.last = "nothing"
        self.came = threading.Event()
        self.ended = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Runs in a thread of its own until the emulator ends."""
        assert self.process.stdout
        for raw in self.process.stdout:
            line = clean(raw.rstrip(b"\n"))
            self.last = line or self.last
            if READY in line:
                self.came.set()
        self.ended.set()

    def wait(self, limit: float) -> None:
        """Until the program runs."""
        end = time.monotonic() + limit
        while not self.came.wait(0.1):
            if self.ended.is_set():
                raise CountError(f"the machine ended before \"{READY}\"; last line: {self.last}")
            if time.monotonic() > end:
                raise CountError(f"no \"{READY}\" after {limit:.0f} s; last line: {self.last}")


def count_row(kernel: Path, row: Row, options: str, limit: float) -> Count:
    """Boots with a row's policy, and OPTIONS on the command line, and counts."""
    pti = "on" if row[1] == 2 else "off"
    m = Machine(kernel=kernel, media="kernel", cpus=2, gdb_port=free_port(),
                cmdline=f"run=null tlbi={row[0]} pti={pti} nohz_full={CPU} {options}".strip())
    with tempfile.TemporaryDirectory(prefix="lateflush-count-") as work:
        command = machine.command(m, Path(work))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            Serial(process).wait(limit)
            remote = Remote(m.gdb_port)
            traces = count_all(remote, kernel)
            remote.close()
        except CountError as error:
            raise CountError(f"{row_name(row)}: {error}") from error
        finally:
            end_process(process)
    return Count(row, traces, m, command)


def symbols_of(kernel: Path) -> tuple[list[int], list[str]]:
    """The kernel's code symbols by address; where several meet, the one that names code wins."""
    listing = subprocess.run(["nm", str(kernel)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listing.stdout.splitlines()]
    found = sorted((int(row[0], 16), not row[2].endswith(MARKERS), row[2])
                   for row in rows if len(row) == 3 and row[1] in "tT")
    return [row[0] for row in found], [row[2] for row in found]


def symbol_at(symbols: tuple[list[int], list[str]], address: int) -> tuple[str, int]:
    """The symbol that an address lies behind, and how far; the address itself without one."""
    place = bisect.bisect_right(symbols[0], address) - 1
    if place < 0:
        return hex(address), 0
    return symbols[1][place], address - symbols[0][place]


def print_trace(title: str, trace: list[int], symbols: tuple[list[int], list[str]]) -> None:
    """Where the instructions of a call are: one line each time another symbol is reached."""
    rows: list[tuple[str, int]] = []
    for rip in trace:
        name, _ = symbol_at(symbols, rip)
        if rows and rows[-1][0] == name:
            rows[-1] = (name, rows[-1][1] + 1)
        else:
            rows.append((name, 1))
    print(f"\n{title}, call by call of a function:")
    for name, number in rows:
        print(f"{number:>6}  {name}")


def print_table(counts: list[Count]) -> None:
    """A line for each row; the heads are cut into words that fit."""
    print("Kernel instructions, single-stepped; CPU 1 isolated. Left of the rule: CPU 1 alone. "
          "Purge:\nby the initiator, waiting left out; call: CPU 1's next system call after it.")
    print(f"{'':<24}{'system':>8}{'inter-':>8} |{'purge of 1 page':>16}{'purge of 33':>16}")
    print(f"{'policy':<16}{'roots':>8}{'call':>8}{'rupt':>8} |{'purge':>8}{'call':>8}"
          f"{'purge':>8}{'call':>8}")
    for count in counts:
        cells = [f"{number:>8}" for number in count.instructions.values()]
        print(f"{count.row[0]:<16}{count.row[1]:>8}{''.join(cells[:2])} |{''.join(cells[2:])}")


def complaints(calls: dict[Row, int], most: int, most_over: int) -> list[str]:
    """Which limits of a null system call are broken."""
    found = []
    for row, number in calls.items():
        name, base = row_name(row), calls.get(("immediate", row[1]))
        if most and number > most:
            found.append(f"{name}: {number} instructions, limit {most}")
        if base is not None and 0 <= most_over < number - base:
            found.append(f"{name}: {number - base} over immediate, limit {most_over}")
        if most_over >= 0 and base is None:
            found.append(f"{name}: --max-over-immediate needs immediate among the rows")
    return found


def against_baseline(path: Path, counts: Baseline) -> int:
    """Compares and says what differs: the exit status."""
    committed = read(path)
    if committed.compiler != counts.compiler:
        print(f"count: not compared: {path} is of {committed.compiler}, this kernel of "
              f"{counts.compiler}")
        return SKIPPED
    found = differences(committed, counts)
    for text in found:
        print(f"count: {text}", file=sys.stderr)
    if found:
        print("count: make counts RENEW=1 renews the baseline, if that is meant", file=sys.stderr)
        return 1
    print(f"count: {len(counts.numbers)} rows within the baseline ({path})")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Its command line."""
    parser = argparse.ArgumentParser(description="count kernel instructions by single-stepping")
    parser.add_argument("rows", nargs="*", type=parse_row, metavar="POLICY[/2]")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--max", type=int, default=0, help="of a system call, 0: no limit")
    parser.add_argument("--max-over-immediate", type=int, default=-1)
    parser.add_argument("--baseline", type=Path, help="compare with this file")
    parser.add_argument("--renew", action="store_true", help="write that file instead")
    parser.add_argument("--trace", action="store_true", help="show where they are")
    parser.add_argument("--options", default="", help="more of the kernel's command line")
    parser.add_argument("--timeout", type=float, default=60, help="of a boot, in seconds")
    args = parser.parse_args()
    if args.renew and (args.rows or args.options or not args.baseline):
        parser.error("--renew needs --baseline, and counts all rows without --options: name none")
    if args.baseline and args.options:
        print(f"count: not compared: {args.baseline} is of a kernel without {args.options}")
        args.baseline = None
    args.rows = args.rows or list(ROWS)
    return args


def main() -> int:
    """Counts, shows, writes counts.json, judges."""
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            counts = list(pool.map(lambda row: count_row(args.kernel, row, args.options,
                                                         args.timeout), args.rows))
        print_table(counts)
        if args.trace:
            symbols = symbols_of(args.kernel)
            for count in counts:
                for name in OPERATIONS:
                    print_trace(f"{row_name(count.row)}, {name}", count.traces[name], symbols)
        args.results.mkdir(parents=True, exist_ok=True)
        (args.results / "counts.json").write_text(json.dumps({
            "schema": 1,
            "counts": [{"operation": name, "policy": count.row[0], "roots": count.row[1],
                        "instructions": number}
                       for count in counts for name, number in count.instructions.items()],
            "host": host_of(counts[0].machine, counts[0].command)}, indent=1) + "\n")
        broken = complaints({count.row: count.instructions[SYSTEM_CALL] for count in counts},
                            args.max, args.max_over_immediate)
        for text in broken:
            print(f"count: {text}", file=sys.stderr)
        counted = Baseline(compiler_of(args.kernel) or "an unknown compiler",
                           {count.row: count.instructions for count in counts})
        if args.renew:
            write(args.baseline, counted)
            print(f"count: {args.baseline} renewed, {len(counts)} rows")
        elif args.baseline:
            return against_baseline(args.baseline, counted) or (1 if broken else 0)
    except ERRORS as error:
        print(f"count: {error}", file=sys.stderr)
        return 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
