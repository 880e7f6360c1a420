#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the sweep's tools without a machine, printed as TAP: what counts as exactly the claims,
how an interleaving is told, which schedules are refused."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import sweep
from replay import INITIATOR, TARGET, ScheduleError, digest, read_schedule
from sweep import DIFFER, EXACT, SHORT, SKIPPED, Result, rule_of, worst
from sweep_columns import WIDTH, Frame, Row, Teller, columns
from sweep_run import Claim, Finding, Row as PolicyRow, SweepError, again, repeat, selection
from taprun import run_as_tap

CLAIM = Claim("N4", "nmi", "stale")
OTHER = Claim("X1", "process", "lost")


def finding(claim: Claim, defect: str | None) -> Finding:
    """One that shows CLAIM's kind."""
    return Finding(defect, claim.context, claim.effect, "C", "syscall", "entry+0", 16, None, None,
                   3, 1, "")


def result(*rows: PolicyRow, error: str = "") -> Result:
    """Of a policy with these rows."""
    return Result("some", list(rows), error)


class StatusTest(unittest.TestCase):
    """Findings against claims."""

    def test_words(self) -> None:
        """Each ending, and no other."""
        clean = PolicyRow("some", "pass", "", 5)
        table = (
            (result(clean), EXACT),
            (result(PolicyRow("some", "pass", "", 5, [CLAIM], [], [finding(CLAIM, "N4")])), EXACT),
            (result(PolicyRow("some", "fail", "x", 5, [], [], [finding(CLAIM, None)])), DIFFER),
            (result(PolicyRow("some", "error", "claim N4 (nmi, stale) was not shown", 5, [CLAIM])),
             DIFFER),
            (result(PolicyRow("some", "error", "7 of 9 steps did not reach", 5)), SHORT),
            (result(clean, error="timeout"), SHORT),
            (result(PolicyRow("some", "skip", "no INVLPGB")), SKIPPED),
            # What no row can show is said, and no difference.
            (result(PolicyRow("some", "pass", "", 5, [OTHER], [OTHER])), EXACT),
            # What one row can show and none does is one.
            (result(PolicyRow("some", "pass", "", 5, [OTHER], [OTHER]),
                    PolicyRow("some", "error", "claim X1 was not shown", 5, [OTHER])), DIFFER),
        )
        for number, (found, status) in enumerate(table):
            self.assertEqual(found.status(), status, number)

    def test_two_claims_of_one_kind(self) -> None:
        """An oracle cannot tell them apart: one finding shows both."""
        second = Claim("X2", *CLAIM.kind)
        row = PolicyRow("some", "pass", "", 5, [CLAIM, second], [], [finding(CLAIM, "N4")])
        self.assertEqual(result(row).missing, [])

    def test_worst(self) -> None:
        """A difference outweighs an error, a skip counts alone."""
        self.assertEqual(worst([EXACT, SHORT, DIFFER]), DIFFER)
        self.assertEqual(worst([EXACT, SHORT]), SHORT)
        self.assertEqual(worst([SKIPPED, EXACT]), EXACT)
        self.assertEqual(worst([SKIPPED]), SKIPPED)

    def test_rules(self) -> None:
        """The rule follows from what was seen."""
        self.assertEqual(rule_of(finding(CLAIM, None)), "R6")
        self.assertEqual(rule_of(finding(OTHER, None)), "R4")
        self.assertEqual(rule_of(finding(Claim("N1", "nmi", "spurious"), None)), "R9")

    def test_words_of_the_kernel(self) -> None:
        """A defect is chosen otherwise than a policy; a step is named in full."""
        self.assertEqual([selection(name) for name in ("N7", "watching", "")],
                         ["defect=N7", "tlbi=watching", ""])
        found = {"scenario": "P", "door": "syscall", "at": "entry+3", "then": "entry+9"}
        self.assertEqual(again("N7", 2, "off", found), "defect=N7 pti=on zone=off "
                         "run=sweep,scenario=P,door=syscall,at=entry+3,then=entry+9")
        self.assertEqual(set(sweep.BOUNDS), {"small", "pairs", "whole"})


