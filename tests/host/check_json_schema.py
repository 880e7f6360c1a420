#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The JSON form of the report against docs/run.schema.json: check_json_schema.py TEST_REPORT_JSON

TEST_REPORT_JSON is the host test of that name; `print SAMPLE` makes it print a document. Documents
have to be valid and to hold the sample's figures, the schema has to refuse documents that are wrong
in one place each, and no number of kernel/result.h may be missing from it. Prints lines that TAP
takes for comments; the exit status tells.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

import jsonschema

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "docs/run.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
LARGEST = 2**64 - 1

Document = dict
failures: list[str] = []
checks = 0


def check(what: str, good: bool, why: str = "") -> None:
    """Counts one check and keeps its name if it failed."""
    global checks  # pylint: disable=global-statement
    checks += 1
    if not good:
        failures.append(f"{what}: {why}" if why else what)


def complaint(document: Document) -> str:
    """The first thing that the schema has against the document, "" if nothing."""
    for error in VALIDATOR.iter_errors(document):
        return f"{'/'.join(map(str, error.absolute_path))}: {error.message[:120]}"
    return ""


def sample(program: str, name: str) -> Document:
    """The document that the test program prints for a sample."""
    text = subprocess.run([program, "print", name], check=True, capture_output=True).stdout
    check(f"{name}: ASCII only", text.isascii())
    return json.loads(text)


def check_figures(document: Document) -> None:
    """The figures of the sample "comparison", as tests/host/sample_result.c has them."""
    immediate, state_bits = document["policies"]
    expected = [
        (document, {"schema": 1, "verdict": "pass", "reason": ""}),
        (document["machine"], {"cpu_brand": "QEMU TCG CPU version 2.5+", "emulated": True,
                               "memory_bytes": 267894784, "firmware": "bios", "pcid": False,
                               "nx": True, "tsc_khz": 2594123, "cpu_vendor": "AuthenticAMD",
                               "microcode": 0x1000065, "topology": None, "tsc_readings": 48,
                               "la57": True, "rdpid": False}),
        (document["parameters"], {"seed": 1, "flush_ceiling": 33, "lazy_max_pages": 24576,
                                  "broken": "", "vmap_stack": True, "stack_on_task": False}),
        (immediate, {"name": "immediate", "claims": [], "roots": 1, "verdict": "pass",
                     "flushes": 10000, "phase2_flushes": 20000, "full_flushes": 61,
                     "ranged_flushes": 29939, "allocations": 30500, "defers": False,
                     "nmi_load": True, "findings": [], "syscall_instructions": 111}),
        (immediate["cpus"][2], {"cpu": 2, "apic_id": 4, "isolated": True, "tlbi_ipis": 9987,
                                "tlbi_callbacks": 10000, "kernel_entries": 9988, "deferred": 0,
                                "raced_ipis": 1730, "sent_coalesced": 21, "stale": 0, "lost": 0}),
        (immediate["cpus"][3]["gaps"]["flush_ipi"], {"count": 9987, "largest_ns": 41872}),
        (immediate["cpus"][3], {"nmis": 2505, "nmis_sent": 2505, "nmi_checks": 2411,
                                "nmi_stale": 0}),
        (state_bits, {"name": "state-bits", "defers": True, "nmi_load": False, "claims": [
            {"id": "N4", "context": "nmi", "effect": "stale"}]}),
        (state_bits["cpus"][2], {"tlbi_ipis": 0, "deferred": 10000, "drained": 1,
                                 "phase2_drained": 9120, "owed_entries": 9121}),
        (state_bits["cpus"][0], {"isolated": False, "stale": None, "gaps": None,
                                 "flush_one": 310022, "nmi_stale": None}),
    ]
    for there, figures in expected:
        for key, value in figures.items():
            check(f"comparison: {key} is {value}", there[key] == value, f"it is {there[key]}")


