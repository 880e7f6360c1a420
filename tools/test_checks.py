#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the checkers, the bench, the counter and the second opinion on a run, printed as TAP.

Each checker is shown something wrong and has to say so; the bench is given cases that fail, hang,
raise or vanish and may lose none of them.
"""

from __future__ import annotations

import argparse
import copy
import io
import sys
import threading
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import baseline
import bench
import check_includes
import check_panics
import check_text
import count
import count_steps
import debug
import facts
import gdb_remote
import screen
import tap
from bench import Bench, Case
from tap import Point
from taprun import run_as_tap

PASSED = [Point("", "pass")]


class IncludeTest(unittest.TestCase):
    """Imports run downwards."""

    GOOD = (("kernel/a.c", "mm/vmalloc.h"), ("mm/a.c", "arch/x86_64/tlb.h"),
            ("boot/a.c", "boot/boot_info.h"), ("boot/a.c", "arch/x86_64/log.h"),
            ("tests/host/test_a.c", "kernel/options.h"), ("mm/policy/a.c", "mm/policy/ops.h"))
    BAD = (("mm/a.c", "kernel/options.h"), ("arch/x86_64/a.c", "mm/frames.h"),
           ("arch/x86_64/a.c", "kernel/task.h"), ("boot/a.c", "arch/x86_64/tlb.h"),
           ("boot/a.c", "mm/frames.h"), ("kernel/a.c", "tests/kernel/test.h"),
           ("user/a.c", "kernel/task.h"))

    @staticmethod
    def faults(path: str, text: str) -> list[str]:
        """With every header there, but nosuch.h."""
        return check_includes.faults_of(path, text, lambda target: "nosuch" not in target)

    def test_direction(self) -> None:
        """Down is fine, up is not."""
        for path, target in self.GOOD:
            self.assertEqual(self.faults(path, f'#include "{target}"'), [])
        for path, target in self.BAD:
            self.assertEqual(len(self.faults(path, f'#include "{target}"')), 1, (path, target))

    def test_paths(self) -> None:
        """Paths from the root, freestanding headers, the generated file."""
        self.assertEqual(len(self.faults("mm/a.c", '#  include "mm/nosuch.h"')), 1)
        self.assertEqual(len(self.faults("mm/a.c", "#include <stdio.h>")), 1)
        self.assertEqual(self.faults("mm/a.c", "#include <stdarg.h>"), [])
        self.assertEqual(self.faults("tests/host/a.c", "#include <stdio.h>"), [])
        self.assertEqual(self.faults("boot/a.asm", '%include "offsets.inc"'), [])


class TextTest(unittest.TestCase):
    """Text files."""

    HEAD = b"/* SPDX-License-Identifier: MIT */\n"

    def test_faults(self) -> None:
        """One of each kind."""
        bad = (b"int x;\n", self.HEAD + b"int x;", self.HEAD + b"int x; \n",
               self.HEAD + b"x" * 101 + b"\n", self.HEAD + b"\t" * 12 + b"12345\n",
               self.HEAD + "caf\u00e9\n".encode(), self.HEAD + b"/* TO" + b"DO: later */\n")
        for data in bad:
            with self.subTest(data):
                self.assertEqual(len(check_text.faults_of("kernel/a.c", data)), 1)
        self.assertEqual(check_text.faults_of("kernel/a.c", self.HEAD + b"\tint x;\n"), [])
        self.assertEqual(check_text.faults_of("README.md", b"x" * 200 + b"\n"), [])


class BenchTest(unittest.TestCase):
    """No case vanishes."""

    @staticmethod
    def run_cases(*cases: Case) -> dict[str, list[Point]]:
        """Quietly."""
        with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
            return Bench(Path(folder)).run_all(list(cases))

    def test_bad_cases(self) -> None:
        """Raising and returning nothing are failures."""
        def raising(folder: Path) -> list[Point]:
            raise OSError("gone")
        found = self.run_cases(Case("g", "raises", raising), Case("g", "empty", lambda folder: []),
                               Case("g", "good", lambda folder: PASSED))
        self.assertEqual([found[f"g: {name}"][0].word for name in ("raises", "empty", "good")],
                         ["fail", "fail", "pass"])

    def test_needs(self) -> None:
        """What a case needs decides for it if it did not pass."""
        ran = []
        for word in ("fail", "skip", "pass"):
            first = Case("build", word, lambda folder, word=word: [Point("", word, "why")])
            then = Case("boot", word, lambda folder, word=word: ran.append(word) or PASSED,
                        needs=f"build: {word}")
            self.assertEqual(self.run_cases(first, then)[f"boot: {word}"][0].word, word)
        self.assertEqual(ran, ["pass"])

    def test_weight(self) -> None:
        """Heavy cases run alone, and are not overtaken for ever."""
        running: list[int] = []
        most: list[int] = []
        lock = threading.Lock()

        def case(weight: int) -> object:
            def run(folder: Path) -> list[Point]:
                with lock:
                    running.append(weight)
                    most.append(sum(running))
                threading.Event().wait(0.02)
                with lock:
                    running.remove(weight)
                return PASSED
            return run
        cases = [Case("g", str(n), case(1 + n % 2), weight=1 + n % 2)  # type: ignore
                 for n in range(8)]
        self.run_cases(*cases)
        self.assertLessEqual(max(most), bench.CORES)
        self.assertEqual(len(most), 8)

    def test_commands(self) -> None:
        """Exit status, limit, and TAP that its own exit status belies."""
        with TemporaryDirectory() as folder:
            path = Path(folder)

            def words(points: list[Point]) -> str:
                return "".join(point.word[0] for point in points)
            self.assertEqual(words(bench.command_point(["true"], path, 5, path)), "p")
            self.assertEqual(words(bench.command_point(["false"], path, 5, path)), "f")
            skip = ["sh", "-c", "echo because; exit 77"]
            self.assertEqual(bench.command_point(skip, path, 5, path)[0].why, "because")
            self.assertEqual(words(bench.command_point(["sh", "-c", "exit 77"], path, 5, path)),
                             "f")
            self.assertEqual(words(bench.command_point(["sleep", "9"], path, 0.1, path)), "f")
            shell = ["sh", "-c", "echo 1..1; echo ok 1 a; exit $CODE"]
            self.assertEqual(words(bench.tap_points(shell, path, 5, path, {"CODE": "0"})), "p")
            self.assertEqual(words(bench.tap_points(shell, path, 5, path, {"CODE": "1"})), "pf")
            hung = ["sh", "-c", "echo 1..1; echo ok 1 a; sleep 9"]
            self.assertEqual(words(bench.tap_points(hung, path, 0.5, path)), "pf")


def cpu(number: int, isolated: bool, **more: int) -> dict[str, object]:
    """A CPU of a document, idle in every respect."""
    names = ("tlbi_ipis tlbi_callbacks raced_ipis deferrable_ipis phase2_callbacks other_irqs nmis "
             "nmis_sent kernel_entries phase2_entries "
             "deferred drained phase2_deferred phase2_drained "
             "owed_entries spurious_drains warm canary_checks nmi_checks stale nmi_stale lost "
             "lost_in_nmi unexplained sent_callbacks sent_ipis sent_coalesced received_callbacks "
             "received_ipis").split()
    return {name: 0 for name in names} | {"cpu": number, "isolated": isolated} | more


def document() -> dict[str, object]:
    """A comparison in which all is well."""
    seen = {"warm": 200, "canary_checks": 300, "nmis": 150, "nmis_sent": 150, "nmi_checks": 120}
    immediate = cpu(2, True, tlbi_ipis=990, tlbi_callbacks=1000, phase2_callbacks=500,
                    kernel_entries=991, sent_callbacks=1500, received_callbacks=1500,
                    sent_ipis=1480, sent_coalesced=20, received_ipis=1480, **seen)
    deferring = cpu(2, True, deferred=1000, drained=1, owed_entries=600, kernel_entries=1,
                    raced_ipis=3, phase2_deferred=497, phase2_callbacks=3, sent_callbacks=3,
                    received_callbacks=3, sent_ipis=3, received_ipis=3, **seen)
    policies = [
        {"name": name, "roots": 1, "claims": [], "defers": name != "immediate", "eager": False,
         "broadcast": False, "ran": True, "nmi_load": True, "verdict": "pass", "reason": "",
         "flushes": 1000, "phase2_flushes": 500, "corrupted": 0, "cpus": [cpu(0, False), entry]}
        for name, entry in (("immediate", immediate), ("state-bits", deferring))]
    return {"policies": policies}


def row_of(changed: dict[str, object], name: str) -> dict[str, Any]:
    """A policy of a document by its name."""
    policies: Any = changed["policies"]
    return next(policy for policy in policies if policy["name"] == name)


class FactsTest(unittest.TestCase):
    """The second opinion on a run."""

    WRONG = (("immediate", "tlbi_callbacks", 999), ("immediate", "tlbi_ipis", 0),
             ("immediate", "tlbi_ipis", 1001), ("immediate", "phase2_callbacks", 499),
             ("immediate", "drained", 1), ("immediate", "stale", 1), ("immediate", "warm", 199),
             ("immediate", "kernel_entries", 992), ("immediate", "received_ipis", 1479),
             ("immediate", "sent_coalesced", 19), ("immediate", "other_irqs", 1),
             ("state-bits", "tlbi_ipis", 1), ("state-bits", "tlbi_callbacks", 1),
             ("state-bits", "deferrable_ipis", 1), ("state-bits", "deferred", 999),
             ("state-bits", "drained", 0), ("state-bits", "drained", 2),
             ("state-bits", "raced_ipis", 2), ("state-bits", "kernel_entries", 2),
             ("state-bits", "owed_entries", 499), ("state-bits", "stale", 1),
             ("state-bits", "canary_checks", 199), ("state-bits", "nmis", 149),
             ("state-bits", "nmis_sent", 151), ("state-bits", "nmi_checks", 99),
             ("state-bits", "nmi_stale", 1), ("state-bits", "spurious_drains", 1),
             ("state-bits", "lost", 1), ("state-bits", "unexplained", 1))

    def test_good(self) -> None:
        """The document as it should be, and what it sums to."""
        self.assertEqual(facts.faults_of(document()), [])
        self.assertEqual(facts.total_of(document(), "warm"), 400)

    def test_wrong_counts(self) -> None:
        """Each single count, off by one, is seen."""
        for name, field, number in self.WRONG:
            with self.subTest(f"{name}: {field} = {number}"):
                changed = copy.deepcopy(document())
                entry = row_of(changed, name)["cpus"][1]
                entry[field] = number
                self.assertTrue(facts.faults_of(changed))
                del entry[field]
                self.assertEqual(facts.faults_of(changed), [f"the document has no field {field!r}"])

    def test_too_little(self) -> None:
        """Few flushes, no isolated CPU, no second policy."""
        for change in (lambda d: d["policies"][0].update(flushes=499),
                       lambda d: d["policies"][0]["cpus"].pop(),
                       lambda d: d["policies"].pop(),
                       lambda d: d["policies"][1].update(corrupted=1),
                       lambda d: d["policies"][1].update(verdict="fail"),
                       lambda d: d["policies"][0]["cpus"][0].update(lost=1),
                       lambda d: d["policies"].append(copy.deepcopy(d["policies"][1]))):
            changed = copy.deepcopy(document())
            change(changed)
            self.assertTrue(facts.faults_of(changed))

    def test_claims(self) -> None:
        """A finding is covered by a claim of its context and its effect, by no other."""
        claim = {"id": "N4", "context": "nmi", "effect": "stale"}
        for fields, holds in (({"nmi_stale": 7}, True), ({"stale": 1}, False),
                              ({"lost": 2, "lost_in_nmi": 2}, False), ({"lost": 1}, False)):
            changed = document()
            row = row_of(changed, "state-bits")
            row["claims"] = [claim]
            row["cpus"][1].update(fields)
            self.assertEqual(not facts.faults_of(changed), holds, fields)
        changed = document()
        row = row_of(changed, "state-bits")
        row.update(corrupted=3, claims=[{"id": "N2", "context": "process", "effect": "stale"}])
        self.assertEqual(facts.faults_of(changed), [])

    def test_nmi_load(self) -> None:
        """Off: no NMIs, and none are asked for."""
        changed = document()
        row = row_of(changed, "state-bits")
        row["nmi_load"] = False
        self.assertTrue(facts.faults_of(changed))
        row["cpus"][1].update(nmis=0, nmis_sent=0, nmi_checks=0)
        self.assertEqual(facts.faults_of(changed), [])

    def test_eager(self) -> None:
        """A policy that flushes at every entry promises nothing about drains."""
        changed = document()
        row = row_of(changed, "state-bits")
        row["cpus"][1]["spurious_drains"] = 5
        self.assertTrue(facts.faults_of(changed))
        row["eager"] = True
        self.assertEqual(facts.faults_of(changed), [])
        row["cpus"][1].update(drained=0, owed_entries=0, phase2_entries=499)
        self.assertTrue(facts.faults_of(changed))
        row["cpus"][1]["phase2_entries"] = 500
        self.assertEqual(facts.faults_of(changed), [])

    def test_rows(self) -> None:
        """The same policy with two roots, one that was skipped, and a broadcast."""
        changed: dict[str, Any] = document()
        two = copy.deepcopy(row_of(changed, "state-bits"))
        two["roots"] = 2
        two["cpus"][1].update(stale=None, nmi_stale=None, warm=0)
        changed["policies"].append(two)
        self.assertEqual(facts.faults_of(changed), [])
        two["roots"] = 1
        two["name"] = "watching"
        self.assertEqual(len(facts.faults_of(changed)), 2)   # stale null, not warm
        two.update(name="broadcast", broadcast=True, defers=False)
        two["cpus"] = [cpu(0, False), cpu(2, True, kernel_entries=1, warm=200, canary_checks=300,
                                          nmi_checks=120)]
        self.assertEqual(facts.faults_of(changed), [])
        two["cpus"][1]["drained"] = 1
        self.assertTrue(facts.faults_of(changed))
        two.update(verdict="skip", ran=False, reason="CPUID has no INVLPGB", cpus=[])
        self.assertEqual(facts.faults_of(changed), [])
        two["reason"] = ""
        self.assertTrue(facts.faults_of(changed))


class PanicTest(unittest.TestCase):
    """Which texts a test shows, and exceptions that are none."""

    TEXTS = {"CPU %u has not finished within %lu ms: %s": "a.c:1", "slab %s: %p is none": "b.c:2",
             "run=x needs 3 CPUs or more: one, and two": "c.c:3"}

    def test_shown(self) -> None:
        """The longest part, or a part that is this text's alone."""
        texts = list(self.TEXTS)
        for said, shown in (("CPU 2 has not finished within 5 ms", [0]), ("is none", [1]),
                            ("needs 3 CPUs", [2]), ("CPU", []), ("another text", [])):
            self.assertEqual([n for n, text in enumerate(texts)
                              if check_panics.is_shown(text, texts, [said])], shown, said)

    def test_literals(self) -> None:
        """What a pattern demands as it stands."""
        self.assertEqual([part for part in check_panics.literals(
            r"^panic on CPU [012]: cross\-call of .* \+x: \d+ (a|b)$") if part],
                         ["panic on CPU ", ": cross-call of ", " +x: ", " ", "a", "b"])

    def test_faults(self) -> None:
        """A text that nothing shows; exceptions that are not needed, of no text, or bare."""
        said = ["has not finished within", "is none"]
        reason = "a good reason"
        self.assertEqual(len(check_panics.faults_of(self.TEXTS, said, {})), 1)
        good = {"run=x needs": reason}
        self.assertEqual(check_panics.faults_of(self.TEXTS, said, good), [])
        for bad in ({"slab %s": reason}, {"gone text": reason}):
            self.assertEqual(len(check_panics.faults_of(self.TEXTS, said, good | bad)), 1, bad)
        self.assertEqual(len(check_panics.faults_of(self.TEXTS, said, {"run=x needs": ""})), 1)

    def test_kernel(self) -> None:
        """Both kinds of calls are found, over several lines."""
        texts = check_panics.texts_of_kernel()
        for text in ("stop_cpus: %u of %u other CPUs stopped within %lu s",
                     "run=scale needs 2 isolated CPUs or more"):
            self.assertIn(text, texts)


