#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of what judges an experiment's document, printed as TAP: the schema, and what is expected
in tests/machine/experiments.py. Each is shown a good document and ones wrong in one place."""

from __future__ import annotations

import copy
import json
import re
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/machine"))

# pylint: disable=wrong-import-position
import experiments                                              # noqa: E402
import run                                                      # noqa: E402
from taprun import run_as_tap                                   # noqa: E402

COUNTS = {"ipis": 0, "isolated_ipis": 0, "waits": 0, "ns": 9}
MACHINE = {
    "cpu_vendor": "x", "microcode": 1, "topology": None, "tsc_readings": 1, "tsc_backwards": 0,
    "tsc_largest_backwards": 0, "tsc_unfinished": 0,
    "cpu_brand": "x", "hypervisor": "", "emulated": True, "firmware": "pvh", "loader": "x",
    "cpus_found": 4, "cpus_started": 4, "cpus_failed": 0, "memory_bytes": 1, "tsc_khz": 1,
    **{name: False for name in ("x2apic", "pcid", "invpcid", "pge", "nx", "smep", "smap", "umip",
                                "fsgsbase", "invlpgb", "la57", "pdpe1gb", "rdpid",
                                "tsc_deadline_timer", "invariant_tsc")}}
PARAMETERS = {
    "cmdline": "", "broken": "", "seed": 1, "flush_ceiling": 33, "lazy_max_pages": 1,
    "debug_pagealloc": False, "vmap_stack": True, "stack_on_task": False, "zone": "off"}


def scale_point(policy: str, isolated: int, instructions: int, **more: int) -> dict[str, Any]:
    """One record of run=scale."""
    return {"record": "scale", "policy": policy, "roots": 1, "isolated": isolated,
            "instructions": instructions, **COUNTS, **more}


ROOT = Path(__file__).resolve().parent.parent


def menu_words(menu: str) -> list[tuple[str, list[str]]]:
    """The command lines of the boot menu's entries: what the run= of each names, and its tlbi=."""
    found = []
    for cmdline in re.findall(r"^\t+lateflush (?!@)(.+)$", menu, re.MULTILINE):
        words = dict(word.partition("=")[::2] for word in cmdline.split())
        found.append((words.get("run", "compare").split(",")[0],
                      [name for name in words.get("tlbi", "").split("+") if name]))
    return found


class MenuTest(unittest.TestCase):
    """boot/grub.cfg; that the kernel's parser takes each entry is tested by tests/host/test_menu.c,
    which knows no names."""

    def faults(self, menu: str) -> list[str]:
        """Names that the kernel has not, and experiments that the menu has not."""
        experiments_c = (ROOT / "kernel/experiments.c").read_text()
        runs = set(re.findall(r"^\t\{\"(\w+)\", run_\w+\}", experiments_c, re.MULTILINE))
        policies = "".join(path.read_text() for path in (ROOT / "mm/policy").glob("*.c"))
        faults = []
        for name, tlbi in menu_words(menu):
            faults += [f"run={name}"] if name not in runs else []
            faults += [f"tlbi={policy}" for policy in tlbi if f'.name = "{policy}"' not in policies]
        offered = {name for name, _ in menu_words(menu)}
        return faults + [f"no {name}" for name in run.MEASUREMENTS if name not in offered]

    def test_menu(self) -> None:
        """Every experiment that measures can be chosen, and every name is known."""
        menu = (ROOT / "boot/grub.cfg").read_text()
        self.assertEqual(self.faults(menu), [])
        self.assertEqual(self.faults(menu.replace("run=hold", "run=hol")), ["run=hol", "no hold"])
        self.assertIn("tlbi=immediat", self.faults(menu.replace("=immediate", "=immediat")))


SCALE = [
    scale_point("watching", 1, 500), scale_point("watching", 3, 540),
    {"record": "slope", "policy": "watching", "roots": 1, "cpus": 3, "instructions": 20.0},
    scale_point("immediate", 1, 500, ipis=1, isolated_ipis=1, waits=1),
    scale_point("immediate", 3, 800, ipis=3, isolated_ipis=3, waits=3),
    {"record": "slope", "policy": "immediate", "roots": 1, "cpus": 3, "instructions": 150.0},
]


