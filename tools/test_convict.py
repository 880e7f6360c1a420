#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of make convict without an engine, printed as TAP: what is less than was asked for."""

from __future__ import annotations

import contextlib
import io
import json
import select
import subprocess
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
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

    def status(self, document: dict[str, Any]) -> int:
        """Of a row that this document leads to, in a part for each number of roots; bounds tu."""
        def part_of(_path: Path, command: list[str], _row: Row) -> dict[str, Any]:
            roots = int(command[command.index("-r") + 1])
            return document | {"explorations": [
                one for one in document["explorations"] if one["roots"] == roots]}

        with mock.patch("convict.document_in", part_of):
            row = convict.explored("some", "tu", [
                convict.explore(Path("explore"), "some", roots, "tu", 1, Path("."))
                for roots in ("1", "2")])
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
            (explored((2, "t"), (2, "u")), SHORT),
            (explored(never="some"), SHORT),
        )
        for number, (document, status) in enumerate(table):
            self.assertEqual(self.status(document), status, number)


class JoinTest(unittest.TestCase):
    """Runs together are exact only if each policy has a row by each engine."""

    @staticmethod
    def run_of(*rows: Row, small: bool = False) -> dict[str, object]:
        """The document of a run with these rows."""
        return {"schema": 1, "verdict": "exact", "small": small, "seconds": 1.0,
                "rows": [convict.as_json(row) for row in rows]}

    def join(self, *runs: dict[str, object], words: tuple[str, ...] = ()
             ) -> tuple[int, str, dict[str, object]]:
        """Of these: exit status, what was printed, the document; a and b are all policies."""
        with TemporaryDirectory() as folder:
            files = [Path(folder, f"{number}.json") for number in range(len(runs))]
            for file, run in zip(files, runs):
                file.write_text(json.dumps(run))
            out = Path(folder, "out.json")
            command = ["convict", "--explorer", "x", "--kernel", "x", "--results", str(out),
                       "--join", *map(str, files), *words]
            text = io.StringIO()
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), \
                    mock.patch("sys.argv", command), mock.patch("convict.signal.signal"), \
                    mock.patch("convict.policies_of", return_value={"a": ["1"], "b": ["2"]}):
                status = convict.main()
            return status, text.getvalue(), json.loads(out.read_text()) if out.exists() else {}

    def test_missing(self) -> None:
        """A policy, an engine; what was not asked for does not lack."""
        rows = [Row(policy, engine, PASS) for policy in "ab" for engine in convict.ENGINES]
        status, text, document = self.join(self.run_of(*rows[:2]), self.run_of(*rows[2:]))
        self.assertEqual((status, document["verdict"]), (PASS, "exact"), text)
        for number, name in enumerate(("a by the explorer", "a by the sweep", "b by the explorer",
                                       "b by the sweep")):
            less = self.run_of(*rows[:number], *rows[number + 1:])
            status, text, document = self.join(less)
            self.assertEqual((status, document["verdict"]), (SHORT, "short"))
            self.assertIn(f"1 rows are missing, {name} first", text)
        self.assertEqual(self.join(self.run_of(*rows[:2]))[0], SHORT)
        self.assertEqual(self.join(self.run_of(*rows[:2]), words=("--policy", "a"))[0], PASS)
        by_sweep = self.run_of(rows[1], rows[3])
        self.assertEqual(self.join(by_sweep)[0], SHORT)
        self.assertEqual(self.join(by_sweep, words=("--engine", "sweep"))[0], PASS)
        wrong = Row("a", "sweep", convict.DIFFER, "why")
        self.assertEqual(self.join(self.run_of(wrong))[0], convict.DIFFER)

    def test_small(self) -> None:
        """Is what the files say; a mix is refused, and so are other files and policies."""
        rows = [[Row(policy, engine, PASS) for engine in convict.ENGINES] for policy in "ab"]
        small = [self.run_of(*part, small=True) for part in rows]
        status, text, document = self.join(*small)
        self.assertEqual((status, document["small"]), (PASS, True), text)
        table: tuple[tuple[str, list[dict[str, object]], tuple[str, ...]], ...] = (
            ("1.json: small False, but True in", [small[0], self.run_of(*rows[1])], ()),
            ("b is not asked for; valid: a", small, ("--policy", "a")),
            ("1.json: no result of this tool", [small[0], {"rows": []}], ()),
        )
        for message, runs, words in table:
            status, text, document = self.join(*runs, words=words)
            self.assertEqual((status, document), (convict.BAD_USE, {}), message)
            self.assertIn(message, text)
        with self.assertRaises(SystemExit) as end:
            self.join(*small, words=("--small",))
        self.assertEqual(end.exception.code, 2)


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
