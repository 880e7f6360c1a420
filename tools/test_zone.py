#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of tools/zone.py, printed as TAP: doors that do one thing wrong, each of which has to be
reported with its file and line, doors that are right, and the arithmetic of what is known.

The doors are in tests/zone/doors.asm, with what has to be said of a line behind that line.
"""

from __future__ import annotations

import io
import itertools
import random
import re
import sys
import unittest
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import zone
from taprun import run_as_tap
from zone_doors import assemble
from zonecheck import report, values
from zonecheck.check import check
from zonecheck.describe import Description, DescriptionError
from zonecheck.image import Image
from zonecheck.policies import configurations
from zonecheck.values import Value

ROOT = Path(__file__).resolve().parent.parent
DOORS = ROOT / "tests/zone/doors.asm"
Two = dict[str, tuple[Callable[[Value, Value], Value], Callable[[int, int], int]]]
One = dict[str, tuple[Callable[[Value], Value], Callable[[int], int]]]
TEMPLATE = (ROOT / "tests/zone/doors.toml").read_text("utf-8")


def cases() -> dict[str, tuple[int, str]]:
    """Each case of doors.asm: the line that must be reported and what of it; 0 if none."""
    found: dict[str, tuple[int, str]] = {}
    name = ""
    for number, line in enumerate(DOORS.read_text("utf-8").splitlines(), 1):
        if match := re.match(r"CASE (\w+)", line):
            name = match[1]
            found.setdefault(name, (0, ""))
        if name and "; !" in line:
            found[name] = (number, line.partition("; !")[2].strip())
    return found


class DoorsTest(unittest.TestCase):
    """Every case of doors.asm, and descriptions that cannot be used."""

    folder: TemporaryDirectory[str]
    elf: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.elf = Path(cls.folder.name) / "doors.elf"
        assemble(DOORS, cls.elf)

    def described(self, name: str, gs: str = "user") -> Path:
        """A description with one case's door."""
        path = Path(self.folder.name) / f"{name}.toml"
        path.write_text(TEMPLATE.replace('"CASE"', f'"case_{name}"').replace('"GS"', f'"{gs}"'),
                        "utf-8")
        return path

    def found(self, name: str) -> list[str]:
        """What is said of a case."""
        gs = "unknown" if name.startswith("nmi") else "user"
        image = Image(self.elf)
        description = Description(self.described(name, gs), image)
        result = check(description, configurations(description)[0])
        return [report.describe(image, violation) for violation in result.violations]

    def test_doors(self) -> None:
        """What is reported is the line that is marked."""
        self.assertGreater(len(cases()), 25)
        for name, (line, text) in cases().items():
            with self.subTest(name):
                said = self.found(name)
                if not line:
                    self.assertEqual(said, [])
                    continue
                matching = [each for each in said if text in each]
                self.assertTrue(matching, said)
                self.assertIn(f"doors.asm:{line}", matching[0])

    def run_tool(self, *words: str) -> tuple[int, str]:
        """tools/zone.py's status and output."""
        output = io.StringIO()
        old, sys.argv = sys.argv, ["zone.py", *words]
        try:
            with redirect_stdout(output), redirect_stderr(output):
                return zone.main(), output.getvalue()
        finally:
            sys.argv = old

    def test_status(self) -> None:
        """0 for a pass, 5 for a violation, which stands in the text with its row."""
        status, text = self.run_tool(str(self.elf), "--zone", str(self.described("plain")))
        self.assertEqual(status, 0, text)
        self.assertIn("zone: pass (1 rows, 0 violations)", text)
        status, text = self.run_tool(str(self.elf), "--zone", str(self.described("divides")))
        self.assertEqual(status, 5, text)
        self.assertIn("zone: fail (1 rows, 1 violations)", text)

    def test_undecided(self) -> None:
        """What cannot be decided is no pass: it is listed, with a status of its own."""
        path = self.described("divides")
        path.write_text(path.read_text("utf-8") + '[[undecided]]\nwhat = "division"\n'
                        'says = "not known to be harmless"\nfunctions = "case_divides"\n', "utf-8")
        status, text = self.run_tool(str(self.elf), "--zone", str(path))
        self.assertEqual(status, 6, text)
        self.assertIn("not decided, division: 1 places, in functions: case_divides", text)
        self.assertIn("zone: undecided (1 rows, 0 violations, 1 places not decided)", text)
        path.write_text(path.read_text("utf-8").replace('functions = "case_divides"',
                                                        'functions = "case_plain"'), "utf-8")
        self.assertEqual(self.run_tool(str(self.elf), "--zone", str(path))[0], 5)

    def test_behind(self) -> None:
        """A function whose return is an end: what follows its call is not looked at."""
        path = self.described("behind")
        self.assertEqual(self.run_tool(str(self.elf), "--zone", str(path))[0], 5)
        path.write_text(path.read_text("utf-8").replace(
            'at = "zone_end"', 'behind = "tells"\nreason = "for the test"'), "utf-8")
        status, text = self.run_tool(str(self.elf), "--zone", str(path))
        self.assertEqual(status, 0, text)

    def test_matching(self) -> None:
        """Doors by a pattern of symbols; a pattern that matches none is refused."""
        path = self.described("plain")
        path.write_text(TEMPLATE.replace(
            'start = "CASE"', 'matching = "case_(plain|divides)"\nstack = 0x3000\n'
            'cs = "user"').replace('"GS"', '"user"'), "utf-8")
        status, text = self.run_tool(str(self.elf), "--zone", str(path))
        self.assertEqual(status, 5, text)
        self.assertIn("div", text)
        path.write_text(path.read_text("utf-8").replace("case_(", "nothing_("), "utf-8")
        status, text = self.run_tool(str(self.elf), "--zone", str(path))
        self.assertEqual(status, 2)
        self.assertIn("no symbol matches nothing_(", text)

    def test_no_end(self) -> None:
        """A zone whose end no path reaches proves nothing."""
        path = self.described("divides")
        path.write_text(path.read_text("utf-8").replace('at = "zone_end"', 'at = "case_plain"'),
                        "utf-8")
        status, text = self.run_tool(str(self.elf), "--zone", str(path))
        self.assertEqual(status, 5)
        self.assertIn("no path reaches case_plain", text)

    def test_bad_descriptions(self) -> None:
        """One message that says what is wrong."""
        plain = self.described("plain").read_text("utf-8")
        bad = {
            "title = 'x'\nsectoins = 1": "sectoins is not known; valid:",
            TEMPLATE.replace('"CASE"', '"nothing"'): "no symbol nothing",
            TEMPLATE.replace('writable = true', 'writeable = true'): "parts.writeable is not known",
            TEMPLATE.replace('reason = "for the test"', ''): "has no reason",
            plain + '[[loops]]\nin = "a"\nbound = "b"': "loops.in is 'a'; valid: a list",
            "title = ": "Invalid",
        }
        path = Path(self.folder.name) / "bad.toml"
        for text, message in bad.items():
            with self.subTest(message):
                path.write_text(text, "utf-8")
                status, said = self.run_tool(str(self.elf), "--zone", str(path))
                self.assertEqual(status, 2)
                self.assertIn(message, said)
        status, said = self.run_tool(str(DOORS))
        self.assertEqual(status, 2)
        self.assertIn("doors.asm", said)

    def test_unknown_entry(self) -> None:
        """An entry without what it needs is named."""
        path = self.described("plain")
        path.write_text(TEMPLATE.replace('start = "CASE"', ""), "utf-8")
        with self.assertRaisesRegex(DescriptionError, "doors has no table"):
            description = Description(path, Image(self.elf))
            check(description, configurations(description)[0])