def document(records: list[dict[str, Any]], experiment: str = "scale") -> dict[str, Any]:
    """What the kernel would have written."""
    return {"schema": 1, "machine": MACHINE, "parameters": PARAMETERS, "experiment": experiment,
            "records": records, "verdict": "pass", "reason": ""}


class SchemaTest(unittest.TestCase):
    """docs/experiment.schema.json."""

    def complaint(self, changed: dict[str, Any], experiment: str = "scale") -> str:
        """What tools/run.py says of it."""
        return run.complain_about_document(json.dumps(changed), "pass", experiment)

    def test_good(self) -> None:
        """Nothing to complain about."""
        self.assertEqual(self.complaint(document(SCALE)), "")

    def test_bad(self) -> None:
        """A field too few, one too many, an unknown record, none at all, another experiment's."""
        for change in ({"ns": None}, {"colour": "red"}, {"record": "other"}):
            records = copy.deepcopy(SCALE)
            records[0] |= change
            self.assertIn("schema", self.complaint(document(records)), change)
        self.assertIn("schema", self.complaint(document([])))
        self.assertIn("not of purge", self.complaint(document(SCALE), "purge"))


class ScaleTest(unittest.TestCase):
    """Slopes and interrupts."""

    def faults(self, place: int, **change: object) -> list[str]:
        """With one record changed."""
        records = copy.deepcopy(SCALE)
        records[place] |= change
        return experiments.check_scale(document(records))

    def test_good(self) -> None:
        """Nothing to complain about."""
        self.assertEqual(experiments.check_scale(document(SCALE)), [])

    def test_bad(self) -> None:
        """Too steep, another slope than the counts', an IPI too many, a wait without one, none."""
        self.assertEqual(len(self.faults(1, instructions=560)), 2)
        self.assertEqual(len(self.faults(2, instructions=19.0)), 1)
        self.assertEqual(len(self.faults(0, isolated_ipis=1)), 1)
        self.assertEqual(len(self.faults(3, isolated_ipis=0)), 1)
        self.assertEqual(len(self.faults(0, waits=1)), 1)
        self.assertEqual(len(experiments.check_scale(document([]))), 1)


NOISE = [
    {"record": "noise", "policy": "ledger", "roots": 1, "cpu": 2, "purges": 5, "deferred": 5,
     "requests": 0, "forced": 0, "raced": 0, "tlbi_callbacks": 0, "entries": 1, "unexplained": 0,
     "samples": 7, "runtime_ns": 9, "noise_ns": 0, "largest_ns": 0, "machine": 1, "flush_ipi": 0,
     "other_ipi": 0, "timer": 0, "nmi": 0, "syscall": 0, "exception": 0, "smi": None},
    {"record": "bucket", "policy": "ledger", "roots": 1, "cpu": 2, "from_ns": 0, "count": 7},
]


class LinesTest(unittest.TestCase):
    """Cache lines that a purge writes."""

    def test_lines(self) -> None:
        """One more or less, of either kind."""
        small = {"pages": 1, "isolated": 2, "ipis": 1, "isolated_ipis": 0}
        good: list[dict[str, Any]] = [
            small | {"policy": "watching", "remote_lines": 4, "shared_lines": 0},
            small | {"policy": "ledger", "remote_lines": 1, "shared_lines": 3},
            small | {"policy": "ledger", "pages": 34, "remote_lines": 1, "shared_lines": 2}]
        self.assertEqual(experiments.lines_faults(good), [])
        for place in range(len(good)):
            for name in ("remote_lines", "shared_lines"):
                wrong = copy.deepcopy(good)
                wrong[place][name] += 1
                self.assertEqual(len(experiments.lines_faults(wrong)), 1)


class NoiseTest(unittest.TestCase):
    """What isolated CPUs feel."""

    def test_bad(self) -> None:
        """Each of the counts may be wrong."""
        self.assertEqual(experiments.check_noise(document(NOISE)), [])
        self.assertEqual(len(experiments.check_noise(document([]))), 1)
        self.assertIn("watching", experiments.check_every_noise(document(NOISE))[0])
        for name in ("requests", "tlbi_callbacks", "entries", "unexplained", "samples", "timer",
                     "other_ipi", "nmi", "exception", "deferred"):
            records = copy.deepcopy(NOISE)
            records[0][name] += 1
            self.assertEqual(len(experiments.check_noise(document(records))), 1, name)
        records = copy.deepcopy(NOISE)
        records[0]["policy"] = records[1]["policy"] = "immediate"
        self.assertGreater(len(experiments.check_noise(document(records))), 2)


