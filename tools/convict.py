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
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema

from process_group import run_group, stop_all

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs/convict.schema.json"
PASS, BAD_USE, SKIP, SHORT, DIFFER = 0, 2, 3, 4, 5
WORDS = {PASS: "exact", SKIP: "skip", SHORT: "short", DIFFER: "differ"}
BOUNDS, SMALL_BOUNDS = "abcdtu", "tu"
BOUNDS_OF = {"ledger": "acdtuv"}        # nobody has seen the end of b; v has less in it
STATES = 40000000
UNTRACKED = "u"                 # the explorer says whose these are not: never_untracked
ENGINES = ("explorer", "sweep")
LIMIT = 3600.0                  # of one engine on one policy, in seconds
Kind = tuple[str, str, str]     # defect ("" if no claim covers it), context, effect


class ConvictError(Exception):
    """The tool cannot do what it was asked to."""


@dataclass
class Row:
    """What one engine says of one policy. first: interleavings until a kind was first seen."""
    policy: str
    engine: str
    status: int = SHORT
    why: str = ""
    claims: list[Kind] = field(default_factory=list)
    beyond: list[Kind] = field(default_factory=list)
    first: dict[Kind, int] = field(default_factory=dict)
    rules: dict[Kind, str] = field(default_factory=dict)
    interleavings: int = 0
    bound: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """In a word."""
        return WORDS[self.status]

    def judge(self, complete: bool) -> None:
        """Sets the status by what was found: new kinds, and claims that are missing. Two defects of
        one context and effect look the same: a finding shows either."""
        new = [kind for kind in self.first if not kind[0]]
        seen = {kind[1:] for kind in self.first}
        missing = [kind for kind in self.claims if kind[1:] not in seen
                   and kind not in self.beyond]
        if new or (missing and complete):
            self.status = DIFFER
            self.why = (f"no claim covers ({', '.join(new[0][1:])})" if new else
                        f"claimed and not found: {spelled(missing[0])}")
        else:
            self.status = PASS if complete else SHORT


def spelled(kind: Kind) -> str:
    """N4 (nmi, stale)"""
    return f"{kind[0]} ({kind[1]}, {kind[2]})"


def ids(kinds: list[Kind]) -> str:
    """Their defects, each once, in order; `new` for what no claim covers."""
    return ",".join(dict.fromkeys(kind[0] or "new" for kind in sorted(kinds))) or "none"


def document_in(path: Path, command: list[str], row: Row) -> dict[str, object] | None:
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
    document: dict[str, object] = json.loads(path.read_text())
    return document


def explore(program: Path, policy: str, bounds: str, states: int, folder: Path) -> Row:
    """The explorer's row."""
    row = Row(policy, "explorer", bound=f"bounds {bounds}")
    path = folder / f"{policy}.explorer.json"
    started = time.monotonic()
    document = document_in(path, [str(program), "-p", policy, "-b", bounds, "-j", str(path), "-n",
                                  str(states)], row)
    row.seconds = time.monotonic() - started
    if document is None:
        return row
    seen: dict[int, set[str]] = {}
    names = set()
    complete = True
    for part in document["explorations"]:                           # type: ignore[attr-defined]
        seen.setdefault(part["roots"], set()).add(part["bounds"])
        names.add(part["policy"])
        complete &= part["complete"]
        for claim in part["claims"]:
            kind = (claim["defect"], claim["context"], claim["effect"])
            if kind not in row.claims:
                row.claims.append(kind)
        for found in part["findings"]:
            kind = (found["claim"] or "", found["context"], found["effect"])
            if kind not in row.first:
                row.first[kind] = row.interleavings + found["states"]
                row.rules[kind] = found["rule"] or ""
        row.interleavings += part["states"]
    less = {letter for letters in seen.values() for letter in set(bounds) - letters}
    if names <= set(document["never_untracked"]):                   # type: ignore[call-overload]
        less -= {UNTRACKED}
    if less or not seen or not complete:
        row.why = f"not to the end of bounds {bounds}"
    row.judge(complete and not less and bool(seen))
    return row


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
        for claim in document[name]:                                # type: ignore[attr-defined]
            kinds.append((claim["defect"], claim["context"], claim["effect"]))
    for found in document["found"]:                                 # type: ignore[attr-defined]
        kind = (found["defect"] or "", found["context"], found["kind"])
        row.first[kind] = found["first"]
        row.rules[kind] = found["rule"]
    if row.status != SKIP:
        row.judge(row.status in (PASS, DIFFER))
    return row


def add_beyond(rows: list[Row]) -> None:
    """What an engine of a policy claims and the other does not know is beyond that other one."""
    for row in rows:
        for other in rows:
            row.beyond += [kind for kind in other.claims
                           if kind not in row.claims and kind not in row.beyond]


