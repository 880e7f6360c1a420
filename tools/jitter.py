#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns the noise histogram into what jitterdebugger's plotter opens.

jitter.py NOISE.json OUT writes OUT/POLICY-ROOTS/results.json for each policy and number of roots;
`jitterplot hist OUT/POLICY-ROOTS` draws it. Its unit is the microsecond, so a bucket counts where
its lower bound lies, rounded down; minimum, average and maximum are of these bounds.

The plotter counts CPUs up from 0 and stops at the first that is not there. Those that measured
nothing (housekeeping) therefore have an empty histogram.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from results import ResultError, load

Json = dict[str, Any]
Histograms = dict[tuple[str, int], dict[int, Counter[int]]]


def histograms_of(buckets: list[Json]) -> Histograms:
    """Counts by microsecond, for each CPU of each policy and number of roots."""
    found: Histograms = {}
    for bucket in buckets:
        cpus = found.setdefault((bucket["policy"], bucket["roots"]), {})
        cpus.setdefault(bucket["cpu"], Counter())[bucket["from_ns"] // 1000] += bucket["count"]
    return found


def cpu_of(histogram: Counter[int]) -> Json:
    """One CPU as jitterdebugger writes it."""
    seen = {microseconds: count for microseconds, count in sorted(histogram.items()) if count}
    total = sum(seen.values())
    average = sum(microseconds * count for microseconds, count in seen.items()) / (total or 1)
    return {"histogram": {str(microseconds): count for microseconds, count in seen.items()},
            "count": total, "min": min(seen, default=0), "max": max(seen, default=0),
            "avg": round(average, 2)}


def jitter_of(cpus: dict[int, Counter[int]]) -> Json:
    """All CPUs up to the last that measured."""
    return {"cpu": {str(cpu): cpu_of(cpus.get(cpu, Counter())) for cpu in range(max(cpus) + 1)}}


def convert(noise: Path, out: Path) -> list[Path]:
    """Writes the folders and returns them. Raises ResultError."""
    histograms = histograms_of(load(noise).records("bucket"))
    if not histograms:
        raise ResultError(f"{noise}: has no noise histogram; make run RUN=noise writes one")
    folders = []
    for (policy, roots), cpus in sorted(histograms.items()):
        folder = out / f"{policy}-{roots}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(jitter_of(cpus), indent=1) + "\n")
        folders.append(folder)
    return folders


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="noise histograms for jitterdebugger's plotter")
    parser.add_argument("noise", type=Path, help="result file of run=noise")
    parser.add_argument("out", type=Path, help="folder that gets a folder for each policy")
    args = parser.parse_args()
    try:
        for folder in convert(args.noise, args.out):
            print(f"jitterplot hist {folder}")
    except (ResultError, OSError) as error:
        print(f"jitter: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
