#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the kernel instructions of a null system call, there and back, by single-stepping.

The kernel is booted with run=null: CPU 1 runs a ring-3 program that does nothing else. It is
stepped alone; an instruction counts if it is fetched from the upper half of the address space. A
call is counted several times over and has to come out the same each time, else the count means
nothing.
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
from dataclasses import dataclass, field
from pathlib import Path

import machine
from boot import clean, end_process
from gdb_remote import Remote, RemoteError, free_port
from machine import Machine, MachineError

CPU = 1
READY = "lateflush: null: ready"
CALLS = 20
MAX_USER_STEPS = 10000          # between two calls of the program
MAX_KERNEL_STEPS = 20000        # in one call
MARKERS = ("_start", "_begin", "_end")   # symbols that name a place, not code
PYTHON_ERRORS = (RemoteError, MachineError, OSError)


class CountError(Exception):
    """The count cannot be made, or means nothing."""


@dataclass
class Count:
    """One policy: instructions a call, and the first call's addresses."""
    policy: str
    instructions: int
    trace: list[int] = field(default_factory=list)


def in_kernel(rip: int) -> bool:
    """Is this address in the upper half?"""
    return rip >> 63 == 1


def trace_call(remote: Remote) -> list[int]:
    """Addresses of the kernel instructions of one whole call, in their order."""
    for _ in range(MAX_KERNEL_STEPS):
        if not in_kernel(remote.rip(CPU)):
            break
        remote.step(CPU)
    else:
        raise CountError(f"CPU {CPU} stays in the kernel for {MAX_KERNEL_STEPS} instructions")
    for _ in range(MAX_USER_STEPS):
        remote.step(CPU)
        if in_kernel(remote.rip(CPU)):
            break
    else:
        raise CountError(f"CPU {CPU} makes no system call in {MAX_USER_STEPS} instructions")
    addresses = []
    for _ in range(MAX_KERNEL_STEPS):
        rip = remote.rip(CPU)
        if not in_kernel(rip):
            return addresses
        addresses.append(rip)
        remote.step(CPU)
    raise CountError(f"a call takes more than {MAX_KERNEL_STEPS} kernel instructions")


def steady_count(policy: str, traces: list[list[int]]) -> Count:
    """All calls have to be the same, instruction by instruction."""
    lengths = sorted({len(trace) for trace in traces})
    if any(trace != traces[0] for trace in traces):
        raise CountError(f"{policy}: {len(traces)} calls differ: {lengths} instructions")
    return Count(policy, lengths[0], traces[0])


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


def count_policy(kernel: Path, policy: str, options: str, limit: float) -> Count:
    """Boots under POLICY, with OPTIONS on the command line, and counts."""
    port = free_port()
    m = Machine(kernel=kernel, media="kernel", cpus=2, gdb_port=port,
                cmdline=f"run=null tlbi={policy} nohz_full={CPU} {options}")
    with tempfile.TemporaryDirectory(prefix="lateflush-count-") as work:
        process = subprocess.Popen(machine.command(m, Path(work)), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            Serial(process).wait(limit)
            remote = Remote(port)
            traces = [trace_call(remote) for _ in range(CALLS)]
            remote.close()
        finally:
            end_process(process)
    return steady_count(policy, traces)


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


def print_trace(count: Count, kernel: Path) -> None:
    """Where the instructions of a call are: one line each time another symbol is reached."""
    symbols = symbols_of(kernel)
    rows: list[tuple[str, int]] = []
    for rip in count.trace:
        name, _ = symbol_at(symbols, rip)
        if rows and rows[-1][0] == name:
            rows[-1] = (name, rows[-1][1] + 1)
        else:
            rows.append((name, 1))
    print(f"\n{count.policy}, call by call of a function:")
    for name, number in rows:
        print(f"{number:>6}  {name}")


def complaints(counts: list[Count], most: int, most_over: int) -> list[str]:
    """Which limits are broken."""
    found = []
    base = next((c.instructions for c in counts if c.policy == "immediate"), None)
    for count in counts:
        if most and count.instructions > most:
            found.append(f"{count.policy}: {count.instructions} instructions, limit {most}")
        if most_over >= 0 and base is not None and count.instructions - base > most_over:
            found.append(f"{count.policy}: {count.instructions - base} over immediate, "
                         f"limit {most_over}")
    if most_over >= 0 and base is None:
        found.append("--max-over-immediate needs immediate among the policies")
    return found


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="count the instructions of a null system call")
    parser.add_argument("policies", nargs="*", default=["immediate", "state-bits"])
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--max", type=int, default=0, help="most instructions, 0: no limit")
    parser.add_argument("--max-over-immediate", type=int, default=-1)
    parser.add_argument("--trace", action="store_true", help="show where they are")
    parser.add_argument("--options", default="", help="more of the kernel's command line")
    parser.add_argument("--timeout", type=float, default=60, help="of a boot, in seconds")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        counts = [count_policy(args.kernel, policy, args.options, args.timeout)
                  for policy in args.policies]
    except (CountError, *PYTHON_ERRORS) as error:
        print(f"count: {error}", file=sys.stderr)
        return 1
    base = next((c.instructions for c in counts if c.policy == "immediate"), None)
    print("Null system call of ring 3, kernel instructions there and back")
    print(f"{'policy':<16}{'instructions':>14}{'over immediate':>18}")
    for count in counts:
        over = "n/a" if base is None else f"{count.instructions - base:+d}"
        print(f"{count.policy:<16}{count.instructions:>14}{over:>18}")
    if args.trace:
        for count in counts:
            print_trace(count, args.kernel)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "counts.json").write_text(json.dumps(
        {"schema": 1, "calls": CALLS, "policies": [
            {"name": count.policy, "instructions": count.instructions} for count in counts]},
        indent=2) + "\n")
    broken = complaints(counts, args.max, args.max_over_immediate)
    for text in broken:
        print(f"count: {text}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