class CountTest(unittest.TestCase):
    """The instruction counter."""

    def test_steady(self) -> None:
        """Calls that differ give no count, even if they are of one length."""
        self.assertEqual(count_steps.steady("p", [[1, 2]] * 20), [1, 2])
        for traces in ([[1, 2], [1, 2, 3]], [[1, 2], [1, 3]], []):
            with self.assertRaises(count.CountError):
                count_steps.steady("p", traces)

    def test_limits(self) -> None:
        """Both limits, and a difference that has no base."""
        calls = {("immediate", 1): 100, ("state-bits", 1): 116}
        self.assertEqual(count.complaints(calls, 116, 16), [])
        self.assertEqual(len(count.complaints(calls, 115, 16)), 1)
        self.assertEqual(len(count.complaints(calls, 116, 15)), 1)
        del calls["immediate", 1]
        self.assertEqual(len(count.complaints(calls, 0, 15)), 1)
        self.assertEqual(count.complaints(calls, 0, -1), [])

    def test_rows(self) -> None:
        """Names of rows; what cannot be one."""
        self.assertEqual([count.parse_row(text) for text in ("a", "a/2", "cr3-flag")],
                         [("a", 1), ("a", 2), ("cr3-flag", 2)])
        for text in ("", "a/3", "/2"):
            with self.assertRaises(argparse.ArgumentTypeError):
                count.parse_row(text)

    def test_halves(self) -> None:
        """Which addresses are the kernel's."""
        self.assertTrue(count_steps.in_kernel(0xffffffff80000000))
        self.assertFalse(count_steps.in_kernel(0x00007fffffffefff))


