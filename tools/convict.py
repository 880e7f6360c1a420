#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Both engines over the policies: are the findings exactly the claims?

The explorer (tests/explorer) goes through every interleaving of a policy's hooks within its bounds,
the sweep (tools/sweep.py) through every instruction of the real binary's doors. One row for each
policy and engine. Exit status: 0 exactly the claims, 4 an engine did less than is stated, 5 claims
and findings differ, 2 bad use; the worst row decides.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from convict_rows import (BAD_USE, DIFFER, ENGINES, PASS, SCHEMA, SHORT, SKIP, WORDS, ConvictError,
                          Row, as_json, joined, missing_in, print_head, show, verdict_of)
from process_group import run_group, stop_all

ROOT = Path(__file__).resolve().parent.parent
BOUNDS, SMALL_BOUNDS = "abcdtu", "tu"
LONGEST = ("ledger", "2")       # policy and roots whose exploration begins first
STATES = 200000000
SWEEP = "sweep"                 # in the place of a number of roots
UNTRACKED = "u"                 # the explorer says whose these are not: never_untracked
LIMIT = 3600.0                  # of one engine on one policy, in seconds


def document_in(path: Path, command: list[str], row: Row) -> dict[str, Any] | None:
    """Runs COMMAND, which writes PATH; None, with the row's reason, if it could not."""
    path.unlink(missing_ok=True)
    status, output, errors = run_group(command, ROOT, LIMIT)
    if status is None:
        row.why = "ended with this tool" if stop_all.is_set() else f"no end within {LIMIT:.0f} s"
        return None
    path.with_suffix(".txt").write_text(output + errors)
    row.status = status
    if status not in (PASS, SKIP, SHORT, DIFFER) or not path.is_file():
        row.status = SHORT
        row.why = (errors.strip().splitlines() or [f"ended with {status}"])[-1]
        return None
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@dataclass
class Part:
    """What the explorer says of a policy with one number of roots; document: None if it did not
    come to say anything, and row says why."""
    row: Row
    document: dict[str, Any] | None


def explore(program: Path, policy: str, roots: str, bounds: str, states: int, folder: Path) -> Part:
    """Runs the explorer."""
    row = Row(policy, "explorer", bound=f"bounds {bounds}")
    path = folder / f"{policy}.explorer{roots}.json"
    started = time.monotonic()
    document = document_in(path, [str(program), "-p", policy, "-r", roots, "-b", bounds, "-j",
                                  str(path), "-n", str(states)], row)
    row.seconds = time.monotonic() - started
    return Part(row, document)


def explored(policy: str, bounds: str, parts: list[Part]) -> Row:
    """The explorer's row, of all numbers of roots that the policy can have."""
    row = Row(policy, "explorer", bound=f"bounds {bounds}",
              seconds=sum(part.row.seconds for part in parts))
    seen: dict[int, set[str]] = {}
    names, never_untracked = set(), set()
    complete = True
    for part in parts:
        if part.document is None:
            row.status, row.why = part.row.status, part.row.why
            return row
        never_untracked |= set(part.document["never_untracked"])
        for one in part.document["explorations"]:
            seen.setdefault(one["roots"], set()).add(one["bounds"])
            names.add(one["policy"])
            complete &= one["complete"]
            add_exploration(row, one)
    less = {letter for letters in seen.values() for letter in set(bounds) - letters}
    if names <= never_untracked:
        less -= {UNTRACKED}
    if less or len(seen) != len(parts) or not complete:
        row.why = f"not to the end of bounds {bounds}"
    row.judge(complete and not less and 0 < len(seen) == len(parts))
    return row


def add_exploration(row: Row, one: dict[str, Any]) -> None:
    """Its claims, findings and states."""
    for claim in one["claims"]:
        kind = (claim["defect"], claim["context"], claim["effect"])
        if kind not in row.claims:
            row.claims.append(kind)
    for found in one["findings"]:
        kind = (found["claim"] or "", found["context"], found["effect"])
        if kind not in row.first:
            row.first[kind] = row.interleavings + found["states"]
            row.rules[kind] = found["rule"] or ""
    row.interleavings += one["states"]


def sweep(kernel: Path, policy: str, small: bool, folder: Path) -> Row:
    """The sweep's row."""
    row = Row(policy, "sweep")
    path = folder / f"{policy}.sweep.json"
    started = time.monotonic()
    document = document_in(path, [sys.executable, "tools/sweep.py", "--kernel", str(kernel),
                                  "--policy", policy, "--results", str(path),
                                  *(["--small"] if small else [])], row)
    row.seconds = time.monotonic() - started
    if document is None:
        return row
    row.bound = str(document["bound"])
    row.interleavings = int(str(document["interleavings"]))
    row.why = str(document["why"] or document["skipped"])
    for name, kinds in (("claims", row.claims), ("beyond", row.beyond)):
        for claim in document[name]:
            kinds.append((claim["defect"], claim["context"], claim["effect"]))
    for found in document["found"]:
        kind = (found["defect"] or "", found["context"], found["kind"])
        row.first[kind] = found["first"]
        row.rules[kind] = found["rule"]
    if row.status != SKIP:
        row.judge(row.status in (PASS, DIFFER))
    return row


