#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Linux beside it: what a distribution's kernel does to isolated CPUs under the same pattern.

Boots Debian's kernel in the same QEMU, CPUs 2 and 3 isolated and in ring 3, while a module purges
areas of 1 to 200 pages; /proc/interrupts tells how many function calls and TLB shootdowns each CPU
was interrupted for. Then getpid() is single-stepped, on an isolated and on a housekeeping CPU, with
and without page-table isolation. Writes peer.json, whose row `make report` puts beside the others.

Exit status: 0 written, 1 it ran and something was wrong, 77 left out: no such kernel to be had.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import SKIPPED
from boot import BootResult, boot, how_it_ended
from count_steps import CountError, steady, system_call
from gdb_remote import Remote, RemoteError, free_port
from host import host_of
from machine import Machine, MachineError
from peer_packages import (BuildError, LeftOut, Packages, build_initramfs, build_module,
                           fetch)
from schemas import complaint_of

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "peer.schema.json"
CPUS, MEM = 4, 512
ISOLATED, HOUSEKEEPING = (2, 3), 1
MOST_PAGES = 200
CALLS, CALLS_BEFORE = 3, 2      # getpid() calls that are compared, and those stepped before them
READY, FAILED = "peer: ready", "peer: failed: "
# no_timer_check: on a busy host the kernel's look at its timer fails for no fault of the timer.
CMDLINE = ("console=ttyS0 quiet panic=-1 no_timer_check nosoftlockup nokaslr "
           "isolcpus=domain,managed_irq,2-3 nohz_full=2-3 rcu_nocbs=2-3")

Json = dict[str, Any]


class PeerError(Exception):
    """What came over the serial line is not what has to come."""


@dataclass(frozen=True)
class Seen:
    """What process 1 printed."""
    kernel: str
    pti: bool
    function_calls: list[int]   # for each CPU, during the purges
    tlb_shootdowns: list[int]


def counts_of(lines: list[str], when: str, row: str) -> list[int]:
    """A row of /proc/interrupts, as it was printed before or after."""
    found = [match[1].split() for line in lines
             if (match := re.fullmatch(rf"peer: {when}:\s+{row}:([\s\d]+)\D.*", line))]
    if len(found) != 1:
        raise PeerError(f"row {row} of /proc/interrupts {when} the purges: {len(found)} times")
    return [int(number) for number in found[0]]


def value_of(lines: list[str], name: str) -> str:
    """What process 1 said of NAME."""
    found = [line.partition(": ")[2].partition(": ")[2] for line in lines
             if line.startswith(f"peer: {name}: ")]
    if len(found) != 1:
        raise PeerError(f"{name}: said {len(found)} times")
    return found[0].strip()


def parse(lines: list[str]) -> Seen:
    """All that was printed; the isolation has to be in force. Raises PeerError."""
    for line in lines:
        if line.startswith(FAILED):
            raise PeerError(line)
    for name in ("isolated", "nohz_full"):
        if value_of(lines, name) != "2-3":
            raise PeerError(f"{name} is {value_of(lines, name) or 'empty'}, not 2-3")
    differences: dict[str, list[int]] = {}
    for row in ("CAL", "TLB"):
        before, after = counts_of(lines, "before", row), counts_of(lines, "after", row)
        if len(before) != CPUS or len(after) != CPUS:
            raise PeerError(f"row {row} has not {CPUS} CPUs")
        differences[row] = [b - a for a, b in zip(before, after)]
        if min(differences[row]) < 0:
            raise PeerError(f"row {row} went down: {before}, then {after}")
    return Seen(value_of(lines, "kernel"), value_of(lines, "pti") == "on",
                differences["CAL"], differences["TLB"])


def document_of(seen: Seen, purges: int, cmdline: str, getpid: list[Json]) -> Json:
    """peer.json without its host."""
    return {"schema": 1, "peer": {
        "kernel": seen.kernel, "cmdline": cmdline, "pti": seen.pti, "purges": purges,
        "pages": f"1-{MOST_PAGES}",
        "cpus": [{"cpu": cpu, "isolated": cpu in ISOLATED,
                  "function_calls": seen.function_calls[cpu],
                  "tlb_shootdowns": seen.tlb_shootdowns[cpu]} for cpu in range(CPUS)],
        "getpid": getpid}}