def rows_of(file: Path) -> tuple[bool, list[Row]]:
    """An earlier run: whether it was the small form, and its rows."""
    try:
        document = json.loads(file.read_text())
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    except (OSError, ValueError, jsonschema.ValidationError) as error:
        raise ConvictError(f"--join {file}: no result of this tool: "
                           f"{str(error).splitlines()[0]}") from None
    rows = []
    for entry in document["rows"]:
        kinds = {name: [(kind["defect"] or "", kind["context"], kind["effect"])
                        for kind in entry[name]] for name in ("claims", "beyond", "found")}
        status = next(code for code, word in WORDS.items() if word == entry["verdict"])
        rows.append(Row(entry["policy"], entry["engine"], status, entry["why"],
                        kinds["claims"], kinds["beyond"],
                        dict(zip(kinds["found"], (kind["after"] for kind in entry["found"]))),
                        dict(zip(kinds["found"],
                                 (kind["rule"] or "" for kind in entry["found"]))),
                        entry["interleavings"], entry["bound"], entry["seconds"]))
    return document["small"], rows


def joined(files: list[Path], policies: list[str]) -> tuple[bool, list[Row]]:
    """Earlier runs as one: whether they were small, and their rows; prints each policy. Refused:
    a mix, and policies that are not asked for."""
    runs = [rows_of(file) for file in files]
    for file, (small, rows) in zip(files, runs):
        if small != runs[0][0]:
            raise ConvictError(f"--join {file}: small {small}, but {runs[0][0]} in {files[0]}")
        for row in rows:
            if row.policy not in policies:
                raise ConvictError(f"--join {file}: {row.policy} is not asked for; valid: "
                                   f"{' '.join(policies)}")
    found = [row for _, rows in runs for row in rows]
    print_head()
    for policy in dict.fromkeys(row.policy for row in found):
        show([row for row in found if row.policy == policy])
    return runs[0][0], found


def missing_in(rows: list[Row], policies: list[str], engine: str) -> list[str]:
    """Which policies have no row by which engines."""
    engines = ENGINES if engine == "both" else (engine,)
    there = {(row.policy, row.engine) for row in rows}
    return [f"{policy} by the {one}" for policy in policies for one in engines
            if (policy, one) not in there]


def show(rows: list[Row]) -> None:
    """One policy, when all its rows are there."""
    add_beyond(rows)
    print_rows(rows)


def print_head() -> None:
    """The table's head."""
    print(f"{'Policy':<16} {'Claims':<12} {'Engine':<9}{'Found':<12} {'All after':>9} "
          f"{'Interleavings':>13} {'Seconds':>8}  Verdict", flush=True)


def print_rows(rows: list[Row]) -> None:
    """One policy. All after: interleavings until the last of its findings was first seen."""
    claims = ids([kind for row in rows for kind in row.claims])
    for number, row in enumerate(rows):
        after = str(max(row.first.values())) if row.first else "-"
        print(f"{row.policy if not number else '':<16} {claims if not number else '':<12} "
              f"{row.engine:<9}{ids(list(row.first)):<12} {after:>9} {row.interleavings:>13} "
              f"{row.seconds:>8.1f}  {row.verdict}")
        if row.why and row.status != PASS:
            print(f"  {row.verdict}: {row.why}"[:100])
        for kind in row.beyond:
            if kind not in row.first:
                print(f"  {row.engine} cannot show {spelled(kind)}")
        for kind in row.claims:
            same = [found[0] for found in row.first if found[1:] == kind[1:]]
            if kind not in row.first and same:
                print(f"  {row.engine} cannot tell {spelled(kind)} from {same[0]}")
    sys.stdout.flush()


def as_json(row: Row) -> dict[str, object]:
    """One row of the document."""
    def kind_of(kind: Kind) -> dict[str, object]:
        return {"defect": kind[0] or None, "context": kind[1], "effect": kind[2]}

    return {"policy": row.policy, "engine": row.engine, "verdict": row.verdict, "why": row.why,
            "claims": [kind_of(kind) for kind in row.claims],
            "beyond": [kind_of(kind) for kind in row.beyond],
            "found": [kind_of(kind) | {"rule": row.rules[kind] or None, "after": after}
                      for kind, after in row.first.items()],
            "interleavings": row.interleavings, "bound": row.bound,
            "seconds": round(row.seconds, 1)}


def verdict_of(rows: list[Row]) -> int:
    """Of all rows: skips count neither way, but nothing else than skips shows nothing."""
    counted = [row.status for row in rows if row.status != SKIP]
    return max(counted, default=SHORT)


def policies_of(program: Path) -> list[str]:
    """All policies of the explorer; a defect in its base by the defect's id."""
    done = subprocess.run([str(program), "-l"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConvictError(done.stderr.strip())
    return [name.rsplit("+", 1)[-1] for name in done.stdout.split()]


def convict(args: argparse.Namespace, policies: list[str], folder: Path) -> list[Row]:
    """Every policy by every engine, two at a time; prints each policy when it is through."""
    rows: list[Row] = []
    lock = threading.Lock()

    def one(policy: str) -> None:
        mine = []
        if args.engine != "sweep":
            bounds = SMALL_BOUNDS if args.small else BOUNDS_OF.get(policy, BOUNDS)
            mine.append(explore(args.explorer, policy, bounds, args.states, folder))
        if args.engine != "explorer":
            mine.append(sweep(args.kernel, policy, args.small, folder))
        with lock:
            show(mine)
            rows.extend(mine)
    print_head()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for done in [pool.submit(one, policy) for policy in policies]:
                done.result()
        except BaseException:
            stop_all.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
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
    parser.add_argument("--jobs", type=int, default=2, help="policies at a time")
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
        policies = args.policy.split("+") if args.policy else known
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
        rows = convict(args, policies, folder)
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
