#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of tools/zonecheck/patched.py, printed as TAP: code that is changed at boot. The doors are
in tests/zone/patched.asm; in each stands a DIV where the path must come, or must not."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from taprun import run_as_tap
from zone_doors import assemble
from zonecheck import report
from zonecheck.check import check
from zonecheck.describe import Description
from zonecheck.image import Image
from zonecheck.policies import configurations

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tests/zone/patched.asm"
TEMPLATE = (ROOT / "tests/zone/doors.toml").read_text("utf-8") + """
[patched]
alternatives = ["alternatives", "alternatives_end"]
labels = ["labels", "labels_end"]
thunks = "__x86_indirect_thunk_r[a-z0-9]+"
returns = "__x86_return_thunk"
unknown = "__SCT__.*"
"""
DIVISION = "an instruction that is not known to be harmless"


class PatchedTest(unittest.TestCase):
    """Every case of patched.asm, with what is decided at boot known and not known."""

    folder: TemporaryDirectory[str]
    elf: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.elf = Path(cls.folder.name) / "patched.elf"
        assemble(SOURCE, cls.elf)

    def said(self, name: str, features: dict[int, bool] | None = None,
             key: bool | None = None) -> list[str]:
        """What is said of a case."""
        text = TEMPLATE.replace('"CASE"', f'"case_{name}"').replace('"GS"', '"user"')
        for bit, present in (features or {}).items():
            text += f'[[features]]\nbit = {bit}\npresent = {str(present).lower()}\nreason = "x"\n'
        if key is not None:
            text += f'[[keys]]\nsymbol = "key"\non = {str(key).lower()}\nreason = "x"\n'
        path = Path(self.folder.name) / "case.toml"
        path.write_text(text, "utf-8")
        image = Image(self.elf)
        description = Description(path, image)
        result = check(description, configurations(description)[0])
        return [report.describe(image, violation) for violation in result.violations]

    def assert_divides(self, name: str, features: dict[int, bool] | None = None,
                       key: bool | None = None) -> None:
        """The path comes to the DIV, and nothing else is wrong but that the end may be missed."""
        said = [each for each in self.said(name, features, key) if "no path" not in each]
        self.assertEqual(len(said), 1, said)
        self.assertIn(DIVISION, said[0])
        self.assertIn(": div rcx", said[0])

    def assert_right(self, name: str, features: dict[int, bool] | None = None,
                     key: bool | None = None) -> None:
        """It does not."""
        self.assertEqual(self.said(name, features, key), [])

    def test_alternatives(self) -> None:
        """Both ways unless it is known whether the feature is there."""
        self.assert_divides("if_there")
        self.assert_divides("if_there", {5: True})
        self.assert_right("if_there", {5: False})
        self.assert_divides("if_absent")
        self.assert_divides("if_absent", {5: False})
        self.assert_right("if_absent", {5: True})

    def test_neighbours(self) -> None:
        """What follows a place that is left out is changed as well."""
        self.assert_divides("behind", {5: True})
        self.assert_divides("behind", {5: True, 6: True})
        self.assert_divides("behind", {5: False, 6: True})
        self.assert_right("behind", {5: True, 6: False})

    def test_labels(self) -> None:
        """Both ways unless it is known whether the key is on; bit 0 turns it round."""
        self.assert_divides("key")
        self.assert_divides("key", key=True)
        self.assert_right("key", key=False)
        self.assert_divides("key_reversed")
        self.assert_divides("key_reversed", key=False)
        self.assert_right("key_reversed", key=True)

    def test_thunks(self) -> None:
        """A thunk goes where its register says, and is a violation if nothing is known of it."""
        self.assert_divides("thunk")
        said = self.said("thunk_unknown")
        self.assertTrue(any("target that is not known" in each for each in said), said)

    def test_return(self) -> None:
        """A jump to the return thunk is a RET: what follows the call is reached."""
        self.assert_divides("return")

    def test_static_call(self) -> None:
        """A static call goes nobody knows where."""
        said = self.said("static_call")
        self.assertTrue(any("__SCT__hook, which is set at run time" in each for each in said), said)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules[__name__]))