class BaselineTest(unittest.TestCase):
    """What a change of a count does."""

    ROWS = {("immediate", 1): dict(zip(count_steps.OPERATIONS, (100, 200, 50, 300, 400, 500))),
            ("ledger", 2): dict(zip(count_steps.OPERATIONS, (101, 201, 51, 301, 401, 501)))}

    def test_there_and_back(self) -> None:
        """What is written is read."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "counts")
            baseline.write(path, baseline.Baseline("GNU C 1", self.ROWS))
            self.assertEqual(baseline.read(path), baseline.Baseline("GNU C 1", self.ROWS))

    def test_committed(self) -> None:
        """The committed one has every row that is counted by default."""
        committed = baseline.read(Path(__file__).parent / "counts.baseline")
        self.assertEqual(set(committed.numbers), set(count.ROWS))

    def test_differences(self) -> None:
        """2 % are let pass, more are not, up or down, in each operation of each row."""
        before = baseline.Baseline("c", self.ROWS)
        for row, numbers in self.ROWS.items():
            for operation, number in numbers.items():
                for apart, found in ((0.02, 0), (-0.02, 0), (0.021, 1), (-0.021, 1)):
                    changed = copy.deepcopy(self.ROWS)
                    step = int(number * apart) if not found else int(number * apart) + (
                        1 if apart > 0 else -1)
                    changed[row][operation] = number + step
                    texts = baseline.differences(before, baseline.Baseline("c", changed))
                    self.assertEqual(len(texts), found, (row, operation, step))
                    self.assertTrue(not found or operation in texts[0])
        fresh = baseline.Baseline("c", {("new", 1): self.ROWS["immediate", 1]})
        self.assertEqual(baseline.differences(before, fresh),
                         ["new with one root: not in the baseline"])

    def test_status(self) -> None:
        """Within: 0. Apart: 1. Of another compiler: nothing was compared, which is no pass."""
        with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), \
                redirect_stderr(io.StringIO()):
            path = Path(folder, "counts")
            baseline.write(path, baseline.Baseline("c", self.ROWS))
            changed = copy.deepcopy(self.ROWS)
            changed["ledger", 2]["interrupt"] += 9
            for other, status in ((baseline.Baseline("c", self.ROWS), 0),
                                  (baseline.Baseline("c", changed), 1),
                                  (baseline.Baseline("d", self.ROWS), bench.SKIPPED)):
                self.assertEqual(count.against_baseline(path, other), status)

    def test_broken(self) -> None:
        """Absent, not a baseline, a row cut short or there twice: each is named."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "counts")
            baseline.write(path, baseline.Baseline("c", self.ROWS))
            good = path.read_text()
            for text in (None, "", "x\ny\nz\n", good.rstrip()[:-4], good + "b 1 2 3 4 5 6 x\n",
                         good + good.splitlines()[-1] + "\n"):
                path.unlink(missing_ok=True)
                if text is not None:
                    path.write_text(text)
                with self.assertRaises(baseline.BaselineError) as caught:
                    baseline.read(path)
                self.assertIn(str(path), str(caught.exception))


