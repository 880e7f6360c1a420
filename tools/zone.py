#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves from the binary what runs before a deferred TLB flush: the danger zone.

From every door it follows every path to the end of the zone and back out, under every policy, and
classifies each instruction and each memory operand. What it cannot classify is a violation, with
file and line. docs/danger-zone.md says what that proves and what has to be believed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from zonecheck import report
from zonecheck.check import Result, check
from zonecheck.describe import Description, DescriptionError
from zonecheck.image import Image, ImageError
from zonecheck.policies import Configuration, configurations, controls

HERE = Path(__file__).resolve().parent


def chosen(found: list[Configuration], text: str) -> list[Configuration]:
    """The configurations of the policies in TEXT, all if it is empty."""
    if not text:
        return found
    names = text.split("+") if text not in {c.name for c in found} else [text]
    known = list(dict.fromkeys(c.name for c in found))
    for name in names:
        if name not in known:
            raise DescriptionError(f"{name}: no such policy; valid: {' '.join(known)}")
    return [c for c in found if c.name in names]


def run(arguments: argparse.Namespace) -> int:
    """Checks and prints. 0: proved. 5: something violates the zone, or a control was not caught.
    6: nothing does, but there are places that the description says cannot be decided."""
    started = time.monotonic()
    image = Image(arguments.elf)
    description = Description(arguments.zone, image)
    found = chosen(configurations(description), arguments.policy)
    results: list[Result] = [check(description, configuration) for configuration in found]
    report.heading(description, results)
    report.table(image, results)
    report.notes(description, results)
    bad = report.violations(image, results)
    if arguments.controls and found:
        for control, expected in controls(description, found[0]):
            bad += report.control(image, check(description, control), expected)
    unsure = report.undecided(image, results)
    if arguments.verbose:
        print(f"{time.monotonic() - started:.1f} s")
    verdict = "fail" if bad else "undecided" if unsure else "pass"
    print(f"zone: {verdict} ({len(results)} rows, {bad} violations"
          f"{f', {unsure} places not decided' if unsure else ''})")
    return 5 if bad else 6 if unsure else 0


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("elf", type=Path, help="the kernel, an ELF file with symbols")
    parser.add_argument("--zone", type=Path, default=HERE / "zonecheck/lateflush.toml",
                        help="the description (%(default)s)")
    parser.add_argument("--policy", default="", help="NAME[+NAME...]: these rows only")
    parser.add_argument("--no-controls", dest="controls", action="store_false",
                        help="leave out the controls, which have to be caught")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the time it took")
    try:
        return run(parser.parse_args())
    except (ImageError, DescriptionError) as error:
        print(f"zone: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
