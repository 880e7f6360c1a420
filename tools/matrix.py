#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots one image on every machine that the emulators here can be: a line each, nothing skipped.

Two policies are compared with one isolated CPU, so that 255 CPUs are no more work than 3. A machine
with one CPU has to refuse that. Ends with 0 only if every machine came out as expected; a machine
that could not be started counts as failed. -k TEXT chooses, -n FIRST-LAST does, -l lists.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path

from boot import Outcome, boot
from machine import Machine, MachineError
from mkiso import ROOT, IsoError, make_iso
from run import conclude, fresh_folder

CMDLINE = "tlbi=immediate+state-bits run=compare,workers=1 nohz_full=1"
LIMIT = 900.0
QEMU_10 = str(ROOT / "build/qemu10/usr/bin/qemu-system-x86_64")     # make qemu10
BOCHS_MODELS = ("corei7_haswell_4770", "corei7_icelake_u", "ryzen", "core2_penryn_t9600")


def machines() -> list[dict[str, object]]:
    """Fields of tools/machine.py's Machine."""
    rows: list[dict[str, object]] = []
    for machine in ("pc", "q35"):
        for firmware in ("bios", "uefi"):
            for media in ("cd", "usb"):
                rows.append(dict(machine=machine, firmware=firmware, media=media))
    rows += [dict(cpus=cpus) for cpus in (1, 2, 3, 8, 16, 32)]
    rows += [dict(cpus=cpus, mem=2048) for cpus in (64, 128, 254, 255)]
    rows += [dict(machine="q35", firmware="uefi", cpus=64, mem=2048)]
    rows += [dict(mem=mem) for mem in (64, 128, 1024, 4096, 16384)]
    rows += [dict(machine="q35", firmware="uefi", mem=16384)]
    rows += [dict(cpu=cpu) for cpu in ("qemu64", "Nehalem", "Haswell-noTSX", "EPYC", "max,la57=on",
                                       "max,nx=off", "max,pge=off", "max,smap=off,smep=off")]
    rows += [dict(engine="bochs", cpu=model, cpus=cpus)
             for model in BOCHS_MODELS for cpus in (1, 2, 4, 8)]
    # x2APIC under TCG, and APIC ids that need it.
    rows += [dict(qemu=QEMU_10, machine="q35", **more) for more in ({}, {"far_ids": True})]
    return rows


def name_of(fields: dict[str, object]) -> str:
    """What is said of a machine: what differs from the default."""
    shown = dict(engine="qemu", machine="pc", firmware="bios", media="cd", cpus=4, mem=256) | fields
    return (f"{shown['engine']:<6}{shown['machine']:<5}{shown['firmware']:<5}{shown['media']:<4}"
            f"{shown['cpus']:>3} CPUs {shown['mem']:>5} MiB  {shown.get('cpu', '')}"
            f"{'QEMU 10' if 'qemu' in shown else ''}"
            f"{', APIC ids from 256 on' if 'far_ids' in shown else ''}").rstrip()


def parse_span(text: str) -> range:
    """Machines by their numbers: "3", or "3-7"."""
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", text)
    span = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not span:
        raise argparse.ArgumentTypeError(f"{text}: not machines; valid: N or FIRST-LAST")
    return span


def run_one(kernel: Path, iso: Path, fields: dict[str, object], folder: Path) -> Outcome:
    """One boot."""
    m = Machine(kernel=kernel, iso=iso, cmdline=CMDLINE, **fields)  # type: ignore
    folder.mkdir(parents=True)
    return conclude(boot(m, folder, LIMIT, folder / "serial.log"), m, folder)


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="one image on all machines")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("-k", dest="text", default="", help="machines whose line holds TEXT")
    parser.add_argument("-n", dest="span", type=parse_span, default=range(1000),
                        help="machine N, or FIRST-LAST")
    parser.add_argument("-l", dest="listing", action="store_true", help="lists the machines")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    chosen = [(number, row) for number, row in enumerate(machines())
              if args.text in name_of(row) and number in args.span]
    if not chosen:
        print(f"matrix: no such machine whose line holds {args.text!r}; -l lists them",
              file=sys.stderr)
        return 2
    if args.listing:
        print("\n".join(f"{number:02} {name_of(row)}" for number, row in chosen))
        return 0
    fresh_folder(args.results)
    iso = args.results / "matrix.iso"
    failed = 0
    try:
        make_iso(args.kernel, args.programs, iso, CMDLINE, 0)
        for number, fields in chosen:
            expected = "refused" if fields.get("cpus") == 1 else "pass"
            try:
                outcome = run_one(args.kernel, iso, fields, args.results / f"{number:02}")
            except (MachineError, OSError) as error:
                outcome = Outcome("emulator", str(error))
            good = outcome.word == expected and not outcome.why
            failed += not good
            print(f"{'ok  ' if good else 'FAIL'} {number:02} {name_of(fields):<52} {outcome.word}",
                  flush=True)
            if not good:
                print(f"        expected {expected}; {outcome.why}"[:100], flush=True)
    except IsoError as error:
        print(f"matrix: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmatrix: interrupted", file=sys.stderr)
        return 130
    print(f"{len(chosen) - failed} machines as expected, {failed} not; results in {args.results}")
    return 5 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