class ValuesTest(unittest.TestCase):
    """Whatever the machine can compute from what the operands stand for is in the result."""

    @staticmethod
    def members(value: Value) -> list[int]:
        """The numbers that a small value stands for."""
        return [n for n in range(value.low, min(value.high, value.low + 300) + 1)
                if not n & value.zeros and n & value.ones == value.ones]

    @staticmethod
    def holds(value: Value, member: int) -> bool:
        """Whether VALUE stands for MEMBER."""
        return value.low <= member <= value.high and not member & value.zeros and \
            member & value.ones == value.ones

    def sample(self, source: random.Random) -> Value:
        """A value near an edge."""
        low = source.choice((0, 1, 5, 0x7f, 0x80, 0xff, 0xfff0, 0xfffffff0, values.MASK - 40))
        high = min(low + source.choice((0, 1, 3, 17, 40)), values.MASK)
        value = values.number(low, high, source.choice((0, 1, 4)), 0)
        return value if value.high - value.low < 300 else values.constant(low)

    def test_operations(self) -> None:
        """Two operands."""
        operations: Two = {
            "add": (values.add, lambda a, b: a + b),
            "subtract": (values.subtract, lambda a, b: a - b),
            "and": (lambda a, b: values.bit_and(a, b, {}), lambda a, b: a & b),
            "or": (values.bit_or, lambda a, b: a | b),
            "xor": (values.bit_xor, lambda a, b: a ^ b),
        }
        source = random.Random(1)
        for name, (abstract, concrete) in operations.items():
            for _ in range(150):
                one, other = self.sample(source), self.sample(source)
                result = abstract(one, other)
                for a, b in itertools.product(self.members(one)[:8], self.members(other)[:8]):
                    self.assertTrue(self.holds(result, concrete(a, b) & values.MASK),
                                    f"{name} {a:#x} {b:#x} of {one} {other}: {result}")

    def test_one_operand(self) -> None:
        """Shifts, complement, truncation, sign, multiples."""
        operations: One = {
            "shl": (lambda v: values.shift_left(v, 3), lambda a: a << 3),
            "shr": (lambda v: values.shift_right(v, 3), lambda a: a >> 3),
            "not": (values.bit_not, lambda a: ~a),
            "low byte": (lambda v: values.truncate(v, 1), lambda a: a & 0xff),
            "low half": (lambda v: values.truncate(v, 4), lambda a: a & 0xffffffff),
            "times 6": (lambda v: values.multiply(v, 6), lambda a: a * 6),
            "sign": (lambda v: values.signed(v, 1),
                     lambda a: (a & 0xff) - (0x100 if a & 0x80 else 0)),
        }
        source = random.Random(2)
        for name, (abstract, concrete) in operations.items():
            for _ in range(150):
                value = self.sample(source)
                result = abstract(value)
                for a in self.members(value)[:40]:
                    self.assertTrue(self.holds(result, concrete(a) & values.MASK),
                                    f"{name} {a:#x} of {value}: {result}")

    def test_joins(self) -> None:
        """join() and widen() hold both; widening ends."""
        source = random.Random(3)
        for _ in range(300):
            one, other = self.sample(source), self.sample(source)
            for result in (values.join(one, other), values.widen(one, other)):
                for member in self.members(one) + self.members(other):
                    self.assertTrue(self.holds(result, member))
        value, turns = values.constant(0), 0
        while (wider := values.widen(value, values.add(value, values.constant(1)))) != value:
            value, turns = wider, turns + 1
        self.assertLess(turns, 3)
        self.assertEqual(values.join(values.address("a", 0), values.address("b", 0)), values.ANY)
        self.assertEqual(values.join(values.address("a", 0), values.constant(0)), values.ANY)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules[__name__]))
