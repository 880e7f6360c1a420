# SPDX-License-Identifier: MIT
"""A finding of the sweep from start to gdb: found, told in columns, and met again by gdb."""
from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import tap
from sweep_run import SweepError, policies_in, sweep_once
from tap import Point

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"
LIMIT = 240.0
# What a reader of state-bits' finding must see, in this order: an NMI from ring 3's word, the
# question that finds no kernel, the handler's read.
TOLD = ("an NMI", "its handler reads", "unmaps; a purge", "word_try_cmpxchg", "do_flush()")


def run(words: list[str], log: Path) -> tuple[int, str]:
    """Exit status and output of a tool, which also goes to LOG."""
    done = subprocess.run([PYTHON, *words], capture_output=True, text=True, timeout=LIMIT,
                          check=False)
    log.write_text(done.stdout + done.stderr)
    return done.returncode, done.stdout + done.stderr


def point(name: str, fault: str) -> Point:
    """One check: FAULT is "" if it holds."""
    return Point(name, "fail" if fault else "pass", fault)


def told_in_order(path: Path) -> str:
    """What is wrong with a schedule's interleaving."""
    rows = json.loads(path.read_text()).get("interleaving", [])
    place = 0
    for words in TOLD:
        found = next((n for n, row in enumerate(rows[place:], place) if words in row["text"]), -1)
        if found < 0:
            return f"no {words!r} behind row {place}"
        place = found
    files = [row["place"].partition(":")[0] for row in rows if ":" in row["place"]]
    if not any(file.startswith("mm/policy/") for file in files):
        return "no line of a policy"
    return ""


# Steps that gdb has a harder time with: name, policy, the sweep's words, what is broken for it.
# Two CPUs are stopped, and before the step the kernel stops the target at the same instruction once
# more, only to see which way the purge takes from there; #MC strikes; the place is the track's
# first one, where the CPU's own breakpoint lies, of the initiator and of the target.
HARDER = (
    ("pairs", "N7", ",scenario=P,door=syscall,depth=pairs", ""),
    ("a purge's beginning", "state-bits", ",scenario=J,then=entry+0", " break=drain"),
    ("#MC", "state-bits", ",scenario=U,door=syscall,at=entry+3", ""),
    ("a door's beginning", "state-bits", ",scenario=A,door=irq,at=entry+0", " break=drain"),
)


def harder_points(kernel: Path, folder: Path, one: Path, debug: list[str]) -> list[Point]:
    """Each of HARDER, found by one boot and met again. ONE: a schedule of this build."""
    points = []
    for name, policy, words, broken in HARDER:
        try:
            row = sweep_once(kernel, policy, words + broken, "off", folder / "harder", LIMIT)[0]
        except SweepError as error:
            points.append(point(f"{name}: found", str(error)))
            continue
        if not row.found:
            points.append(point(f"{name}: found", f"{words} does not show {policy}"))
            continue
        found = vars(row.found[0]) | {"cmdline": row.found[0].cmdline + broken}
        schedule = folder / "harder.json"
        schedule.write_text(json.dumps(json.loads(one.read_text()) | found | {
            "policy": policy, "rule": "R4", "interleaving": []}))
        _, text = run([*debug, "--replay", str(schedule)], folder / "harder-gdb.txt")
        points += [replace(met, name=f"{name}: {met.name}") for met in points_of(text)]
    return points


def wrong_policies(kernel: Path) -> str:
    """What `make sweep` without POLICY= would take that is no policy, or leave out, by the source.
    """
    text = "".join(path.read_text() for path in (ROOT / "mm/policy").glob("*.c"))
    names = re.findall(r"^const struct flush_policy policy_(\w+) = \{", text, re.MULTILINE)
    taken = {name for name in policies_in(kernel) if not re.fullmatch("N[1-9]", name)}
    wrong = taken ^ {name.replace("_", "-") for name in names}
    return f"one of them only: {' '.join(sorted(wrong))}" if wrong or not names else ""


def points_of(text: str) -> list[Point]:
    """The TAP that follows a schedule's columns."""
    return tap.parse(re.sub(r"(?s)^.*?(?=^1\.\.)", "", text, flags=re.MULTILINE).splitlines())


def replay_points(kernel: Path, folder: Path) -> list[Point]:
    """All of it, and what has to be refused."""
    sweep = ["tools/sweep.py", "--kernel", str(kernel), "--small"]
    debug = ["tools/debug.py", "--kernel", str(kernel), "--work", str(folder / "gdb"),
             "--self-test"]
    results = folder / "state-bits.json"
    status, text = run([*sweep, "--policy", "state-bits", "-v", "--results", str(results)],
                       folder / "sweep.txt")
    if status != 0:
        return [point("exactly the claims", f"status {status}: {text.strip()[-200:]}")]
    document = json.loads(results.read_text())
    schedule = Path(document["found"][0]["schedule"])
    wrong = (f"complete {document['complete']}, {document['interleavings']} interleavings"
             if not document["complete"] or document["interleavings"] < 1000 else "")
    points = [point("exactly the claims", wrong),
              point("every policy is swept", wrong_policies(kernel)),
              point("told in columns", told_in_order(schedule))]
    status, text = run([*debug, "--replay", str(schedule)], folder / "gdb.txt")
    points += points_of(text)
    points += harder_points(kernel, folder, schedule, debug)
    stale = folder / "stale.json"
    stale.write_text(json.dumps(json.loads(schedule.read_text()) | {"kernel_sha256": "0"}))
    for name, file, words in (("another build's", stale, "made with another build"),
                              ("no schedule", results, "not a schedule of the sweep")):
        status, text = run([*debug, "--replay", str(file)], folder / "refused.txt")
        points.append(point(f"{name} is refused",
                            "" if status == 2 and words in text else f"{status}: {text[-200:]}"))
    status, text = run([*sweep, "--policy", "nonsense", "--results", str(folder / "none.json")],
                       folder / "nonsense.txt")
    points.append(point("no such policy", "" if status == 2 and "no such policy" in text
                        else f"status {status}: {text[-200:]}"))
    return points
