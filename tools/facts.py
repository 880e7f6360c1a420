#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the document of an unbroken comparison has to fulfil, computed from its counts alone.

The kernel reaches its verdict by itself; this is the second opinion. Phase 1: isolated CPUs stay in
ring 3 for all flushes, then enter once. Phase 2: they bounce, under NMIs unless a policy claims a
defect there. Floors: below them nothing is proved. A row is a policy with one root or with two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MIN_FLUSHES = 500
MIN_OWED_ENTRIES = 500
MIN_WARM = 200
MIN_CHECKS = 200
MIN_NMI_CHECKS = 100

Rules = list[tuple[str, bool]]


def title(policy: dict[str, Any]) -> str:
    """A row's name: the policy, and with how many roots if these are two."""
    return policy["name"] + (" with two roots" if policy["roots"] == 2 else "")


def findings_of_cpu(policy: dict[str, Any], cpu: dict[str, Any]) -> dict[tuple[str, str], int]:
    """What the oracles found on one CPU, by context and effect."""
    return {
        ("process", "stale"): cpu["stale"] or 0,
        ("process", "lost"): cpu["lost"] - cpu["lost_in_nmi"],
        ("process", "spurious"): 0 if policy["eager"] else cpu["spurious_drains"],
        ("nmi", "stale"): cpu["nmi_stale"] or 0,
        ("nmi", "lost"): cpu["lost_in_nmi"],
    }


def oracle_rules(policy: dict[str, Any], cpu: dict[str, Any]) -> Rules:
    """Nothing was found that no claim covers. Every CPU."""
    claims = {(claim["context"], claim["effect"]) for claim in policy["claims"]}
    return [(f"{effect} in {context} context == 0, and not claimed",
             count == 0 or (context, effect) in claims)
            for (context, effect), count in findings_of_cpu(policy, cpu).items()]


def common_rules(policy: dict[str, Any], cpu: dict[str, Any]) -> Rules:
    """What holds for an isolated CPU under any policy: peace, books and floors."""
    callbacks = cpu["tlbi_callbacks"] + cpu["phase2_callbacks"]
    one_root = policy["roots"] == 1
    return [
        ("unexplained == 0", cpu["unexplained"] == 0),
        ("other_irqs == 0", cpu["other_irqs"] == 0),
        ("nmis == nmis_sent", cpu["nmis"] == cpu["nmis_sent"]),
        ("no NMIs without their load", policy["nmi_load"] or cpu["nmis"] == 0),
        ("stale is a number with one root", cpu["stale"] is not None or not one_root),
        (f"warm >= {MIN_WARM} with one root", cpu["warm"] >= MIN_WARM or not one_root),
        (f"canary_checks >= {MIN_CHECKS}", cpu["canary_checks"] >= MIN_CHECKS),
        (f"nmi_checks >= {MIN_NMI_CHECKS} under NMIs",
         cpu["nmi_checks"] >= MIN_NMI_CHECKS or not policy["nmi_load"]),
        ("sent_callbacks == received_callbacks == all callbacks",
         cpu["sent_callbacks"] == cpu["received_callbacks"] == callbacks),
        ("sent_ipis + sent_coalesced == sent_callbacks",
         cpu["sent_ipis"] + cpu["sent_coalesced"] == cpu["sent_callbacks"]),
        ("received_ipis == sent_ipis", cpu["received_ipis"] == cpu["sent_ipis"]),
        ("kernel_entries == tlbi_ipis + 1", cpu["kernel_entries"] == cpu["tlbi_ipis"] + 1),
    ]


def deferral_rules(policy: dict[str, Any], cpu: dict[str, Any]) -> Rules:
    """A policy that leaves flushes to the next entry, or to another moment (then none drains)."""
    never_drains = policy["eager"] and cpu["drained"] == 0 == cpu["owed_entries"]
    testing_entries = cpu["phase2_entries" if never_drains else "owed_entries"]
    return [
        ("tlbi_ipis == tlbi_callbacks == 0", cpu["tlbi_ipis"] == 0 == cpu["tlbi_callbacks"]),
        ("deferrable_ipis == 0", cpu["deferrable_ipis"] == 0),
        ("deferred == flushes", cpu["deferred"] == policy["flushes"]),
        ("drained == 1", cpu["drained"] == 1 or policy["eager"]),
        ("raced_ipis + phase2_deferred == phase2_flushes",
         cpu["raced_ipis"] + cpu["phase2_deferred"] == policy["phase2_flushes"]),
        (f"entries with work owed >= {MIN_OWED_ENTRIES}", testing_entries >= MIN_OWED_ENTRIES),
    ]


