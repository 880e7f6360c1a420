# SPDX-License-Identifier: MIT
"""Experiments that measure: each runs, its document is valid, and what it found is what is claimed
of it. Expectations are computed here from the records, never read from the kernel's verdict."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from case import BootCase

Record = dict[str, Any]

# Instructions a purge and deferred CPU, at most (books off).
MOST_A_CPU = {"watching": 25, "generation": 12}
POLICY_LIST = Path(__file__).resolve().parent.parent.parent / "mm/policy/list.c"
NEED_HARDWARE = {"broadcast"}
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


def lines_faults(purges: list[Record]) -> list[str]:
    """Lines written, by what each policy's file writes: a call queue for each IPI; watching: each
    other CPU's word besides; generation: its counter; ledger: counter, lister, and a small purge
    its entry."""
    faults = []
    for r in purges:
        others = r["isolated"] + r["ipis"] - r["isolated_ipis"]
        due = {"immediate": (r["ipis"], 0), "watching": (r["ipis"] + others, 0),
               "generation": (r["ipis"], 1),
               "ledger": (r["ipis"], 3 if 1 <= r["pages"] <= 33 else 2)}.get(r["policy"])
        lines = (r["remote_lines"], r["shared_lines"])
        if due and lines != due:
            faults.append(f"{r['policy']}, {r['isolated']} isolated, {r['pages']} pages: "
                          f"writes {lines} lines, not {due}")
    return faults


def check_purge(document: dict[str, Any]) -> list[str]:
    """Every size and number of CPUs; more pages cost more, until everything is flushed at once."""
    purges = records(document, "purge")
    faults = purge_faults(purges) + lines_faults(purges)
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


def check_noise(document: dict[str, Any]) -> list[str]:
    """Isolated CPUs: no interrupt and no entry but their own end; under immediate one a flush."""
    faults = []
    noises = records(document, "noise")
    for record in noises:
        spared = record["policy"] != "immediate"
        due = record["forced"] + record["raced"] if spared else record["purges"]
        expected = {"tlbi_callbacks": due, "flush_ipi": due, "requests": due, "entries": due + 1,
                    "other_ipi": 0, "timer": 0, "nmi": 0, "exception": 0, "unexplained": 0,
                    "deferred": record["purges"] - record["raced"] if spared else 0}
        if record["policy"] != "quarantine":
            expected["forced"] = 0
        if spared and record["raced"] > record["forced"]:
            faults.append(f"{record}: more raced than forced")
        faults += [f"{record['policy']}, CPU {record['cpu']}: {name} is {record[name]}, not {value}"
                   for name, value in expected.items() if record[name] != value]
        key = ("policy", "roots", "cpu")
        samples = sum(bucket["count"] for bucket in records(document, "bucket")
                      if all(bucket[name] == record[name] for name in key))
        if samples != record["samples"] or samples < 2:
            faults.append(f"{record['policy']}, CPU {record['cpu']}: {record['samples']} samples, "
                          f"{samples} in the histogram")
    return faults if noises else ["nobody felt anything"]


def check_every_noise(document: dict[str, Any]) -> list[str]:
    """check_noise(), and every policy of the kernel's list was there, but those that this machine
    lacks something for."""
    listed = set(re.findall(r"^\tX\((\w+)\)", POLICY_LIST.read_text(), re.MULTILINE))
    due = {name.replace("_", "-") for name in listed} | {"immediate"}
    seen = {record["policy"] for record in records(document, "noise")}
    faults = [f"policies not seen: {sorted(due - seen - NEED_HARDWARE)}"
              ] if due - seen - NEED_HARDWARE or len(listed) < 10 else []
    return faults + check_noise(document)


def check_entry(document: dict[str, Any]) -> list[str]:
    """Work costs, and only who owes some pays; the parts make the whole."""
    faults = []
    cost = {}
    for record in records(document, "entry"):
        key = (record["policy"], record["roots"], record["door"], record["owed"])
        cost[key] = record["instructions"]
        if record["entry"] + record["kernel"] + record["exit"] != record["instructions"]:
            faults.append(f"{record}: the parts do not make the whole")
    for (policy, roots, door, owed), count in cost.items():
        nothing = cost[policy, roots, door, "nothing"]
        if owed != "nothing" and (count == nothing) != (policy == "immediate"):
            faults.append(f"{policy}, {roots}, {door}: {count} with {owed} owed, {nothing} without")
        if (door, owed) == ("syscall", "nothing") and (
                count > cost["immediate", roots, "syscall", "nothing"] + 15):
            faults.append(f"{policy}, {roots}: a null system call takes {count}")
    return faults if cost else ["no entry was counted"]


def check_alloc(document: dict[str, Any]) -> list[str]:
    """No faster than log n from 100 areas on, up to 100,000."""
    cost = {record["areas"]: record["vmalloc_instructions"] + record["vfree_instructions"]
            for record in records(document, "alloc")}
    if 100 not in cost or 100000 not in cost:
        return [f"areas measured: {sorted(cost)}"]
    return [f"{areas} areas: {count}, beside 100: {cost[100]}" for areas, count in cost.items()
            if areas > 100 and count > cost[100] * math.log(areas) / math.log(100)]


def check_ipi(document: dict[str, Any]) -> list[str]:
    """Every pair of CPUs, and an interrupt a call."""
    pairs = {(r["sender"], r["receiver"]) for r in records(document, "round_trip")}
    cpus = {record["sender"] for record in records(document, "broadcast")}
    faults = [] if pairs == {(a, b) for a in cpus for b in cpus if a != b} else [f"pairs: {pairs}"]
    for record in records(document, "broadcast"):
        due = record["rounds"] * (len(cpus) - 1)
        if (record["round_trip_ipis"], record["broadcast_ipis"]) != (due, due):
            faults.append(f"{record}: not {due} IPIs each")
    return faults if len(cpus) > 1 else ["no cross-call was made"]


def check_flush(document: dict[str, Any]) -> list[str]:
    """What drops everything does, what drops one page drops it; without a flush few are gone."""
    dropped = {r["way"]: (r["dropped"], r["pages"]) for r in records(document, "flush")}
    faults = [f"{way}: {dropped[way]}" for way in ("pge", "invpcid_all")
              if way in dropped and dropped[way][0] != dropped[way][1]]
    if not {"nothing", "invlpg", "cr3", "pge"} <= set(dropped):
        return [f"ways: {sorted(dropped)}"]
    if dropped["invlpg"][0] < 1 or dropped["nothing"][0] > dropped["nothing"][1] // 8:
        faults.append(f"invlpg: {dropped['invlpg']}, nothing: {dropped['nothing']}")
    return faults


def check_hold(document: dict[str, Any]) -> list[str]:
    """Everything that was purged is held, guard pages too, until it is forced out; then nothing."""
    holds = records(document, "hold")
    faults = []
    for record in holds:
        frames = 0 if record["awake"] else record["purges"] * record["pages"]
        pages = 0 if record["awake"] else record["purges"] * (record["pages"] + 1)
        held = (record["held_frames"], record["held_pages"])
        if (held != (frames, pages)) if not record["forced"] else (held > (frames, pages)):
            faults.append(f"{record}: not {frames} frames and {pages} pages")
    if not any(record["forced"] for record in holds):
        faults.append("nothing was ever forced out")
    return faults


EXPERIMENTS = (
    BootCase("purge", f"run=purge pti=off {FEW}", dict(cpus=4), check=check_purge),
    BootCase("scale", f"run=scale nohz_full=1-5 {FEW}", dict(cpus=6), check=check_scale),
    # Every policy; 10,000 purges each: make noise.
    BootCase("noise", "run=noise,purges=50", check=check_every_noise),
    BootCase("entry", "run=entry tlbi=immediate+watching+generation+ledger", check=check_entry),
    # 10,000 purges of 1 to 200 pages: the isolated CPUs feel none of them.
    BootCase("noise, 10,000 purges", "run=noise,purges=10000 pti=off tlbi=ledger",
             check=check_noise),
    BootCase("noise, quarantine under pressure", "run=noise,purges=1000 pti=off tlbi=quarantine",
             dict(mem=64), check=check_noise),
    BootCase("ipi", "run=ipi", dict(cpus=3), check=check_ipi),
    # As the boot menu's submenu starts it, without the word that the first entry has.
    BootCase("flush", "run=flush loglevel=6", dict(cpus=2, media="cd"), check=check_flush,
             grub='set default="measure>flush"\n', shows=(r"^parameters: run=flush \|",)),
    BootCase("hold", "run=hold pti=off", dict(mem=64), check=check_hold),
    BootCase("alloc", "run=alloc,samples=16", check=check_alloc),
)