def check_rows(document: Document) -> None:
    """The sample "all_policies": rows of one name, skips, findings with their claims."""
    rows = {(row["name"], row["roots"]): row for row in document["policies"]}
    check("all_policies: 25 rows", len(rows) == len(document["policies"]) == 25)
    check("all_policies: a skip", rows["broadcast", 2]["verdict"] == "skip")
    check("all_policies: findings", rows["posted-v3", 1]["findings"] == [
        {"context": "nmi", "effect": "stale", "count": 12, "claim": "N4"},
        {"context": "nmi", "effect": "lost", "count": 2, "claim": "N4"}])
    check("all_policies: held", rows["quarantine", 1]["held_pages"] == 20480)
    check("all_policies: n/a", rows["watching", 2]["cpus"][2]["stale"] is None)


def check_many_cpus(document: Document) -> None:
    """What is unknown is null."""
    check("many_cpus: microcode", document["machine"]["microcode"] is None)
    check("many_cpus: TSC", document["machine"]["tsc_largest_backwards"] == 41)


def check_maxima(document: Document) -> None:
    """No number loses a digit on its way: those of 64 bits are all larger than 32 bits hold."""
    cpu = document["policies"][0]["cpus"][255]
    narrow = {"schema", "cpu", "apic_id", "roots", "cpus_found", "cpus_started", "cpus_failed",
              "flush_ceiling", "microcode", "tsc_unfinished"}
    for place in (cpu, document["policies"][0], document["machine"], document["parameters"],
                  *cpu["gaps"].values()):
        for key, value in place.items():
            if type(value) is int and key not in narrow:
                check(f"maxima: {key} has all its bits", value > 2**32, str(value))
    check("maxima: stale", cpu["stale"] == LARGEST)
    check("maxima: tlbi_ipis", cpu["tlbi_ipis"] == LARGEST - 255)
    check("maxima: topology", document["machine"]["topology"][255] == {
        "cpu": 255, "apic_id": 2**32 - 1, "core": 2**32 - 1, "type": "core"})
    check("maxima: apic_id", cpu["apic_id"] == 2**32 - 1)
    text = "".join(chr(1 + i * 37 % 255) for i in range(1023))
    check("maxima: cmdline byte by byte", document["parameters"]["cmdline"] == text)