def policies_of(program: Path) -> dict[str, list[str]]:
    """All policies of the explorer, a defect in its base by the defect's id; with the numbers of
    roots that each can have."""
    done = subprocess.run([str(program), "-l"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConvictError(done.stderr.strip())
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name.rsplit("+", 1)[-1]: roots for name, *roots in lines}


def convict(args: argparse.Namespace, policies: dict[str, list[str]], folder: Path) -> list[Row]:
    """Every policy by every engine; prints each when it is through. They begin in order, but the
    longest exploration first: if it began last, it would run alone."""
    bounds = SMALL_BOUNDS if args.small else BOUNDS
    tasks = [(policy, roots) for policy, all_roots in policies.items()
             for roots in (*(all_roots if args.engine != "sweep" else ()),
                           *([SWEEP] if args.engine != "explorer" else ()))]
    rows: dict[str, list[Row]] = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {task: pool.submit(sweep, args.kernel, task[0], args.small, folder)
                if task[1] == SWEEP else
                pool.submit(explore, args.explorer, *task, bounds, args.states, folder)
                for task in sorted(tasks, key=lambda task: task != LONGEST)}
        print_head()
        try:
            for _ in concurrent.futures.as_completed(jobs.values()):
                for policy in policies:
                    mine = [jobs[task] for task in tasks if task[0] == policy]
                    if policy not in rows and all(job.done() for job in mine):
                        rows[policy] = rows_of_policy(policy, bounds,
                                                      [job.result() for job in mine])
        except BaseException:
            stop_all.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [row for policy in policies for row in rows[policy]]


def rows_of_policy(policy: str, bounds: str, done: list[Part | Row]) -> list[Row]:
    """A policy's rows, from all that was done about it; prints them."""
    parts = [one for one in done if isinstance(one, Part)]
    rows = [one for one in done if isinstance(one, Row)]
    if parts:
        rows.insert(0, explored(policy, bounds, parts))
    show(rows)
    return rows


def parse_arguments() -> argparse.Namespace:
    """The command line of this tool."""
    parser = argparse.ArgumentParser(description="claims against the findings of both engines")
    parser.add_argument("--explorer", type=Path, required=True)
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--policy", default="", help="these alone, A+B+N3 (all)")
    parser.add_argument("--engine", choices=("both", *ENGINES), default="both")
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE",
                        help="runs nothing: the verdict of these results together")
    parser.add_argument("--small", action="store_true", help="the engines' small bounds")
    parser.add_argument("--states", type=int, default=STATES, help="an exploration's limit")
    parser.add_argument("--jobs", type=int, default=2, help="engines at a time")
    args = parser.parse_args()
    if args.join and args.small:
        parser.error("--join: whether it was small is said by the files")
    return args


def main() -> int:
    """Command line of this tool."""
    args = parse_arguments()
    args.explorer = args.explorer.resolve()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    try:
        known = policies_of(args.explorer)
        policies = args.policy.split("+") if args.policy else list(known)
        for policy in policies:
            if policy not in known:
                raise ConvictError(f"POLICY={policy}: no such policy; valid: {' '.join(known)}")
        small, rows = joined(args.join, policies) if args.join else (args.small, [])
    except (ConvictError, OSError) as error:
        print(f"convict: {error}", file=sys.stderr)
        return BAD_USE
    folder = args.results.parent / args.results.stem
    folder.mkdir(parents=True, exist_ok=True)
    if not args.join:
        rows = convict(args, {policy: known[policy] for policy in policies}, folder)
    status = verdict_of(rows)
    missing = missing_in(rows, policies, args.engine)
    if missing:
        print(f"convict: {len(missing)} rows are missing, {missing[0]} first")
        status = max(status, SHORT)
    document = {"schema": 1, "verdict": WORDS[status], "small": small,
                "seconds": round(time.monotonic() - started, 1),
                "rows": [as_json(row) for row in rows]}
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    args.results.write_text(json.dumps(document, indent=1) + "\n")
    counts = ", ".join(f"{sum(row.status == code for row in rows)} {word}"
                       for code, word in WORDS.items()
                       if any(row.status == code for row in rows))
    print(f"convict: {WORDS[status]} ({len(policies)} policies, {len(rows)} rows: {counts}), "
          f"{document['seconds']} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