class RepeatTest(unittest.TestCase):
    """A step that is carried out again shows the same, or nothing is told of it."""

    def shows(self, **changes: object) -> bool:
        """Whether a boot that finds the same but for CHANGES is taken for a repetition."""
        one = finding(CLAIM, "N4")
        row = {"found": [vars(one) | changes]}
        with mock.patch("sweep_run.boot_sweep", return_value=[row]):
            try:
                return repeat(Path("kernel"), one, Path("."), 1) == row
            except SweepError as error:
                self.assertIn("does not show again: nmi, stale", str(error))
                return False

    def test_same(self) -> None:
        """The kind, the scenario, the door, and both places."""
        self.assertTrue(self.shows())
        self.assertTrue(self.shows(steps=1, first=0, defect=None))
        for changes in ({"context": "process"}, {"effect": "lost"}, {"scenario": "P"},
                        {"door": "irq"}, {"rip": 17}, {"then_rip": 32}):
            self.assertFalse(self.shows(**changes), changes)


class ColumnsTest(unittest.TestCase):
    """Who did what, in order."""

    @staticmethod
    def rows(events: list[dict[str, str | None]]) -> list[tuple[str, str]]:
        """A target with two instructions in, one out; a purge of two; all with names only."""
        frames = {n: [Frame(f"f{n}", "mm/tlbflush.c", n)] for n in range(1, 8)}
        paths: dict[str, dict[str, list[int]]] = {
            "way": {"entry": [1, 2], "kernel": [], "exit": [3]},
            "purge": {"entry": [4, 5], "kernel": [], "exit": []},
            "nmi": {"entry": [6], "kernel": [], "exit": [7]}}
        return [(row.who, row.text) for row in Teller(frames, paths).follow(events)
                if not row.text.startswith("[")]

    def test_order(self) -> None:
        """Each goes as far as the event says, and from there on later."""
        self.assertEqual(self.rows([
            {"who": "target", "what": "to", "to": "entry+1"},
            {"who": "initiator", "what": "to", "to": "entry+1"},
            {"who": "nmi", "what": "begin", "to": None},
            {"who": "initiator", "what": "on", "to": None},
            {"who": "nmi", "what": "on", "to": None},
            {"who": "target", "what": "on", "to": None}]),
            [("target", "f1()"), ("initiator", "f4()"), ("nmi", "f6()"), ("initiator", "f5()"),
             ("nmi", "f7()"), ("target", "f2()"), ("target", "f3()")])

    def test_table(self) -> None:
        """A column for each actor that does something, no line over 100 columns."""
        long = "a_name = some_function(with, many, arguments) + another_one(of, them);"
        lines = columns([Row("target", long, "mm/policy/a.c:7"), Row("initiator", "[over]")],
                        {"initiator": "CPU 1", "target": "CPU 3", "nmi": "NMI"})
        self.assertEqual(lines[0].split(), ["CPU", "1", "|", "CPU", "3"])
        self.assertIn("a.c:7 a_name", lines[1])
        self.assertTrue(all(len(line) <= WIDTH for line in lines), lines)
        self.assertEqual(lines[-1], "[over]")


class ScheduleTest(unittest.TestCase):
    """Which files gdb is started for."""

    GOOD = {"policy": "some", "cmdline": "run=sweep", "rip": 16, "then_rip": None, "scenario": "C",
            "context": "nmi", "effect": "stale", "rule": "R6", "defect": None, "names": {}}

    def read(self, **changes: object) -> str:
        """The message for a changed schedule; "" if it is taken."""
        with TemporaryDirectory() as folder:
            kernel, path = Path(folder, "kernel"), Path(folder, "schedule")
            kernel.write_bytes(b"kernel")
            data = self.GOOD | {"kernel_sha256": digest(kernel)} | changes
            path.write_text(json.dumps({k: v for k, v in data.items() if v != "absent"}))
            try:
                schedule = read_schedule(path, kernel)
            except ScheduleError as error:
                return str(error)
            self.assertEqual(schedule.track, TARGET if data["rip"] else INITIATOR)
            return ""

    def test_schedules(self) -> None:
        """Good ones, and why others are refused."""
        self.assertEqual(self.read(), "")
        self.assertEqual(self.read(rip=None, then_rip=32), "")
        self.assertIn("another build", self.read(kernel_sha256="0"))
        self.assertIn("stops no CPU", self.read(rip=None))
        self.assertIn("not a schedule", self.read(cmdline="absent"))


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