def step_getpid(port: int) -> list[Json]:
    """Steps getpid() on an isolated and on a housekeeping CPU of a machine that is ready."""
    remote = Remote(port)
    found = []
    for cpu, words in ((ISOLATED[0], "isolated CPU"), (HOUSEKEEPING, "housekeeping CPU")):
        traces = [system_call(remote, cpu) for _ in range(CALLS_BEFORE + CALLS)]
        found.append({"what": words, "instructions": len(steady(words, traces[CALLS_BEFORE:]))})
    remote.close()
    return found


def run_linux(packages: Packages, image: Path, words: str, work: Path,
              limit: float) -> tuple[Machine, BootResult, list[Json]]:
    """Boots once with WORDS on the command line; steps when it is ready. Raises PeerError."""
    m = Machine(kernel=packages.kernel, initrd=image, media="kernel", cpus=CPUS, mem=MEM,
                gdb_port=free_port(), cmdline=f"{CMDLINE} getpid=2,{HOUSEKEEPING} {words}")
    getpid: list[Json] = []
    work.mkdir(parents=True, exist_ok=True)
    result = boot(m, work, limit, work / "serial.log", until=READY,
                  then=lambda: getpid.extend(step_getpid(m.gdb_port)))
    if not result.stopped:
        failed = [line for line in result.lines if line.startswith(FAILED)]
        raise PeerError(failed[0] if failed else how_it_ended(result))
    return m, result, getpid


def measure(folder: Path, purges: int, limit: float) -> Json:
    """Fetches, builds, boots twice. Raises LeftOut and what else can go wrong."""
    print("peer: Debian's kernel and headers, unpacked below the build folder", flush=True)
    packages = fetch(folder)
    module = build_module(packages, ROOT / "tools/peer/peer.c", folder / "module")
    image = build_initramfs(module, ROOT / "tools/peer/init.c", folder)
    print(f"peer: Linux {packages.release}: {purges} purges", flush=True)
    m, result, getpid = run_linux(packages, image, f"pti=off purges={purges} isolated=2,3",
                                  folder / "boot", limit)
    seen = parse(result.lines)
    print(f"peer: Linux {packages.release} with page-table isolation: getpid()", flush=True)
    _, second, with_pti = run_linux(packages, image, "pti=on", folder / "boot-pti", limit)
    if seen.pti or not parse(second.lines).pti:
        raise PeerError("pti= was not followed")
    getpid += [call | {"what": f"{call['what']}, PTI"} for call in with_pti]
    document = document_of(seen, purges, m.cmdline, getpid)
    return document | {"host": host_of(m, result.arguments) | {"compiler": None}}


def show(peer: Json) -> None:
    """The row, for people."""
    print(f"\nLinux {peer['kernel']}: {peer['purges']} purges of {peer['pages']} pages, one root")
    print(f"{'CPU':<6}{'isolated':<10}{'function calls':>16}{'a purge':>10}{'TLB shootdowns':>18}")
    for cpu in peer["cpus"]:
        print(f"{cpu['cpu']:<6}{'yes' if cpu['isolated'] else 'no':<10}"
              f"{cpu['function_calls']:>16}{cpu['function_calls'] / peer['purges']:>10.2f}"
              f"{cpu['tlb_shootdowns']:>18}")
    for call in peer["getpid"]:
        print(f"getpid(), {call['what']}: {call['instructions']} kernel instructions")


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="run a distribution's Linux beside Lateflush")
    parser.add_argument("--work", type=Path, required=True, help="gets the kernel and the logs")
    parser.add_argument("--results", type=Path, required=True, help="gets peer.json")
    parser.add_argument("--purges", type=int, default=1000)
    parser.add_argument("--timeout", type=float, default=600, help="of a boot, in seconds")
    args = parser.parse_args()
    if args.purges < 1:
        parser.error(f"--purges {args.purges}: not a count; valid: 1 and more")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        document = measure(args.work.resolve(), args.purges, args.timeout)
    except LeftOut as error:
        print(f"peer: skipped, no row is written: {error}", file=sys.stderr)
        return SKIPPED
    except (PeerError, BuildError, CountError, RemoteError, MachineError, OSError) as error:
        print(f"peer: {error}; see {args.work}", file=sys.stderr)
        return 1
    complaint = complaint_of(document, SCHEMA)
    if complaint:
        print(f"peer: {complaint}", file=sys.stderr)
        return 1
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "peer.json").write_text(json.dumps(document, indent=1) + "\n")
    show(document["peer"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
