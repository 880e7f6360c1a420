#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the tools that boot, judge and count results, printed as TAP.

A consumer of test results that lets something slip makes every other test worthless, so most cases
here are streams and boots that must not pass.
"""

from __future__ import annotations

import io
import sys
import types
import unittest
import zlib
import xml.etree.ElementTree as xml
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import boot
import machine
import mkiso
import qr
import run
import tap
from machine import Machine, MachineError
from taprun import run_as_tap

ROOT = Path(__file__).resolve().parent.parent


def words(text: str) -> str:
    """The results of a TAP text as letters: p, f, s."""
    return "".join(point.word[0] for point in tap.parse(text.splitlines()))


class QrTest(unittest.TestCase):
    """The text of a QR code: whole or refused."""

    HEAD = "LATEFLUSH/1\nA CPU\nnone uefi 3/4 512 2000000 nx,pcid\ntlbi=a b\n"
    ROW = "/WATCHING+N4:1:P:A:B:0:3F:2:-:-:" + ":".join(["1Z"] * 18)

    def test_good(self) -> None:
        """Names, numbers and what is unknown."""
        found = qr.read_text(self.HEAD + "F" + self.ROW + "/BROADCAST:2:S/$2")
        self.assertEqual(found["verdict"], "fail")
        self.assertEqual(found["machine"]["cpus_started"], 3)
        self.assertEqual([name for name in qr.FEATURES if found["machine"][name]],
                         ["pcid", "nx"])
        row, skipped = found["policies"]
        self.assertEqual((row["name"], row["flushes"], row["phase2_flushes"]),
                         ("watching+N4", 10, 11))
        self.assertEqual((row["syscall_instructions"], row["sums"]["stale"],
                          row["sums"]["unexplained"]), (123, None, 71))
        self.assertEqual((skipped["name"], skipped["verdict"], skipped["ran"]),
                         ("broadcast", "skip", False))

    def test_bad(self) -> None:
        """What is not whole."""
        whole = self.HEAD + "P" + self.ROW + "/$1"
        qr.read_text(whole)
        for text in ("", "LATEFLUSH/1", whole[:-1], whole[:-3], whole.replace("/$1", "/$2"),
                     whole.replace("LATEFLUSH/1", "LATEFLUSH/2"), whole.replace(":1Z/", "/"),
                     whole.replace(":P:", ":X:"), whole.replace("1Z", "1_"),
                     whole.replace("3/4", "3")):
            with self.assertRaises(qr.QrError, msg=text):
                qr.read_text(text)

    def test_document(self) -> None:
        """RFC 9285's own examples; a document whole, cut short, or with one character misread."""
        for text, data in (("BB8", b"AB"), ("%69 VD92EX0", b"Hello!!"), ("UJCLQE7W581", b"base-45"),
                           ("QED8WEX0", b"ietf!"), ("", b"")):
            self.assertEqual(qr.from_base45(text), data)
        packed = zlib.compress(b'{"experiment": "ipi", "records": [1, 2, 3]}')
        digits = "".join(
            "".join(qr.BASE45[int.from_bytes(packed[at:at + 2], "big") // 45 ** place % 45]
                    for place in range(len(packed[at:at + 2]) + 1))
            for at in range(0, len(packed), 2))
        whole = qr.DOCUMENT_MARK + digits
        self.assertEqual(qr.read_text(whole + "\n"), {"experiment": "ipi", "records": [1, 2, 3]})
        for at in range(len(qr.DOCUMENT_MARK), len(whole)):
            for text in (whole[:at], whole[:at] + ("0" if whole[at] != "0" else "1")
                         + whole[at + 1:], whole[:at] + "a" + whole[at + 1:]):
                with self.assertRaises(qr.QrError, msg=text):
                    qr.read_text(text)

    def test_another_result(self) -> None:
        """A code that differs from the document in one number is noticed."""
        found = qr.read_text(self.HEAD + "P" + self.ROW + "/$1")
        cpu = {key: 71 for key in qr.SUMS} | {"isolated": True, "stale": None, "nmi_stale": None}
        policy = {"name": "watching+N4", "roots": 1, "verdict": "pass", "ran": True,
                  "flushes": 10, "phase2_flushes": 11, "held_pages": 0,
                  "syscall_instructions": 123,
                  "cpus": [cpu, dict.fromkeys(qr.SUMS, 0) | {"isolated": True}]}
        document = {"machine": dict(found["machine"], memory_bytes=512 << 20),
                    "verdict": "pass", "policies": [policy]}
        self.assertEqual(qr.faults_of(found, document), [])
        cpu["lost"] = 70
        self.assertEqual(len(qr.faults_of(found, document)), 1)


class TapTest(unittest.TestCase):
    """The TAP and KTAP consumer."""

    GOOD = {
        "plain": ("1..2\nok 1 - a\nok 2 - b", "pp"),
        "no dashes, no numbers": ("1..2\nok a\nok b", "pp"),
        "log lines between": ("noise\n1..1\nlateflush: x\nok 1 a\n# Totals: pass:7", "p"),
        "carriage returns": ("1..1\r\nok 1 a\r\n", "p"),
        "skip": ("1..2\nok 1 a # SKIP no PCID\nok 2 b", "sp"),
        "cmocka's skip": ("1..1\nnot ok 1 # SKIP name", "s"),
        "known failure": ("1..1\nnot ok 1 a # TODO later", "s"),
        "expected failure": ("1..1\nnot ok 1 a # XFAIL emulator", "s"),
        "unexpected success": ("1..1\nok 1 a # TODO later", "p"),
        "everything skipped": ("1..0 # SKIP no such CPU", "s"),
        "two groups": ("1..1\nok 1 a\n1..2\nok 1 a\nok 2 b", "ppp"),
        "nested": ("KTAP version 1\n1..2\n  KTAP version 1\n  1..2\n  ok 1 a\n  ok 2 b\n"
                   "ok 1 suite\nok 2 leaf", "ppp"),
        "nested twice": ("1..1\n  1..1\n    1..1\n    ok 1 x\n  ok 1 inner\nok 1 outer", "p"),
        "nested failure": ("1..1\n  1..2\n  ok 1 a\n  not ok 2 b\nnot ok 1 suite", "pf"),
    }
    BAD = {
        "nothing": ("", "f"),
        "no plan": ("ok 1 a", "pf"),
        "plan at the end": ("ok 1 a\n1..1", "pff"),
        "too few": ("1..3\nok 1 a\nok 2 b", "ppf"),
        "too many": ("1..1\nok 1 a\nok 2 b", "ppf"),
        "empty plan": ("1..0", "f"),
        "not ok": ("1..1\nnot ok 1 a", "f"),
        "wrong number": ("1..2\nok 1 a\nok 3 b", "pfp"),
        "twice the same": ("1..2\nok 1 a\nok 1 a", "pfp"),
        "bail out": ("1..2\nok 1 a\nBail out! no memory\nok 2 b", "pf"),
        "second plan too early": ("1..2\nok 1 a\n1..1\nok 1 a", "pfp"),
        "subtests too few": ("1..1\n  1..2\n  ok 1 a\nok 1 suite", "pf"),
        "subtests without plan": ("1..1\n  ok 1 a\nok 1 suite", "pf"),
        "subtests without result": ("1..1\n  1..1\n  ok 1 a", "pff"),
        "ok over no subtests": ("1..1\n  1..0 # SKIP x\nok 1 suite\nok 2 y", "spf"),
        "subtest fails, suite says ok": ("1..1\n  1..1\n  not ok 1 a\nok 1 suite", "f"),
        "suite fails, subtests pass": ("1..1\n  1..1\n  ok 1 a\nnot ok 1 suite", "pf"),
    }

    def test_streams_that_hold(self) -> None:
        """Complete streams give exactly their leaves."""
        for name, (text, expected) in self.GOOD.items():
            with self.subTest(name):
                self.assertEqual(words(text), expected)

    def test_streams_that_must_not_pass(self) -> None:
        """Whatever is missing or contradicts itself fails."""
        for name, (text, expected) in self.BAD.items():
            with self.subTest(name):
                points = tap.parse(text.splitlines())
                self.assertEqual("".join(p.word[0] for p in points), expected)
                self.assertEqual(tap.exit_status(points), 1)

    def test_names_and_reasons(self) -> None:
        """A failure carries its path and its diagnostics."""
        points = tap.parse("1..1\n  # Subtest: suite\n  1..2\n  # expected 3\n  not ok 1 a\n"
                           "  ok 2 b # SKIP no PCID\nnot ok 1 suite".splitlines())
        self.assertEqual([(p.name, p.word, p.why) for p in points],
                         [("suite: a", "fail", "expected 3"), ("suite: b", "skip", "no PCID")])

    def test_cut_short(self) -> None:
        """A suite that a crash cut short is named, and its last messages are kept."""
        points = tap.parse("KTAP version 1\n1..2\n    KTAP version 1\n    # Subtest: tlb\n"
                           "    1..2\n    ok 1 a\npanic: page fault".splitlines())
        self.assertEqual([p.name for p in points], ["tlb: a", "tlb: plan", "tlb: result", "plan"])
        self.assertIn("page fault", points[1].why)

    def test_summary(self) -> None:
        """The last line of a test run, in both shapes."""
        two = [tap.Point("a", "pass"), tap.Point("b", "fail")]
        self.assertEqual(tap.summary(two), "1 passed, 1 failed")
        self.assertEqual(tap.summary(two + [tap.Point("c", "skip")]),
                         "1 passed, 1 failed, 1 skipped")
        self.assertEqual(tap.exit_status([tap.Point("c", "skip")]), 1)
        self.assertEqual(tap.exit_status([tap.Point("c", "pass")]), 0)

    def test_junit(self) -> None:
        """The XML has every point under its suite, and survives odd characters."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "junit.xml")
            tap.write_junit(path, {"s": [tap.Point("a<b", "pass"), tap.Point("c", "fail", "x & y"),
                                         tap.Point("d", "skip", "why")]})
            suite = xml.parse(path).getroot()[0]
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")),
                         ("3", "1", "1"))
        self.assertEqual([case.get("name") for case in suite], ["a<b", "c", "d"])


def result(lines: str, status: int, **more: object) -> boot.BootResult:
    """A boot's result as a test wants it."""
    return boot.BootResult("qemu", status=status, lines=lines.splitlines(), **more)  # type: ignore


class TaprunTest(unittest.TestCase):
    """What unittest found, as TAP."""

    def test_words(self) -> None:
        """A skipped test is no pass, nor is what fails before it is skipped."""
        class Inner(unittest.TestCase):
            """Named in the order in which they run."""

            def test_1(self) -> None:
                """Skipped."""
                self.skipTest("no loop device here")

            def test_2(self) -> None:
                """Passes; the reason of the one before is not its own."""

            def test_3(self) -> None:
                """Fails."""
                self.fail("so it is")

            def test_4(self) -> None:
                """Fails in a part and is skipped in the rest."""
                with self.subTest(part=1):
                    self.fail("so it is")
                self.skipTest("the rest")

        module = types.ModuleType("inner")
        setattr(module, "Inner", Inner)
        out = io.StringIO()
        with redirect_stdout(out):
            status = run_as_tap(module)
        self.assertEqual((words(out.getvalue()), status), ("spff", 1))
        self.assertIn("# SKIP no loop device here\n", out.getvalue())


class JudgeTest(unittest.TestCase):
    """What a boot's end means."""

    def test_both_witnesses(self) -> None:
        """Each word with its exit status, and every disagreement."""
        for status, word in ((33, "pass"), (35, "fail"), (37, "error"), (39, "panic"),
                             (41, "refused")):
            line = f"lateflush: verdict: {word}"
            self.assertEqual(boot.judge(result(line, status)).word, word)
            self.assertEqual(boot.judge(result("", status)).word, "error")
            self.assertEqual(boot.judge(result(line, 0)).word, "error")
            for other in (33, 35, 37, 39, 41):
                if other != status:
                    self.assertEqual(boot.judge(result(line, other)).word, "error")

    def test_no_verdict(self) -> None:
        """A reset, a signal and a limit are not errors of the kernel's telling."""
        self.assertEqual(boot.judge(result("lateflush: boot", 0)).word, "crash")
        self.assertIn("SIGSEGV", boot.judge(result("x", -11)).why)
        late = boot.judge(result("lateflush: storm", 0, timed_out=True, limit=120.0))
        self.assertEqual(late.word, "timeout")
        self.assertIn("lateflush: storm", late.why)
        passed_late = result("lateflush: verdict: pass", 33, timed_out=True)
        self.assertEqual(boot.judge(passed_late).word, "timeout")

    def test_verdict_line_is_exact(self) -> None:
        """Only the line itself counts, and the last one."""
        self.assertEqual(result("policy: lateflush: verdict: pass", 33).verdict, "")
        self.assertEqual(result("lateflush: verdict: passed", 33).verdict, "")
        self.assertEqual(result("lateflush: verdict: pass\nlateflush: verdict: fail", 35).verdict,
                         "fail")

    def test_bochs_has_the_line_only(self) -> None:
        """Its exit status means nothing."""
        self.assertEqual(boot.judge(boot.BootResult(
            "bochs", status=1, lines=["lateflush: verdict: pass"])).word, "pass")
        self.assertEqual(boot.judge(boot.BootResult("bochs", status=0)).word, "crash")

    def test_garbled(self) -> None:
        """Noise on the line is called noise."""
        noise = boot.clean(bytes(range(128, 200)))
        self.assertIn("garbled", boot.how_it_ended(result(noise, 0)))

    def test_escapes(self) -> None:
        """What GRUB sends to a terminal leaves no trace."""
        self.assertEqual(boot.clean(b"\x1b[H\x1b[J\x1b[1;1Hlateflush\r"), "lateflush")


PLAIN = Machine(kernel=Path("kernel.elf"), media="kernel")
TESTS = Machine(kernel=Path("kernel.elf"), media="kernel", cmdline="run=test")


class DocumentTest(unittest.TestCase):
    """The document from port 0xe9."""

    def test_faults(self) -> None:
        """Absent, cut short, not JSON, of another opinion: each is said."""
        self.assertIn("no JSON", run.complain_about_document(" \n", "pass"))
        self.assertIn("cannot be read", run.complain_about_document('{"schema": 1,', "pass"))
        self.assertIn("schema", run.complain_about_document('{"schema": 7}', "pass"))

    def test_experiment(self) -> None:
        """The experiment's name out of a command line."""
        self.assertEqual(run.experiment_of("tlbi=x run=storm,n=3"), "storm")
        self.assertEqual(run.experiment_of("tlbi=x"), "")

    def test_a_pass_needs_its_document(self) -> None:
        """Without it a pass becomes an error; tests and null runs have none."""
        good = result("lateflush: verdict: pass", 33)
        with TemporaryDirectory() as folder:
            self.assertEqual(run.conclude(good, PLAIN, Path(folder)).word, "error")
            self.assertFalse(Path(folder, "run.json").exists())
            self.assertEqual(run.conclude(good, TESTS, Path(folder)).word, "pass")
            torn = run.conclude(result("lateflush: verdict: fail", 33), PLAIN, Path(folder))
            self.assertIn("exit status 33 says pass", torn.why)

    def test_folder(self) -> None:
        """Old results are kept once."""
        with TemporaryDirectory() as folder:
            results = Path(folder, "results")
            for number in range(3):
                run.fresh_folder(results)
                (results / "number").write_text(str(number))
            self.assertEqual(Path(folder, "results.old/number").read_text(), "1")


class MachineTest(unittest.TestCase):
    """Configurations and what is refused."""

    KERNEL = Path("kernel.elf")
    REFUSED = (dict(engine="vbox"), dict(machine="isapc"), dict(firmware="coreboot"),
               dict(media="floppy"), dict(accel="hvf"), dict(cpus=0), dict(cpus=256),
               dict(engine="bochs", cpus=9), dict(engine="bochs", firmware="uefi"),
               dict(engine="bochs", media="usb"), dict(engine="bochs", gdb_port=1),
               dict(media="kernel", firmware="uefi"), dict(media="cd", iso=None))

    def test_refused(self) -> None:
        """Every impossible combination, with a text that names the variable."""
        for more in self.REFUSED:
            with self.subTest(more), self.assertRaises(MachineError):
                machine.check(Machine(**({"kernel": self.KERNEL, "iso": Path("x.iso")} | more)))

    def test_another_qemu(self) -> None:
        """Named and missing; CPUs far off have APIC ids from the second socket's on."""
        with TemporaryDirectory() as folder:
            with self.assertRaises(MachineError) as caught:
                machine.command(replace(PLAIN, qemu="/nowhere/qemu"), Path(folder))
            self.assertIn("/nowhere/qemu", str(caught.exception))
        far = machine.processors(replace(PLAIN, cpus=3, far_ids=True))
        self.assertEqual(far.count("-device"), 2)
        self.assertIn("socket-id=1,core-id=1", far[-1])

    def test_numbers(self) -> None:
        """Sizes and counts as make gives them."""
        self.assertEqual([machine.parse_mem(t) for t in ("64", "64M", "8G", "1g")],
                         [64, 64, 8192, 1024])
        for text in ("", "0", "31", "x", "1T", "-1", "1.5G", "2048G"):
            with self.subTest(text), self.assertRaises(MachineError):
                machine.parse_mem(text)
        for text in ("", "0", "-1", "four", "1,2"):
            with self.subTest(text), self.assertRaises(MachineError):
                machine.parse_cpus(text)

    def test_every_command_has_an_exit(self) -> None:
        """No configuration of QEMU lacks the exit device, port 0xe9 or -no-reboot."""
        with TemporaryDirectory() as folder:
            for media in ("cd", "usb", "kernel"):
                m = Machine(kernel=self.KERNEL, iso=Path("x.iso"), media=media)
                words_of = machine.command(m, Path(folder))
                self.assertIn("isa-debug-exit,iobase=0xf4,iosize=4", words_of)
                self.assertIn("-no-reboot", words_of)
                self.assertIn("-debugcon", words_of)
            endless = Machine(kernel=self.KERNEL, media="kernel", endless=True)
            self.assertNotIn("isa-debug-exit", " ".join(machine.command(endless, Path(folder))))

    def test_menu_quoting(self) -> None:
        """GRUB sees the words as they are; what it cannot pass on is refused."""
        self.assertEqual(mkiso.quote("a=b;c  run=x,$y"), "'a=b;c' 'run=x,$y'")
        self.assertEqual(mkiso.quote(""), "")
        for text in ("it's", 'a"b', "a\\b", "a\tb", "caf\u00e9"):
            with self.subTest(text), self.assertRaises(mkiso.IsoError):
                mkiso.quote(text)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
