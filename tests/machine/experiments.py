# SPDX-License-Identifier: MIT
"""Experiments that measure: each runs, its document is valid, and what it found is what is claimed
of it. Expectations are computed here from the records, never read from the kernel's verdict."""

from __future__ import annotations

from typing import Any

from case import BootCase

Record = dict[str, Any]

# Instructions a purge and deferred CPU, at most (books off).
MOST_A_CPU = {"watching": 25, "generation": 12}
FEW = "tlbi=immediate+watching+generation+ledger"


def records(document: dict[str, Any], kind: str) -> list[Record]:
    """The records of one kind."""
    return [record for record in document["records"] if record["record"] == kind]


def purge_faults(purges: list[Record]) -> list[str]:
    """Interrupts: under immediate one to each isolated CPU, else none; no wait without one."""
    faults = []
    for record in purges:
        due = record["isolated"] if record["policy"] == "immediate" else 0
        if record["isolated_ipis"] != due:
            faults.append(f"{record}: isolated_ipis is not {due}")
        if record["waits"] != record["ipis"]:
            faults.append(f"{record}: waits without IPIs")
    return faults


def check_purge(document: dict[str, Any]) -> list[str]:
    """Every size and number of CPUs; more pages cost more, until everything is flushed at once."""
    purges = records(document, "purge")
    faults = purge_faults(purges)
    for policy in {record["policy"] for record in purges}:
        cost = {(r["isolated"], r["pages"]): r["instructions"] for r in purges
                if r["policy"] == policy and r["roots"] == 1}
        for isolated in {isolated for isolated, _ in cost}:
            if not (cost[isolated, 1] < cost[isolated, 2] < cost[isolated, 8] <
                    cost[isolated, 33] > cost[isolated, 34] and cost[isolated, 0] > 0):
                faults.append(f"{policy}, {isolated} isolated: {cost}")
    return faults if purges else ["no purge was measured"]


def slope_of(points: list[Record]) -> float:
    """Instructions a CPU between the fewest sleepers and the most."""
    ends = sorted((point["isolated"], point["instructions"]) for point in points)
    return (ends[-1][1] - ends[0][1]) / (ends[-1][0] - ends[0][0])


def check_scale(document: dict[str, Any]) -> list[str]:
    """Slopes from the counts, within their limits, and as the kernel computed them."""
    faults = purge_faults(records(document, "scale"))
    told = records(document, "slope")
    for record in told:
        points = [point for point in records(document, "scale")
                  if (point["policy"], point["roots"]) == (record["policy"], record["roots"])]
        slope = slope_of(points)
        most = MOST_A_CPU.get(record["policy"])
        if abs(slope - record["instructions"]) > 0.001:
            faults.append(f"{record}: the counts say {slope}")
        if most is not None and slope > most:
            faults.append(f"{record['policy']}: {slope} instructions a CPU, at most {most}")
    return faults if told else ["no slope was measured"]


EXPERIMENTS = (
    BootCase("purge", f"run=purge pti=off {FEW}", dict(cpus=4), check=check_purge),
    BootCase("scale", f"run=scale nohz_full=1-5 {FEW}", dict(cpus=6), check=check_scale),
)
