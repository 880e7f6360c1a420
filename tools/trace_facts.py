#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a whole trace (trace=all, nothing overwritten) has to fulfil, and how it agrees with the
report of the same run.

The report's counts come from the kernel's counters; here they are counted again, record by record,
between the marks at which the counters are read. As a program: trace_facts.py LINES.txt RUN.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from trace_export import Record, Trace, TraceError, parse, split

MARK_TEXT = re.compile(r"^phase (1|2) (begins|ends): (\S+), roots=(1|2)$")
DEFERRED, RACED, RING3 = 0, 1, 2
LAGGARDS = 8                    # TRACE_PURGE_LAGGARDS
NMI = 2                         # a vector
KERNEL_CS_RING = 0


def order_faults(trace: Trace) -> list[str]:
    """Each CPU's records have the order of their times, and stand in the ring's order."""
    faults = []
    for cpu in trace.cpus:
        times = [record.tsc for record in trace.records if record.cpu == cpu.cpu]
        late = sum(after < before for before, after in zip(times, times[1:]))
        if late:
            faults.append(f"CPU {cpu.cpu}: {late} records are older than the one before them")
        found = Counter(record.event for record in trace.records if record.cpu == cpu.cpu)
        wrong = {name: (count, found[name]) for name, count in cpu.counts.items()
                 if count != found[name]}
        if wrong and not cpu.overwritten and not cpu.not_whole:
            faults.append(f"CPU {cpu.cpu}: counted and found differ: {wrong}")
    return faults


def windows(trace: Trace) -> dict[tuple[str, int], dict[int, tuple[int, int]]]:
    """(policy, roots) -> phase -> the TSC at its beginning and its end."""
    found: dict[tuple[str, int], dict[int, tuple[int, int]]] = {}
    begun = 0
    for record in trace.records:
        match = MARK_TEXT.match(record.text) if record.event == "mark" else None
        if match and match[2] == "begins":
            begun = record.tsc
        elif match:
            found.setdefault((match[3], int(match[4])), {})[int(match[1])] = (begun, record.tsc)
    return found


def count_phase(records: list[Record], cpu: int) -> Counter[str]:
    """What these records say happened to CPU."""
    counts: Counter[str] = Counter()
    for record in records:
        here = record.cpu == cpu
        if record.event == "tlb_purge":
            counts["purges"] += not record.other & LAGGARDS
        elif record.event == "tlb_ask" and record.other & 0xffff == cpu:
            counts[("deferred", "raced", "ring3")[record.other >> 16]] += 1
        elif record.event == "ipi_send" and record.other == cpu and record.args[0]:
            counts["requests"] += 1
            counts["sent"] += record.args[1]
        elif record.event == "ipi_in" and here:
            counts["ipis"] += record.args[0]
            counts["callbacks"] += record.args[1]
        elif record.event == "entry" and here:
            counts["entries"] += 1
        elif record.event == "nmi_in" and here and record.other == NMI:
            counts["nmis"] += 1
            counts["entries"] += record.args[1] & 3 != KERNEL_CS_RING
        elif record.event == "tlb_drain" and here:
            counts["drains"] += record.other
    return counts


def cpu_faults(title: str, cpu: dict[str, Any], one: Counter[str],
               two: Counter[str]) -> list[str]:
    """The report's counts of one isolated CPU against those of its records."""
    both = one + two
    pairs = {
        "tlbi_ipis": one["ipis"], "tlbi_callbacks": one["callbacks"],
        "kernel_entries": one["entries"], "deferred": one["deferred"], "drained": one["drains"],
        "raced_ipis": two["raced"], "phase2_callbacks": two["callbacks"],
        "phase2_entries": two["entries"], "phase2_deferred": two["deferred"],
        "phase2_drained": two["drains"], "deferrable_ipis": both["ring3"], "nmis": both["nmis"],
        "sent_callbacks": both["requests"], "sent_ipis": both["sent"],
        "received_ipis": both["ipis"], "received_callbacks": both["callbacks"]}
    return [f"{title}: CPU {cpu['cpu']}: {name} is {cpu[name]}, by its records {count}"
            for name, count in pairs.items() if cpu[name] != count]


def faults_of(lines: list[str], document: dict[str, Any]) -> list[str]:
    """All that is wrong with a trace beside the report of its run."""
    try:
        trace = parse(lines)
    except TraceError as error:
        return [f"trace: {error}"]
    faults = order_faults(trace)
    faults += [f"CPU {cpu.cpu}: {cpu.overwritten} records overwritten, {cpu.not_whole} not whole"
               for cpu in trace.cpus if cpu.overwritten or cpu.not_whole]
    phases = windows(trace)
    for policy in document["policies"]:
        row = (policy["name"], policy["roots"])
        if set(phases.get(row, {})) != {1, 2}:
            faults.append(f"{row}: no marks of both phases")
            continue
        inside = {phase: [record for record in trace.records if begin < record.tsc < end]
                  for phase, (begin, end) in phases[row].items()}
        for phase, name in ((1, "flushes"), (2, "phase2_flushes")):
            purges = count_phase(inside[phase], -1)["purges"]
            if purges != policy[name]:
                faults.append(f"{row}: {name} is {policy[name]}, by its records {purges}")
        for cpu in policy["cpus"]:
            if cpu["isolated"]:
                faults += cpu_faults(f"{row}", cpu, count_phase(inside[1], cpu["cpu"]),
                                     count_phase(inside[2], cpu["cpu"]))
    return faults


def main() -> int:
    """Command line of this tool."""
    lines = split(Path(sys.argv[1]).read_text(encoding="ascii"))[1]
    faults = faults_of(lines, json.loads(Path(sys.argv[2]).read_text(encoding="ascii")))
    print("\n".join(faults) or "all facts of the trace hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
