#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of `make peer` without a Linux: what its process 1 prints, and what the archive says.
Printed as TAP."""

from __future__ import annotations

import io
import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import peer
import peer_packages
from bench import SKIPPED
from peer_packages import LeftOut
from schemas import complaint_of
from taprun import run_as_tap

SERIAL = """\
SeaBIOS
peer: kernel: 6.1.0-56-amd64
peer: pti: off
peer: isolated: 2-3
peer: nohz_full: 2-3
peer: before: CAL:        126        437         66         67   Function call interrupts
peer: before: TLB:          0          1          0          0   TLB shootdowns
peer: after: CAL:        126        729        266        267   Function call interrupts
peer: after: TLB:          0          1          0          2   TLB shootdowns
peer: ready"""
GETPID = [{"what": "isolated CPU", "instructions": 700}]


class SerialTest(unittest.TestCase):
    """What the Linux prints."""

    def test_good(self) -> None:
        """Differences by CPU; the document fits its schema and has them."""
        seen = peer.parse(SERIAL.splitlines())
        self.assertEqual(seen, peer.Seen("6.1.0-56-amd64", False, [0, 292, 200, 200],
                                         [0, 0, 0, 2]))
        document = peer.document_of(seen, 200, "isolcpus=2-3", GETPID)
        self.assertEqual(complaint_of(document, peer.SCHEMA), "")
        cpus = document["peer"]["cpus"]
        self.assertEqual([cpu["isolated"] for cpu in cpus], [False, False, True, True])
        self.assertEqual((cpus[3]["function_calls"], cpus[3]["tlb_shootdowns"]), (200, 2))

    def test_pti(self) -> None:
        """On only if it says so."""
        text = SERIAL.replace("pti: off", "pti: on")
        self.assertTrue(peer.parse(text.splitlines()).pti)

    def test_bad(self) -> None:
        """Each thing that is absent, there twice, short, or not in force is named."""
        cases = (("peer: after: CAL", "peer: later: CAL", "CAL"),
                 ("peer: before: TLB", "peer: TLB", "TLB"),
                 ("       266        267", "", "CAL has not 4"),
                 ("       266 ", "        65 ", "went down"),
                 ("isolated: 2-3", "isolated: ", "isolated is empty"),
                 ("nohz_full: 2-3", "nohz_full: (null)", "nohz_full is"),
                 ("SeaBIOS", "peer: kernel: 6.2", "kernel: said 2 times"),
                 ("peer: ready", "peer: failed: mount: no", "failed: mount"))
        for before, after, words in cases:
            self.assertEqual(SERIAL.count(before), 1, before)
            with self.subTest(words), self.assertRaises(peer.PeerError) as caught:
                peer.parse(SERIAL.replace(before, after).splitlines())
            self.assertIn(words, str(caught.exception))

    def test_schema(self) -> None:
        """A row without an isolated CPU or without purges is none."""
        document = peer.document_of(peer.parse(SERIAL.splitlines()), 200, "x", GETPID)
        document["peer"]["purges"] = 0
        self.assertIn("purges", complaint_of(document, peer.SCHEMA))
        document["peer"]["purges"] = 1
        for cpu in document["peer"]["cpus"]:
            cpu["isolated"] = False
        self.assertIn("cpus", complaint_of(document, peer.SCHEMA))


class LeftOutTest(unittest.TestCase):
    """Without a kernel there is no row, and no pass."""

    def test_dependencies(self) -> None:
        """The kernel's own packages out of what apt-cache prints."""
        text = ("linux-headers-6.1.0-56-amd64\n  Depends: linux-headers-6.1.0-56-common\n"
                "  Depends: linux-kbuild-6.1\n    linux-kbuild-6.1\n  Depends: libc6\n"
                "  Recommends: linux-doc\n")
        self.assertEqual(peer_packages.dependencies(text),
                         ["linux-headers-6.1.0-56-common", "linux-kbuild-6.1"])

    def test_no_tool(self) -> None:
        """Not on Debian: it says which tool is missing."""
        with TemporaryDirectory() as folder, \
                mock.patch("peer_packages.TOOLS", ("no-such-tool-here",)):
            with self.assertRaisesRegex(LeftOut, "no no-such-tool-here on this machine"):
                peer_packages.fetch(Path(folder))

    def test_failing_tool(self) -> None:
        """What a program says last is the reason; one that does not end is ended."""
        here = Path(".")
        with self.assertRaisesRegex(LeftOut, "cannot: Could not resolve"):
            peer_packages.ask(["sh", "-c", "echo a >&2; echo Could not resolve >&2; exit 100"],
                              here, 10, "cannot")
        with self.assertRaisesRegex(LeftOut, "has not ended"):
            peer_packages.ask(["sleep", "9"], here, 0.1, "cannot")

    def test_status(self) -> None:
        """Skipped in words and by its status; nothing is written."""
        with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), \
                redirect_stderr(io.StringIO()) as said, \
                mock.patch("peer.fetch", side_effect=LeftOut("no network")), \
                mock.patch("sys.argv", ["peer.py", "--work", folder, "--results", folder]):
            self.assertEqual(peer.main(), SKIPPED)
            self.assertEqual(list(Path(folder).iterdir()), [])
        self.assertEqual(said.getvalue(), "peer: skipped, no row is written: no network\n")


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
