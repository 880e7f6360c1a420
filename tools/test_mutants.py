#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the mutation operators and of the score, printed as TAP."""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import mutants
import mutate
from mutants import Mutant, functions_of
from taprun import run_as_tap

SOURCE = """\
#include "x.h"
/* if (0) f(); */
struct s { u32 a; };
static bool ask(unsigned int cpu)
{
	if (!a && (b & ~MASK) == 2)
		return word_read(&x);
	return false;
}
static void go_nmi_exit(u64 saved)
{
	own_xchg(struct s, a, 1);
	flush_all();
	own_write(struct s, a, (u32)saved & 1);
}
const struct flush_policy policy_x = {
	.defers = true,
};
"""


def changes(operator: str) -> list[str]:
    """What SOURCE becomes where OPERATOR applies, the changed part only."""
    return [change.text for function in functions_of(SOURCE) for apply in mutants.OPERATORS
            for change in apply(SOURCE, function) if change.operator == operator]


class OperatorTest(unittest.TestCase):
    """Each operator finds its places, and only these."""

    def test_functions(self) -> None:
        """Bodies of functions; no structures, comments, initialisers."""
        self.assertEqual([f.name for f in functions_of(SOURCE)], ["ask", "go_nmi_exit"])

    def test_places(self) -> None:
        """Changes of the source above."""
        self.assertEqual(changes("compare"), ["!="])
        self.assertEqual(changes("logic"), ["", "||"])
        self.assertEqual(changes("condition"), ["0", "1"])
        self.assertEqual(changes("mask"), ["", "", ""])
        self.assertEqual(changes("answer"), ["!(word_read(&x))", "!(false)"])
        self.assertEqual(changes("restore"), ["0", "1"])
        self.assertEqual(changes("drop flush"), [";"])
        self.assertEqual(len(changes("drop store")), 2)
        self.assertEqual(len(changes("swap")), 2)
        self.assertIn("own_read(struct s, a); own_write(struct s, a, 1)", changes("weaken")[0])

    def test_lines_stay(self) -> None:
        """A mutant has as many lines as the original, and is another text."""
        for mutant in mutants.mutants_of("watching"):
            original = (mutants.ROOT / mutant.path).read_text()
            self.assertEqual(mutant.source.count("\n"), original.count("\n"), mutant.place)
            self.assertNotEqual(mutant.source, original, mutant.place)

    def test_policies(self) -> None:
        """Sound ones that defer; at least 15 places in each."""
        found = mutants.sound_policies()
        self.assertIn("ledger", found)
        for other in ("immediate", "state_bits", "posted_v4", "exit_flush", "cr3_drain"):
            self.assertNotIn(other, found)
        for policy in found:
            self.assertGreaterEqual(len(mutants.mutants_of(policy)), 15, policy)


class SweptTest(unittest.TestCase):
    """What an ending of the sweep says of a mutant."""

    MUTANT = Mutant("watching", "x.c", 1, "swap", "a", "b", "")

    def fate(self, status: int, stderr: str = "", stdout: str = "", word: str = "equivalent"
             ) -> tuple[str, str]:
        """Of a mutant that the explorer does not convict, when tools/sweep.py ends like that; it
        leaves a document if it would. WORD: what its costs say. A survivor is swept in pairs."""
        policy = mutate.Policy.__new__(mutate.Policy)
        policy.args = argparse.Namespace(no_sweep=False, bounds="st", larger="")
        policy.name, policy.costs = "watching", {"some": {}}
        policy.lock = threading.Lock()

        def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            if word == "survivor" and "--small" in command:
                return subprocess.CompletedProcess(command, 0, "", "")
            if status != 2:
                Path(command[command.index("--results") + 1]).write_text('{"why": "seen"}')
            return subprocess.CompletedProcess(command, status, stdout, stderr)

        with TemporaryDirectory() as folder, \
                mock.patch("mutate.explore", return_value=(0, "", {"explorations": []})), \
                mock.patch("mutate.subprocess.run", run), \
                mock.patch("mutate.cost_difference", return_value=(word, "")):
            result = policy.tried(self.MUTANT, mock.Mock(folder=Path(folder)))
        return result.word, result.why

    def test_endings(self) -> None:
        """Only the end with nothing seen lets a mutant go on; only a difference convicts."""
        self.assertEqual(self.fate(0), ("equivalent", ""))
        self.assertEqual(self.fate(5), ("sweep", "seen"))
        for status in (1, 2, 3, 4, 137, -9):
            self.assertEqual(self.fate(status, "a\nlast\n", "table"),
                             ("undecided", f"sweep ended with {status}: last"))
            self.assertEqual(self.fate(status, "last", word="survivor")[0], "undecided")
        self.assertEqual(self.fate(0, word="survivor"), ("survivor", ""))
        self.assertEqual(self.fate(5, word="survivor"), ("sweep", "seen"))
        self.assertEqual(self.fate(4, "", "head\n  error: timeout\n"),
                         ("undecided", "sweep ended with 4: error: timeout"))
        self.assertEqual(self.fate(-9), ("undecided", "sweep ended with -9: "))


class ScoreTest(unittest.TestCase):
    """What is enough and what is not."""

    def verdict(self, **counts: int) -> int:
        """Of so many mutants of one policy with each word."""
        mutant = Mutant("watching", "x.c", 1, "swap", "a", "b", "")
        results = [mutate.Result(mutant, word.replace("_", " ")) for word, n in counts.items()
                   for _ in range(n)]
        with contextlib.redirect_stdout(io.StringIO()):
            return mutate.verdict_of(results, 1, False)

    def test_scores(self) -> None:
        """95 % of what is not equivalent, 80 % of all, 15 at least."""
        self.assertEqual(self.verdict(explorer=19, survivor=1), 0)
        self.assertEqual(self.verdict(explorer=18, survivor=2), 5)
        self.assertEqual(self.verdict(explorer=19, undecided=2), 5)
        self.assertEqual(self.verdict(explorer=10, sweep=5, cost=5, equivalent=5), 0)
        self.assertEqual(self.verdict(explorer=20, equivalent=6), 5)
        self.assertEqual(self.verdict(explorer=14), 5)
        self.assertEqual(self.verdict(same_code=20), 5)
        self.assertEqual(self.verdict(), 5)

    def test_costs(self) -> None:
        """More, less, the same."""
        def costs(kinds: str, flushes: list[int]) -> dict[str, dict[str, object]]:
            zero = {cost: [0, 0, 0] for cost in mutate.COSTS}
            return {"1 s enter": {**zero, "kinds": kinds, "flush_all": flushes}}

        old = costs("a", [0, 1, 10])
        self.assertEqual(mutate.cost_difference(old, old)[0], "equivalent")
        self.assertEqual(mutate.cost_difference(old, costs("b", [0, 1, 11]))[0], "cost")
        self.assertEqual(mutate.cost_difference(old, costs("b", [0, 2, 9]))[0], "cost")
        self.assertEqual(mutate.cost_difference(old, costs("b", [0, 0, 0]))[0], "survivor")
        self.assertEqual(mutate.cost_difference(old, costs("b", [0, 1, 9]))[0], "survivor")
        self.assertEqual(mutate.cost_difference(old, costs("b", [0, 1, 10]))[0], "equivalent")


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