class RemoteTest(unittest.TestCase):
    """gdb's protocol, without a stub."""

    def test_packets(self) -> None:
        """Framing, partial packets, acknowledgements in between, a wrong checksum."""
        self.assertEqual(gdb_remote.frame(b"g"), b"$g#67")
        buffer = bytearray(b"+$OK#9")
        self.assertIsNone(gdb_remote.take_packet(buffer))
        buffer += b"a$g#67"
        self.assertEqual(gdb_remote.take_packet(buffer), b"OK")
        self.assertEqual(gdb_remote.take_packet(buffer), b"g")
        self.assertIsNone(gdb_remote.take_packet(buffer))
        with self.assertRaises(gdb_remote.RemoteError):
            gdb_remote.take_packet(bytearray(b"$OK#00"))

    def test_ports(self) -> None:
        """A free port is one."""
        self.assertGreater(gdb_remote.free_port(), 1023)


class ScreenTest(unittest.TestCase):
    """Reading a screen."""

    TEXT = [f"line {n} {{|}}~" for n in range(12)]

    def picture(self, lines: list[str], spoil: bool = False) -> bytes:
        """A PPM of these lines, drawn from the font by code that is not the kernel's."""
        font = {char: bits for bits, char in screen.glyphs(screen.FONT.read_bytes()).items()}
        columns = max(map(len, lines))
        data = bytearray()
        for line in lines:
            for y in range(screen.CELL_HEIGHT):
                for char in line.ljust(columns):
                    for x in range(screen.CELL_WIDTH):
                        data += (b"\xb8" if font[char][y] << x & 0x80 else b"\0") * 3
        if spoil:
            data[30] ^= 0xff
        return b"P6\n%d %d\n255\n" % (columns * 8, len(lines) * 16) + data

    def test_picture(self) -> None:
        """Every printable character comes back; one pixel that is off is seen."""
        psf = screen.FONT.read_bytes()
        lines = ["".join(map(chr, range(32, 127))).rstrip()] + self.TEXT
        self.assertEqual(screen.text_of_picture(self.picture(lines), psf), lines)
        self.assertIn("?", screen.text_of_picture(self.picture(self.TEXT, True), psf)[0])

    def test_vga(self) -> None:
        """Characters and colours."""
        memory = b"".join(bytes([code, 7]) for code in b"ab".ljust(80) + b" " * 80 * 24)
        self.assertEqual(screen.text_of_vga(memory), ["ab"] + [""] * 24)

    def test_difference(self) -> None:
        """The screen ends as the serial output does, or it is told where not."""
        long = ["early", "x" * 100] + self.TEXT
        self.assertEqual(screen.difference(long, ["x" * 50] + self.TEXT + ["", ""]), "")
        self.assertEqual(screen.difference(long, self.TEXT[1:]), "")
        for rows in ([], self.TEXT[3:], self.TEXT[:-1], self.TEXT[:5] + ["?"] + self.TEXT[6:]):
            self.assertTrue(screen.difference(long, rows))


class DebugTest(unittest.TestCase):
    """The self test of `make gdb` cannot pass by saying nothing."""

    def test_empty_output(self) -> None:
        """Without output every check fails."""
        self.assertFalse(any(holds for _, holds in debug.checks("", 4)))
        self.assertEqual(tap.exit_status(tap.parse([])), 1)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