def entry(policy: str, owed: str, instructions: int) -> dict[str, Any]:
    """One record of run=entry."""
    return {"record": "entry", "policy": policy, "roots": 1, "door": "syscall", "owed": owed,
            "instructions": instructions, "entry": instructions - 20, "kernel": 10, "exit": 10}


class CountsTest(unittest.TestCase):
    """Ways into the kernel, and allocations."""

    def test_entry(self) -> None:
        """Work that costs nothing, none that costs, too much without any, parts that are not it."""
        good = [entry("immediate", "nothing", 100), entry("immediate", "full", 100),
                entry("ledger", "nothing", 110), entry("ledger", "full", 200)]
        self.assertEqual(experiments.check_entry(document(good)), [])
        for place, instructions in ((1, 101), (3, 110), (2, 120)):
            records = copy.deepcopy(good)
            records[place] = entry(records[place]["policy"], records[place]["owed"], instructions)
            self.assertEqual(len(experiments.check_entry(document(records))), 1, place)
        parts = document(good[:3] + [good[3] | {"exit": 11}])
        self.assertEqual(len(experiments.check_entry(parts)), 1)

    def test_alloc(self) -> None:
        """Log n is enough, n is not; a run that is too short says nothing."""
        def run_of(costs: dict[int, float]) -> list[str]:
            return experiments.check_alloc(document(
                [{"record": "alloc", "areas": areas, "samples": 1, "vmalloc_instructions": cost,
                  "vfree_instructions": cost} for areas, cost in costs.items()]))
        self.assertEqual(run_of({100: 100, 1000: 149, 100000: 249}), [])
        self.assertEqual(len(run_of({100: 100, 1000: 151, 100000: 252})), 2)
        self.assertEqual(len(run_of({100: 100, 1000: 100})), 1)

    def test_hold(self) -> None:
        """Held too little, held by nobody, never forced."""
        sleep = {"record": "hold", "policy": "quarantine", "roots": 1, "pages": 8, "purges": 2,
                 "awake": False, "held_pages": 18, "held_frames": 16, "held_batches": 2,
                 "forced": 0}
        forced = sleep | {"purges": 9, "held_frames": 8, "held_pages": 9, "forced": 1}
        self.assertEqual(experiments.check_hold(document([sleep, forced])), [])
        self.assertEqual(len(experiments.check_hold(document([sleep]))), 1)
        for change in ({"held_frames": 15}, {"held_pages": 17}, {"awake": True}):
            self.assertEqual(len(experiments.check_hold(document([sleep | change, forced]))), 1)

    def test_ipi_and_flush(self) -> None:
        """A pair too few, an interrupt too few; a flush that keeps, one that drops by itself."""
        pairs = [{"record": "round_trip", "sender": a, "receiver": 1 - a} for a in (0, 1)]
        calls = [{"record": "broadcast", "sender": a, "rounds": 2, "round_trip_ipis": 2,
                  "broadcast_ipis": 2} for a in (0, 1)]
        self.assertEqual(experiments.check_ipi(document(pairs + calls)), [])
        self.assertEqual(len(experiments.check_ipi(document(pairs[:1] + calls))), 1)
        calls[0]["broadcast_ipis"] = 1
        self.assertEqual(len(experiments.check_ipi(document(pairs + calls))), 1)
        ways = [{"record": "flush", "way": way, "pages": 32, "dropped": dropped}
                for way, dropped in (("nothing", 0), ("invlpg", 1), ("cr3", 0), ("pge", 32))]
        self.assertEqual(experiments.check_flush(document(ways)), [])
        for place, wrong in ((0, 5), (1, 0), (3, 31)):
            changed = copy.deepcopy(ways)
            changed[place]["dropped"] = wrong
            self.assertEqual(len(experiments.check_flush(document(changed))), 1)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
