#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of make convict without an engine, printed as TAP: what is less than was asked for."""

from __future__ import annotations

import select
import subprocess
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import convict
import process_group
from convict import PASS, SHORT, Row
from taprun import run_as_tap


def explored(*parts: tuple[int, str], never: str = "") -> dict[str, object]:
    """The explorer's document of one clean policy, `some`: (roots, bounds), each to its end."""
    return {"never_untracked": never.split(), "explorations": [
        {"policy": "some", "roots": roots, "bounds": bounds, "complete": True, "states": 10,
         "claims": [], "findings": []} for roots, bounds in parts]}


class BoundsTest(unittest.TestCase):
    """Each of the bounds, with each number of roots; u may lack where the explorer says so."""

    def status(self, document: dict[str, object]) -> int:
        """Of a row that this document leads to, bounds tu."""
        with mock.patch("convict.document_in", return_value=document):
            row = convict.explore(Path("explore"), "some", "tu", 1, Path("."))
        self.assertEqual(row.why, "" if row.status == PASS else "not to the end of bounds tu")
        return row.status

    def test_bounds(self) -> None:
        """Nobody is exempt unasked."""
        table = (
            (explored((1, "t"), (1, "u"), (2, "t"), (2, "u")), PASS),
            (explored((1, "t"), (2, "t"), never="other some"), PASS),
            (explored((1, "t"), (2, "t"), never="other"), SHORT),
            (explored((1, "t"), (2, "t")), SHORT),
            (explored((1, "t"), (1, "u"), (2, "t")), SHORT),
            (explored((1, "u"), (2, "t"), never="some"), SHORT),
            (explored(never="some"), SHORT),
        )
        for number, (document, status) in enumerate(table):
            self.assertEqual(self.status(document), status, number)


class EndTest(unittest.TestCase):
    """An engine that does not end is ended, and with it what it started."""

    PATIENCE = 60.0             # no time is measured: more is a fault

    def ended(self, script: str) -> None:
        """SCRIPT starts something that holds its output open, and says so; all of it ends."""
        with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True,
                              start_new_session=True) as process:
            assert process.stdout
            self.assertEqual(process.stdout.readline(), "ready\n")
            process_group.end_group(process)
            over = select.select([process.stdout], [], [], self.PATIENCE)[0]
            self.assertTrue(over, "something still holds the output open after the end")
            self.assertEqual(process.stdout.read(), "")

    def test_group(self) -> None:
        """The head ends by SIGTERM or not; so does what it started."""
        deaf = "trap '' TERM; echo ready; while :; do sleep 1000; done"
        with mock.patch("process_group.GRACE", 0.2):
            self.ended("sleep 1000 & echo ready; wait")
            self.ended(f"({deaf}) & wait")
            self.ended(f"sleep 1000 & {deaf}")

    def test_asked_first(self) -> None:
        """SIGTERM comes before SIGKILL, and gives time to tidy up."""
        with TemporaryDirectory() as folder:
            tidy = Path(folder, "tidy")
            self.ended(f"trap 'touch {tidy}; exit' TERM; sleep 1000 & echo ready; wait")
            self.assertTrue(tidy.exists())

    def test_limit(self) -> None:
        """The row says why it has nothing; an engine that ends has its status in it."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "some.json")
            row = Row("some", "sweep")
            with mock.patch("convict.LIMIT", 0.0):
                self.assertIsNone(convict.document_in(path, ["sleep", "1000"], row))
            self.assertEqual((row.status, row.why), (SHORT, "no end within 0 s"))
            self.assertIsNone(convict.document_in(
                path, ["bash", "-c", "echo a >&2; echo why >&2; exit 2"], row))
            self.assertEqual((row.status, row.why), (SHORT, "why"))
            self.assertEqual(convict.document_in(
                path, ["bash", "-c", f"echo '{{}}' > {path}; exit 5"], row), {})
            self.assertEqual(row.status, convict.DIFFER)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
