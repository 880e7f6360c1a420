#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of make convict without an engine, printed as TAP: what is less than was asked for."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from unittest import mock

import convict
from convict import PASS, SHORT
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


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
