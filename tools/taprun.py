#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the unit tests of a module and prints them as TAP, which the test driver reads."""

from __future__ import annotations

import types
import unittest


class TapResult(unittest.TestResult):
    """Prints each result as a TAP line."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.faults = 0
        self.reason = ""        # why the test that runs is skipped

    def line(self, word: str, test: unittest.TestCase, fault: str = "") -> None:
        """One result, its explanation first."""
        self.number += 1
        for text in fault.strip().splitlines()[-8:]:
            print(f"# {text}")
        skip = f" # SKIP {self.reason}" if self.reason and word == "ok" else ""
        self.reason = ""
        print(f"{word} {self.number} - {test.id().removeprefix('__main__.')}{skip}", flush=True)

    def stopTest(self, test: unittest.TestCase) -> None:
        """The result of a test is known here, its sub-tests included."""
        super().stopTest(test)
        faults = self.failures + self.errors
        fresh, self.faults = faults[self.faults:] if len(faults) > self.faults else [], len(faults)
        self.line("not ok" if fresh else "ok", test, "\n".join(text for _, text in fresh))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """A skip is said as one, with its reason."""
        super().addSkip(test, reason)
        self.reason = reason


def run_as_tap(module: types.ModuleType) -> int:
    """Runs all tests of MODULE; the exit status."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}", flush=True)
    outcome = TapResult()
    suite.run(outcome)
    return 0 if outcome.wasSuccessful() else 1
