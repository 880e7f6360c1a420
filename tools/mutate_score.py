# SPDX-License-Identifier: MIT
"""Results of mutants: which there have to be, their score, and several runs' together."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant, mutants_of

EXACT, BAD_USE, SHORT, DIFFER = 0, 2, 4, 5
WORDS = {EXACT: "pass", SHORT: "short", DIFFER: "fail"}
LEAST_KILLED, LEAST_KILLED_OF_ALL, LEAST_MUTANTS = 0.95, 0.80, 15
# Words of a result. Killed by the explorer, the sweep, the cost oracle; not counted.
KILLED = ("explorer", "sweep", "cost")
NOT_COUNTED = ("no C", "same code", "duplicate")
# The kinds that the small form takes, one mutant of each for each policy.
SMALL_KINDS = ("drop flush", "weaken", "restore", "answer")
# What a run did; results of runs that differ in it are not joined.
SETTINGS = ("small", "bounds", "targets", "larger", "swept", "most")


class JoinError(Exception):
    """The files are not parts of one run."""


@dataclass
class Result:
    """What became of a mutant, and why. number: which of its policy's."""
    mutant: Mutant
    word: str
    why: str = ""
    seconds: float = 0.0
    number: int = 0


def name_of(policy: str) -> str:
    """As the engines call it."""
    return policy.replace("_", "-")


def chosen(policy: str, small: bool, most: int, part_of: tuple[int, int] = (1, 1)
           ) -> list[tuple[int, Mutant]]:
    """All mutants of a policy, numbered; in the small form the first of some kinds; with MOST,
    spread evenly, and of these a part."""
    found = list(enumerate(mutants_of(policy)))
    if small:
        return [next(pair for pair in found if pair[1].operator == kind)
                for kind in SMALL_KINDS
                if any(mutant.operator == kind for _, mutant in found)]
    most = min(most or len(found), len(found))
    part, parts = part_of
    return [found[i * len(found) // most] for i in range(part - 1, most, parts)]


def ratio(part: int, whole: int) -> str:
    """As per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "n/a"


def print_policy(name: str, results: list[Result]) -> None:
    """One row, and each mutant that was not killed."""
    count = Counter(result.word for result in results)
    counted = sum(n for word, n in count.items() if word not in NOT_COUNTED)
    print(f"{name_of(name):<14}{counted:>8}{count['explorer']:>9}{count['sweep']:>6}"
          f"{count['cost']:>6}{count['equivalent']:>11}"
          f"{count['survivor'] + count['undecided']:>10}"
          f"{sum(count[word] for word in NOT_COUNTED):>12}"
          f"{sum(result.seconds for result in results):>9.0f}")
    for result in results:
        if result.word in ("survivor", "undecided", "equivalent"):
            print(f"  {result.word}: {result.mutant.place} {result.mutant.operator}: "
                  f"{result.mutant.what}"[:100])
            print(f"    {result.why}"[:100])
    sys.stdout.flush()


def verdict_of(results: list[Result], wanted: set[tuple[str, int]], small: bool) -> int:
    """Prints the score and says whether it is enough. WANTED: policy and number of each mutant that
    has to have a result, counted or not; one without is no pass, whatever the score."""
    policies = {policy for policy, _ in wanted}
    missing = sorted(wanted - {(result.mutant.policy, result.number) for result in results})
    counted = [result for result in results if result.word not in NOT_COUNTED]
    killed = sum(result.word in KILLED for result in counted)
    races = sum(result.word in KILLED[:2] for result in counted)
    real = len(counted) - sum(result.word == "equivalent" for result in counted)
    of_policy = Counter(result.mutant.policy for result in counted)
    least = min(of_policy.values(), default=0)
    enough = (set(of_policy) == policies and real > 0 and killed >= LEAST_KILLED * real
              and killed >= LEAST_KILLED_OF_ALL * len(counted))
    if not small and least < LEAST_MUTANTS:
        print(f"mutate: a policy has {least} mutants, {LEAST_MUTANTS} are wanted")
        enough = False
    if small and killed < len(counted):
        print("mutate: of the small form every mutant has to be killed")
        enough = False
    print(f"mutate: {killed} of {len(counted)} mutants killed ({ratio(killed, len(counted))}), "
          f"{races} of them as races;\n  of {real} that are not equivalent: {ratio(killed, real)}")
    if missing:
        print(f"mutate: {len(missing)} mutants have no result, of "
              f"{' '.join(dict.fromkeys(name_of(policy) for policy, _ in missing))}")
        return SHORT
    return EXACT if enough else DIFFER


def as_json(result: Result) -> dict[str, object]:
    """One mutant of the document."""
    mutant = result.mutant
    return {"policy": name_of(mutant.policy), "file": mutant.path, "line": mutant.line,
            "number": result.number, "operator": mutant.operator, "change": mutant.what,
            "result": result.word,
            "why": result.why, "seconds": round(result.seconds, 1)}


def run_of(file: Path) -> dict[str, Any]:
    """The document of an earlier run."""
    try:
        document: dict[str, Any] = json.loads(file.read_text())
        lacking = [key for key in (*SETTINGS, "slices", "mutants") if key not in document]
    except (OSError, ValueError, TypeError) as error:
        raise JoinError(f"--join {file}: cannot be read: {error}") from None
    if lacking:
        raise JoinError(f"--join {file}: does not say {', '.join(lacking)}: no result of this tool,"
                        " or of an older one")
    return document


def joined(files: list[Path], policies: list[str]
           ) -> tuple[dict[str, Any], list[str], list[Result]]:
    """Earlier runs as one: what they did, their slices, their results. A mutant that is in two of
    them counts once. Refused: a mix, mutants of another source, policies that are not asked for."""
    runs = {file: run_of(file) for file in files}
    settings = {key: runs[files[0]][key] for key in SETTINGS}
    sources = {name_of(policy): mutants_of(policy) for policy in policies}
    slices: list[str] = []
    found: dict[tuple[str, int], Result] = {}
    for file, run in runs.items():
        for key in SETTINGS:
            if run[key] != settings[key]:
                raise JoinError(f"--join {file}: {key} {run[key]}, but {settings[key]} in "
                                f"{files[0]}")
        slices += [part for part in run["slices"] if part not in slices]
        for entry in run["mutants"]:
            policy, number = key_of = entry["policy"], entry["number"]
            if policy not in sources:
                raise JoinError(f"--join {file}: {policy} is not asked for; valid: "
                                f"{' '.join(sources)}")
            mutant = sources[policy][number] if number < len(sources[policy]) else None
            if not mutant or (mutant.path, mutant.line, mutant.operator, mutant.what) != (
                    entry["file"], entry["line"], entry["operator"], entry["change"]):
                raise JoinError(f"--join {file}: mutant {number} of {policy} is another one now; "
                                "the source has changed")
            if key_of in found and found[key_of].word != entry["result"]:
                raise JoinError(f"--join {file}: mutant {number} of {policy}: {entry['result']}, "
                                f"but {found[key_of].word} in another file")
            found[key_of] = Result(mutant, entry["result"], entry["why"], entry["seconds"], number)
    return settings, slices, list(found.values())
