#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the mutation operators and of the score, printed as TAP."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import signal
import subprocess
import sys
import threading
import unittest
from itertools import chain
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

    def fate(self, status: int, stderr: str = "", stdout: str = "", word: str = "equivalent",
             explored: int = 0) -> tuple[str, str]:
        """Of a mutant, when tools/sweep.py ends with STATUS; it leaves a document if it would.
        WORD: what its costs say. A survivor is swept in pairs. EXPLORED: the explorer's status."""
        policy = mutate.Policy.__new__(mutate.Policy)
        policy.args = argparse.Namespace(no_sweep=False, bounds="st", targets="", larger="")
        policy.name, policy.costs = "watching", {"some": {}}
        policy.lock = threading.Lock()

        def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            if word == "survivor" and "--small" in command:
                return subprocess.CompletedProcess(command, 0, "", "")
            if status != 2:
                Path(command[command.index("--results") + 1]).write_text('{"why": "seen"}')
            return subprocess.CompletedProcess(command, status, stdout, stderr)

        with TemporaryDirectory() as folder, \
                mock.patch("mutate.explore", return_value=(explored, "", {"explorations": []})), \
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

    def test_targets(self) -> None:
        """What only targets() shows is explored, too, in bounds of its own, if there are any."""
        def explore(_program: Path, _policy: str, bounds: str, *more: str
                    ) -> tuple[int, str, dict[str, object]]:
            return (5 if more else 0), f"{bounds} {more}", {"explorations": []}

        policy = mutate.Policy.__new__(mutate.Policy)
        policy.name = "watching"
        with mock.patch("mutate.explore", explore):
            for targets, result in (("m", (5, "m ('-m',)", {})), ("", (0, "st ()", {}))):
                policy.args = argparse.Namespace(bounds="st", targets=targets)
                self.assertEqual(policy.explored(Path("explore")), result)

    def test_panics(self) -> None:
        """One that names a rule convicts, any other says nothing."""
        rule, other = (f"  error: tlbi=x run=sweep: panic: {text}" for text in
                       ("R7: x: CPU 0 lags behind purge 3 after a full flush", "CPU 1 is late"))
        self.assertEqual(self.fate(4, "", rule), ("sweep", rule.strip()))
        self.assertEqual(self.fate(4, "", other)[0], "undecided")

    def test_explorer_endings(self) -> None:
        """A hook that ends the explorer is convicted; an explorer that is ended is not."""
        for signal_number, word in ((signal.SIGILL, "explorer"), (signal.SIGFPE, "explorer"),
                                    (signal.SIGSEGV, "explorer"), (signal.SIGKILL, "undecided"),
                                    (signal.SIGXCPU, "undecided")):
            self.assertEqual(self.fate(0, explored=-signal_number)[0], word, signal_number)


class ScoreTest(unittest.TestCase):
    """What is enough and what is not."""

    def verdict(self, **counts: int) -> int:
        """Of so many mutants of one policy with each word."""
        mutant = Mutant("watching", "x.c", 1, "swap", "a", "b", "")
        results = [mutate.Result(mutant, word.replace("_", " "), number=number)
                   for number, word in enumerate(chain(*([word] * n for word, n in
                                                         counts.items())))]
        wanted = {("watching", number) for number in range(max(len(results), 1))}
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(mutate.verdict_of(results, wanted | {("watching", 99)}, False), 4)
            self.assertEqual(mutate.verdict_of(results, wanted | {("ledger", 0)}, False), 4)
            return mutate.verdict_of(results, wanted, False)

    def test_scores(self) -> None:
        """95 % of what is not equivalent, 80 % of all, 15 at least."""
        self.assertEqual(self.verdict(explorer=19, survivor=1), 0)
        self.assertEqual(self.verdict(explorer=18, survivor=2), 5)
        self.assertEqual(self.verdict(explorer=19, undecided=2), 5)
        self.assertEqual(self.verdict(explorer=10, sweep=5, cost=5, equivalent=5), 0)
        self.assertEqual(self.verdict(explorer=20, equivalent=6), 5)
        self.assertEqual(self.verdict(explorer=14), 5)
        self.assertEqual(self.verdict(same_code=20), 5)
        self.assertEqual(self.verdict(), 4)

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


