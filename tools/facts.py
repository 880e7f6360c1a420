#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the document of an unbroken comparison has to fulfil, computed from its counts alone.

The kernel reaches its verdict by itself; this is the second opinion. Phase 1: isolated CPUs stay in
ring 3 for all flushes, then enter once. Phase 2: they bounce. Floors: below them nothing is proved.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MIN_FLUSHES = 500
MIN_OWED_ENTRIES = 500
MIN_WARM = 200
# Policies that never defer: each flush reaches each CPU.
UNDEFERRING = ("immediate",)


def facts_of_cpu(policy: dict[str, Any], cpu: dict[str, Any], defers: bool) -> list[str]:
    """What is wrong with one isolated CPU under one policy."""
    callbacks = cpu["tlbi_callbacks"] + cpu["phase2_callbacks"]
    rules = [
        ("stale == 0", cpu["stale"] == 0),
        ("lost == 0", cpu["lost"] == 0),
        ("unexplained == 0", cpu["unexplained"] == 0),
        ("other_irqs == nmis == 0", cpu["other_irqs"] == 0 == cpu["nmis"]),
        (f"warm >= {MIN_WARM}", cpu["warm"] >= MIN_WARM),
        ("canary_checks >= warm", cpu["canary_checks"] >= cpu["warm"]),
        ("sent_callbacks == received_callbacks == all callbacks",
         cpu["sent_callbacks"] == cpu["received_callbacks"] == callbacks),
        ("sent_ipis + sent_coalesced == sent_callbacks",
         cpu["sent_ipis"] + cpu["sent_coalesced"] == cpu["sent_callbacks"]),
        ("received_ipis == sent_ipis", cpu["received_ipis"] == cpu["sent_ipis"]),
        ("kernel_entries == tlbi_ipis + 1", cpu["kernel_entries"] == cpu["tlbi_ipis"] + 1),
    ]
    if defers:
        rules += [
            ("tlbi_ipis == tlbi_callbacks == 0", cpu["tlbi_ipis"] == 0 == cpu["tlbi_callbacks"]),
            ("deferrable_ipis == 0", cpu["deferrable_ipis"] == 0),
            ("deferred == flushes", cpu["deferred"] == policy["flushes"]),
            ("drained == 1", cpu["drained"] == 1),
            ("raced_ipis + phase2_deferred == phase2_flushes",
             cpu["raced_ipis"] + cpu["phase2_deferred"] == policy["phase2_flushes"]),
            (f"owed_entries >= {MIN_OWED_ENTRIES}", cpu["owed_entries"] >= MIN_OWED_ENTRIES),
        ]
    else:
        rules += [
            ("tlbi_callbacks == flushes", cpu["tlbi_callbacks"] == policy["flushes"]),
            ("0 < tlbi_ipis <= tlbi_callbacks", 0 < cpu["tlbi_ipis"] <= cpu["tlbi_callbacks"]),
            ("phase2_callbacks == phase2_flushes",
             cpu["phase2_callbacks"] == policy["phase2_flushes"]),
            ("deferred == drained == 0", cpu["deferred"] == 0 == cpu["drained"]),
        ]
    return [f"{policy['name']}: CPU {cpu['cpu']}: not {text}" for text, holds in rules if not holds]


def faults_of(document: dict[str, Any], defers: bool = True) -> list[str]:
    """All that is wrong; DEFERS: false for a kernel built without deferral."""
    try:
        return find_faults(document, defers)
    except KeyError as error:
        return [f"the document has no field {error}"]


def find_faults(document: dict[str, Any], defers: bool) -> list[str]:
    """The same, of a document that has every field."""
    faults: list[str] = []
    names = [policy["name"] for policy in document["policies"]]
    if len(names) < 2 or "immediate" not in names:
        faults.append(f"a comparison needs immediate and another policy, has {names}")
    for policy in document["policies"]:
        name = policy["name"]
        deferring = defers and name not in UNDEFERRING
        isolated = [cpu for cpu in policy["cpus"] if cpu["isolated"]]
        if not isolated:
            faults.append(f"{name}: no isolated CPU")
        if policy["flushes"] < MIN_FLUSHES:
            faults.append(f"{name}: {policy['flushes']} flushes, floor {MIN_FLUSHES}")
        if policy["corrupted"]:
            faults.append(f"{name}: {policy['corrupted']} areas corrupted")
        if policy["verdict"] != "pass":
            faults.append(f"{name}: verdict {policy['verdict']}")
        for cpu in isolated:
            faults += facts_of_cpu(policy, cpu, deferring)
    return faults


def total_of(document: dict[str, Any], name: str) -> int:
    """The sum of one count over the isolated CPUs of all policies."""
    return sum(cpu[name] for policy in document["policies"] for cpu in policy["cpus"]
               if cpu["isolated"])


def main() -> int:
    """facts.py RUN.JSON: prints what is wrong with it."""
    faults = faults_of(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(faults) or "all facts hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