# Each is done to a copy of the sample "findings", which is valid, and has to make it invalid. Its
# policies: 0 immediate, passed; 1 state-bits, failed; 2 cr3-flag, canary n/a; 3 broadcast, skipped.
MUTATIONS: dict[str, Callable[[Document], object]] = {
    "no schema version": lambda d: d.pop("schema"),
    "schema version 2": lambda d: d.update(schema=2),
    "an unknown key at the top": lambda d: d.update(extra=1),
    "an unknown key in a CPU": lambda d: d["policies"][0]["cpus"][0].update(extra=1),
    "a CPU without lost": lambda d: d["policies"][0]["cpus"][0].pop("lost"),
    "a negative count": lambda d: d["policies"][0]["cpus"][0].update(deferred=-1),
    "a count of 65 bits": lambda d: d["policies"][0]["cpus"][0].update(deferred=LARGEST + 1),
    "a fraction": lambda d: d["policies"][0].update(flushes=1.5),
    "a count as text": lambda d: d["policies"][0].update(flushes="10000"),
    "CPU 256": lambda d: d["policies"][0]["cpus"][0].update(cpu=256),
    "three roots": lambda d: d["policies"][0].update(roots=3),
    "verdict skip of a run": lambda d: d.update(verdict="skip"),
    "verdict none": lambda d: d["policies"][0].update(verdict="none"),
    "a pass with a failed policy": lambda d: (d.update(verdict="pass"),
                                              d["parameters"].update(broken="")),
    "a broken run that passed": lambda d: (d.update(verdict="pass"),
                                           d["policies"].__delitem__(slice(1, None))),
    "a pass of nothing": lambda d: (d.update(verdict="pass", policies=[]),
                                    d["parameters"].update(broken="")),
    "a pass of skipped policies": lambda d: (d.update(verdict="pass"),
                                             d["parameters"].update(broken=""),
                                             d["policies"].__delitem__(slice(0, 3))),
    "a policy that passed without running": lambda d: d["policies"][0].update(ran=False),
    "a policy that passed without CPUs": lambda d: d["policies"][0].update(cpus=[]),
    "a skip that ran": lambda d: d["policies"][3].update(ran=True),
    "a failure without a reason": lambda d: d["policies"][1].update(reason=""),
    "a skip without a reason": lambda d: d["policies"][3].update(reason=""),
    "stale 0 where it is n/a": lambda d: d["policies"][2]["cpus"][2].update(stale=0),
    "NMIs stale 0 where it is n/a": lambda d: d["policies"][2]["cpus"][2].update(nmi_stale=0),
    "instructions 0": lambda d: d["policies"][0].update(syscall_instructions=0),
    "a finding of no count": lambda d: d["policies"][1]["findings"][0].update(count=0),
    "a finding without its claim": lambda d: d["policies"][1]["findings"][0].pop("claim"),
    "a pass in spite of a finding": lambda d: d["policies"][1].update(verdict="pass"),
    "stale null where it was measured": lambda d: d["policies"][1]["cpus"][2].update(stale=None),
    "gaps where none were measured": lambda d: d["policies"][2]["cpus"][2].update(gaps={}),
    "gaps null where they were": lambda d: d["policies"][0]["cpus"][2].update(gaps=None),
    "a gap of an unknown cause": lambda d: d["policies"][0]["cpus"][2]["gaps"].update(smi=1),
    "a cause without a gap": lambda d: d["policies"][0]["cpus"][2]["gaps"].pop("timer"),
    "a claim without an effect": lambda d: d["policies"][0]["claims"].append(
        {"id": "N1", "context": "irq"}),
    "an unknown context": lambda d: d["policies"][0]["claims"].append(
        {"id": "N1", "context": "smi", "effect": "lost"}),
    "unknown firmware": lambda d: d["machine"].update(firmware=""),
    "microcode 0 where it is unknown": lambda d: d["machine"].update(microcode=0),
    "a topology of nothing": lambda d: d["machine"].update(topology=[]),
    "an unknown type of core": lambda d: d["machine"].update(
        topology=[{"cpu": 0, "apic_id": 0, "core": 0, "type": "big"}]),
    "a CPU without its core": lambda d: d["machine"].update(
        topology=[{"cpu": 0, "apic_id": 0, "type": None}]),
}


def check_completeness() -> None:
    """Every member of the structures in kernel/result.h is a key of the schema."""
    header = (ROOT / "kernel/result.h").read_text()
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    places = {"cpu_result": "cpu", "policy_result": "policy", "machine_result": "machine",
              "parameters_result": "parameters", "claim_result": "claim", "gap_result": "gap",
              "place_result": "place"}
    seen = 0
    for struct, body in re.findall(r"struct (\w+) \{(.*?)\n\};", header, flags=re.DOTALL):
        if struct not in places:
            continue
        keys = SCHEMA["$defs"][places[struct]]["properties"]
        for declaration in body.split(";"):
            for name in re.findall(r"(\w+)(?:\[\w+\])?\s*(?:,|$)", declaration.strip()):
                if name.startswith("nr_"):
                    continue
                seen += 1
                check(f"{struct}.{name} is in the schema", name in keys)
    check("kernel/result.h was understood", seen > 70, f"{seen} members found")


def main() -> int:
    """Runs all checks."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    documents = {name: sample(sys.argv[1], name)
                 for name in ("comparison", "findings", "all_policies", "many_cpus", "maxima")}
    for name, document in documents.items():
        why = complaint(document)
        check(f"{name} is valid", not why, why)
    check_figures(documents["comparison"])
    check_rows(documents["all_policies"])
    check_maxima(documents["maxima"])
    check_many_cpus(documents["many_cpus"])
    for what, change in MUTATIONS.items():
        document = copy.deepcopy(documents["findings"])
        change(document)
        check(f"refused: {what}", bool(complaint(document)))
    check_completeness()
    for failure in failures:
        print(f"# failed: {failure}")
    print(f"# schema: {checks} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