class JoinTest(unittest.TestCase):
    """Runs together are a pass only if nothing is missing."""

    POLICIES = ["watching", "cr3_pending"]

    @staticmethod
    def run_of(policies: list[str], part: tuple[int, int], **other: object) -> dict[str, object]:
        """The document of a run in which the explorer killed all of its slice."""
        entries = [mutate.as_json(mutate.Result(mutant, "explorer", number=number))
                   for policy in policies
                   for number, mutant in mutate.chosen(policy, False, 20, part)]
        return {"schema": 1, "small": False, "bounds": "dst", "targets": "m", "larger": "av",
                "swept": True,
                "most": 20, "slices": ["{}/{}".format(*part)], "mutants": entries} | other

    def join(self, *runs: dict[str, object], words: tuple[str, ...] = ()
             ) -> tuple[int, str, dict[str, object]]:
        """Of these: exit status, what was printed, the document; POLICIES are all there are."""
        with TemporaryDirectory() as folder:
            files = [Path(folder, f"{number}.json") for number in range(len(runs))]
            for file, run in zip(files, runs):
                file.write_text(json.dumps({k: v for k, v in run.items() if v != "absent"}))
            out = Path(folder, "out.json")
            command = ["mutate", "--kernel-cc", "", "--kernel-ld", "", "--host-cc", "", "--build",
                       folder, "--results", str(out), "--join", *map(str, files), *words]
            text = io.StringIO()
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), \
                    mock.patch("sys.argv", command), mock.patch("mutate.signal.signal"), \
                    mock.patch("mutate.sound_policies", return_value=self.POLICIES):
                status = mutate.main()
            return status, text.getvalue(), json.loads(out.read_text()) if out.exists() else {}

    def test_whole(self) -> None:
        """All slices of all policies; the document says what the files say, and joins again."""
        first, second, third = (self.run_of(self.POLICIES, (part, 3), bounds="d", swept=False)
                                for part in (1, 2, 3))
        status, text, document = self.join(first, second, third)
        self.assertEqual((status, document["verdict"]), (0, "pass"), text)
        self.assertEqual([document[key] for key in ("small", "bounds", "targets", "larger",
                                                    "swept", "most", "slices")],
                         [False, "d", "m", "av", False, 20, ["1/3", "2/3", "3/3"]])
        status, text, document = self.join(first, second)
        self.assertEqual((status, document["slices"]), (4, ["1/3", "2/3"]), text)
        self.assertEqual(self.join(document, third, third)[0], 0)

    def test_missing(self) -> None:
        """A slice, a policy, one mutant."""
        whole = self.run_of(self.POLICIES, (1, 1))
        self.assertEqual(self.join(whole)[0], 0)
        status, text, document = self.join(self.run_of(self.POLICIES, (1, 3)))
        self.assertEqual((status, document["verdict"]), (4, "short"))
        self.assertIn("26 mutants have no result, of cr3-pending watching", text)
        one = self.run_of(["watching"], (1, 1))
        status, text, _ = self.join(one)
        self.assertEqual(status, 4)
        self.assertIn("20 mutants have no result, of cr3-pending", text)
        self.assertEqual(self.join(one, words=("--policy", "watching"))[0], 0)
        whole["mutants"].pop()                                      # type: ignore[attr-defined]
        status, text, _ = self.join(whole)
        self.assertEqual(status, 4)
        self.assertIn("1 mutants have no result", text)

    def refused(self, text: str, *runs: dict[str, object], words: tuple[str, ...] = ()) -> None:
        """With a message that has TEXT in it; nothing is written."""
        status, message, document = self.join(*runs, words=words)
        self.assertEqual((status, document), (2, {}))
        self.assertIn(text, message)

    def test_refused(self) -> None:
        """What are no parts of one run."""
        first, second = (self.run_of(self.POLICIES, (part, 2)) for part in (1, 2))
        self.assertEqual(self.join(first, second)[0], 0)
        for key, value in (("small", True), ("bounds", "s"), ("targets", ""), ("larger", ""),
                           ("swept", False), ("most", 0)):
            self.refused(f"1.json: {key} {value}, but ", first, second | {key: value})
        self.refused("does not say swept, slices", first | {"swept": "absent", "slices": "absent"})
        self.refused("cr3-pending is not asked for; valid: watching", first,
                     words=("--policy", "watching"))
        entry = first["mutants"][0]                                 # type: ignore[index]
        for other in ({"line": 1}, {"change": "a -> b"}, {"number": 999}):
            self.refused("the source has changed", first | {"mutants": [entry | other]})
        self.refused("survivor, but explorer in another file", first,
                     first | {"mutants": [entry | {"result": "survivor"}]})
        with self.assertRaises(SystemExit) as end:
            self.join(first, words=("--small",))
        self.assertEqual(end.exception.code, 2)


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
