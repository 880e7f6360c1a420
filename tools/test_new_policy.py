#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of what NEW=FILE refuses before anything is compiled, printed as TAP."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from new_policy import NewPolicyError, name_of
from taprun import run_as_tap

ROOT = Path(__file__).resolve().parent.parent
ONE = "const struct flush_policy policy_{} = {{\n"


class NewPolicyTest(unittest.TestCase):
    """A file's policy has a name, or one message says why not."""

    def setUp(self) -> None:
        folder = TemporaryDirectory(prefix="lateflush-")  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "mine.c")

    def refused(self, words: str, pattern: str) -> None:
        """WORDS have to be refused with a message that matches."""
        with self.assertRaisesRegex(NewPolicyError, pattern):
            name_of(words)

    def test_names(self) -> None:
        """The files of tests/policies are taken, each under its own name."""
        for path in sorted((ROOT / "tests/policies").glob("*.c")):
            self.assertEqual(name_of(str(path)), path.stem)

    def test_no_file(self) -> None:
        """What is no C file, or several words, or in the tree."""
        self.refused("a b", "without blanks")
        self.refused("$(reboot)", "without blanks")
        self.refused("/nowhere/x.c", "no such file")
        self.refused(str(ROOT / "Makefile"), r"valid: a policy's C file")
        self.refused(str(ROOT / "mm/policy/watching.c"), "in the tree already")

    def test_no_policy(self) -> None:
        """None, two, or one whose name is taken."""
        self.path.write_text("int x;\n")
        self.refused(str(self.path), "defines no policy")
        self.path.write_text("static " + ONE.format("mine"))
        self.refused(str(self.path), "defines no policy")
        self.path.write_text(ONE.format("mine") + "};\n" + ONE.format("yours"))
        self.refused(str(self.path), "2 policies .mine, yours.")
        self.path.write_text(ONE.format("state_bits"))
        self.refused(str(self.path), "is the name of state_bits.c's policy")


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