def interrupt_rules(policy: dict[str, Any], cpu: dict[str, Any]) -> Rules:
    """A policy that never defers: each flush reaches each CPU."""
    return [
        ("tlbi_callbacks == flushes", cpu["tlbi_callbacks"] == policy["flushes"]),
        ("0 < tlbi_ipis <= tlbi_callbacks", 0 < cpu["tlbi_ipis"] <= cpu["tlbi_callbacks"]),
        ("phase2_callbacks == phase2_flushes",
         cpu["phase2_callbacks"] == policy["phase2_flushes"]),
        ("deferred == drained == 0", cpu["deferred"] == 0 == cpu["drained"]),
    ]


def broadcast_rules(_policy: dict[str, Any], cpu: dict[str, Any]) -> Rules:
    """A policy under which the hardware reaches each CPU by itself."""
    return [("no callbacks, no drains", not any(
        cpu[key] for key in ("tlbi_callbacks", "phase2_callbacks", "drained", "phase2_drained")))]


def faults_of_policy(policy: dict[str, Any]) -> list[str]:
    """What is wrong with one row that ran."""
    name = title(policy)
    kind = (broadcast_rules if policy["broadcast"] else
            deferral_rules if policy["defers"] else interrupt_rules)
    faults: list[str] = []
    if policy["flushes"] < MIN_FLUSHES:
        faults.append(f"{name}: {policy['flushes']} flushes, floor {MIN_FLUSHES}")
    claims = {(claim["context"], claim["effect"]) for claim in policy["claims"]}
    if policy["corrupted"] and ("process", "stale") not in claims:
        faults.append(f"{name}: {policy['corrupted']} areas corrupted")
    if policy["verdict"] != "pass":
        faults.append(f"{name}: verdict {policy['verdict']}")
    if not any(cpu["isolated"] for cpu in policy["cpus"]):
        faults.append(f"{name}: no isolated CPU")
    for cpu in policy["cpus"]:
        rules = oracle_rules(policy, cpu)
        if cpu["isolated"]:
            rules += common_rules(policy, cpu) + kind(policy, cpu)
        faults += [f"{name}: CPU {cpu['cpu']}: not {text}" for text, holds in rules if not holds]
    return faults


def find_faults(document: dict[str, Any]) -> list[str]:
    """All that is wrong with a document that has every field."""
    faults: list[str] = []
    rows = [title(policy) for policy in document["policies"]]
    ran = [policy for policy in document["policies"] if policy["verdict"] != "skip"]
    names = {policy["name"] for policy in ran}
    if len(names) < 2 or "immediate" not in names:
        faults.append(f"a comparison needs immediate and another policy, has {sorted(names)}")
    faults += [f"{row}: more than one row" for row in sorted(set(rows)) if rows.count(row) > 1]
    for policy in document["policies"]:
        if policy["verdict"] != "skip":
            faults += faults_of_policy(policy)
        elif policy["ran"] or not policy["reason"]:
            faults.append(f"{title(policy)}: skipped, but it ran or nobody says why")
    return faults


def faults_of(document: dict[str, Any]) -> list[str]:
    """All that is wrong with a document."""
    try:
        return find_faults(document)
    except KeyError as error:
        return [f"the document has no field {error}"]


def total_of(document: dict[str, Any], name: str) -> int:
    """The sum of one count over the isolated CPUs of all policies; null counts nothing."""
    return sum(cpu[name] or 0 for policy in document["policies"] for cpu in policy["cpus"]
               if cpu["isolated"])


def main() -> int:
    """facts.py RUN.JSON: prints what is wrong with it."""
    faults = faults_of(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(faults) or "all facts hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
