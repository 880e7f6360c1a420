#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots an experiment, the comparison by default, again and again, each time with another seed,
until one run does not pass.

Ends at the first run that is no pass, with its seed, its results and the command that repeats it;
after --rounds runs; or by Ctrl-C, which is no failure of what has passed so far.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from boot import boot
from machine import Machine, MachineError, parse_cpus, parse_mem
from run import EXIT_STATUS, conclude, fresh_folder


HOSTILE = "run=hostile"
HOSTILE_OPS = 1000000           # of each policy, with one root and with two


def long_run(cmdline: str, timeout: float) -> tuple[str, float]:
    """What a soak makes of an experiment: ring 3 is hostile a million times, if nobody said how
    often; that takes two minutes or more for each row of its table."""
    words = cmdline.split()
    if HOSTILE in words:
        words[words.index(HOSTILE)] = f"{HOSTILE},ops={HOSTILE_OPS}"
        return " ".join(words), max(timeout, 6 * 3600.0)
    return cmdline, timeout


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="repeat the comparison")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--cpus", default="4")
    parser.add_argument("--mem", default="256")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--accel", default="tcg")
    parser.add_argument("--cmdline", default="")
    parser.add_argument("--rounds", type=int, default=0, help="0: without end")
    parser.add_argument("--timeout", type=float, default=300, help="of one run, in seconds")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    done = 0
    started = time.monotonic()
    try:
        fresh_folder(args.results)
        while not args.rounds or done < args.rounds:
            seed = done + 1
            cmdline, limit = long_run(f"{args.cmdline} seed={seed}".strip(), args.timeout)
            m = Machine(kernel=args.kernel, media="kernel", cpus=parse_cpus(args.cpus),
                        mem=parse_mem(args.mem), machine=args.machine, accel=args.accel,
                        cmdline=cmdline)
            result = boot(m, args.results, limit, args.results / "serial.log")
            outcome = conclude(result, m, args.results)
            if outcome.word != "pass":
                print(f"soak: run {seed}: {outcome.word}: {outcome.why or result.last_line}")
                print(f"soak: serial output in {args.results / 'serial.log'}; again with:\n"
                      f"  make run MEDIA=kernel CPUS={args.cpus} MEM={args.mem} "
                      f"MACHINE={args.machine} ARGS='{cmdline}'")
                return EXIT_STATUS[outcome.word]
            done += 1
            print(f"soak: run {seed} passed in {result.seconds:.1f} s, "
                  f"{time.monotonic() - started:.0f} s in all", flush=True)
    except MachineError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nsoak: interrupted after {done} runs that passed")
        return 0 if done else 130
    print(f"soak: {done} runs passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
