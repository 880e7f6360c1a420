# SPDX-License-Identifier: MIT
"""What the explorer has to say of policies and of its controls, within its small bounds."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tap import Point

LIMIT = 600.0
# Name, words of its command line, exit status, what a line of its output has to match.
EXPLORATIONS: tuple[tuple[str, list[str], int, str], ...] = (
    ("findings are the claims", ["-b", "tu"], 0, r"^watching +2 +t "),
    ("a deferred flush of page tables", ["-p", "watching", "-r", "1", "-b", "T"], 5,
     r"process, stale, breaks R1: not claimed"),
    ("an initiator defers its own flush", ["-p", "N2", "-r", "1", "-b", "u"], 0,
     "process, lost, breaks R4: claimed as N2"),
    ("ends at what no claim covers", ["-p", "control-disturbs", "-e", "-b", "tu"], 5,
     "ended at what no claim covers"),
    ("one after the other, for costs", ["-p", "ledger", "-b", "s"], 0, "^ledger +2 +s "),
    ("cut short is no pass", ["-p", "watching", "-b", "t", "-n", "1000"], 4, "INCOMPLETE"),
    ("no such policy", ["-p", "nonsense"], 2, "nonsense: no policy has that name"),
    # What a purge asks where nobody watches each answer, as in every count of instructions.
    ("asked about all at once", ["-m", "-b", "m"], 0, "^ledger +2 +m "),
    ("control: targets() leaves somebody out", ["-p", "control-forgets", "-m", "-b", "m"], 5,
     "process, lost, .*not claimed"),
    ("control: that one is sound by need_ipi()", ["-p", "control-forgets", "-b", "m"], 0,
     "^control-forgets"),
    ("control: targets() names who sits in ring 3", ["-p", "control-asks-all", "-m", "-b", "m"], 5,
     "process, disturbed"),
    ("control: sound", ["-p", "control-sound", "-b", "tu"], 0, "^control-sound"),
    ("control: an IPI to ring 3", ["-p", "control-disturbs", "-b", "t"], 5, "process, disturbed"),
    ("control: a hook without an end", ["-p", "control-endless", "-b", "t"], 5, "process, stuck"),
    ("control: a hook that loops without an operation", ["-p", "control-idling", "-b", "d"], 2,
     "control-idling: a hook does not end, and carries out no operation"),
    ("control: released too early", ["-p", "control-releases", "-b", "t"], 5,
     "process, stale, breaks R7"),
    ("control: a claim that is not found", ["-p", "control-claims", "-b", "tu"], 5,
     "process, lost: claimed as X0, NOT FOUND"),
)

# Explored in full, too: broken in different ways, and sound.
FINDING = re.compile(r"^  (\w+, \w+)(?:, breaks \w+)?: (claimed as \w+|not)", re.MULTILINE)
REDUCED = ("N5", "N8", "watching")
# Two initiators, bound v; generation is told of flushes, quarantine asks who lags.
PAIRED = ("N2", "N4", "watching", "generation", "quarantine")


def explore(program: Path, words: list[str], log: Path) -> tuple[int, str]:
    """Exit status and output, which also goes to LOG."""
    done = subprocess.run([str(program), *words], capture_output=True, text=True, timeout=LIMIT,
                          check=False)
    log.write_text(done.stdout + done.stderr)
    return done.returncode, done.stdout + done.stderr


def replay_points(program: Path, folder: Path) -> list[Point]:
    """A finding's schedule shows the finding again, the same twice; of another policy it cannot."""
    _, told = explore(program, ["-p", "N5", "-r", "1", "-b", "t", "-v"], folder / "told.txt")
    schedule = re.search(r'process, lost, .*?again: [^\n]* -s "([^"]+)"', told, re.DOTALL)
    if not schedule:
        return [Point("replay", "fail", "no schedule was printed for N5's lost flush")]
    words = ["-r", "1", "-b", "t", "-s", schedule[1]]
    runs = [explore(program, ["-p", "N5", *words], folder / f"replay-{n}.txt") for n in (1, 2)]
    again = runs[0] == runs[1] and runs[0][0] == 0 and "found: process, lost" in runs[0][1]
    other = explore(program, ["-p", "immediate", *words], folder / "other.txt")
    return [Point("replay: the same finding twice", "pass" if again else "fail",
                  "" if again else "see replay-1.txt"),
            Point("replay: not with another policy", "pass" if other[0] == 2 else "fail",
                  "" if other[0] == 2 else f"status {other[0]}")]


def reduction_points(program: Path, folder: Path) -> list[Point]:
    """With every step interleaved the findings are those of the reduction, in more states."""
    points = []
    for policy, bound in [*((name, "t") for name in REDUCED), *((name, "v") for name in PAIRED)]:
        told = [explore(program, ["-p", policy, "-r", "1" if bound == "v" else "2", "-b", bound,
                                  *full], folder / f"{policy}-{bound}{kind}.txt")
                for kind, full in (("", []), ("-full", ["-f"]))]
        found = [sorted(set(FINDING.findall(text))) for _, text in told]
        states = [sum(int(n) for n in re.findall(rf"^\S+ +[12] +{bound} +(\d+)", text,
                                                 re.MULTILINE)) for _, text in told]
        alike = found[0] == found[1] and told[0][0] == told[1][0] and 0 < states[0] < states[1]
        points.append(Point(f"reduction: {policy}, bound {bound}", "pass" if alike else "fail",
                            "" if alike else f"{found[0]} in {states[0]} states, "
                                             f"in full {found[1]} in {states[1]}"))
    return points


def exploration_points(program: Path, folder: Path) -> list[Point]:
    """All of the table, and replays."""
    points = []
    for name, words, status, pattern in EXPLORATIONS:
        got, text = explore(program, words, folder / f"{re.sub('[^a-z]+', '-', name)}.txt")
        wrong = (f"status {got}, not {status}" if got != status else
                 "" if re.search(pattern, text, re.MULTILINE) else f"no line matches {pattern!r}")
        points.append(Point(name, "fail" if wrong else "pass", wrong))
    return points + replay_points(program, folder) + reduction_points(program, folder)
