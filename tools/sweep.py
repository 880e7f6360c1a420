#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sweeps the real binary: one policy, or all of them, and says whether what was found is exactly
what is claimed.

A policy is swept as it is, and once more with zone=stale if it has claims that only the stale copy
shows. Exit status: 0 the findings are exactly the claims, 3 the machine lacks what the policy
needs, 4 less was explored than is stated, 5 findings and claims differ, 2 bad use.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from machine import MachineError
from replay import digest
from sweep_columns import columns, interleaving
from sweep_run import (RULES, Claim, Finding, RefusedError, Row, SweepError, policies_in, repeat,
                       sweep_once)

EXACT, SKIPPED, SHORT, DIFFER, BAD_USE = 0, 3, 4, 5, 2
UNTRACKED = "N3"                       # needs a CPU that does not track its context: never shown
# What an oracle has seen in the end.
SO = {("process", "stale"): "the kernel read the page by its old translation (canary)",
      ("process", "lost"): "it was in the kernel and had not flushed for a purge that was over "
                           "(generations)",
      ("nmi", "stale"): "the handler read the page by its old translation (canary)",
      ("nmi", "lost"): "the handler ran, and the CPU had not flushed for a purge that was over",
      ("process", "spurious"): "it drained, and no purge had asked it to (R9)",
      ("nmi", "spurious"): "the handler's entry drained, and no purge had asked it to (R9)"}
NAMES = {"initiator": "CPU 1 purges", "target": "CPU 3", "nmi": "CPU 3, NMI or #MC"}
BOUNDS = {
    "small": "SYSCALL's door at every instruction, other doors and the purge at accesses",
    "pairs": "every instruction of every door and of the policy in a purge; pairs of accesses",
    "whole": "every instruction of every door, of a purge, of an NMI at each; pairs of accesses"}


@dataclass
class Result:
    """One policy, over all its root modes and boots."""
    policy: str
    rows: list[Row] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def claims(self) -> list[Claim]:
        """What it claims, each once."""
        return list(dict.fromkeys(claim for row in self.rows for claim in row.claims))

    @property
    def found(self) -> list[Finding]:
        """The first of each kind, in the order of boots and rows."""
        first: dict[tuple[str, str], Finding] = {}
        for row in self.rows:
            for finding in row.found:
                first.setdefault(finding.kind, finding)
        return list(first.values())

    @property
    def missing(self) -> list[Claim]:
        """Claims that no row has shown, though one could have."""
        shown = {finding.kind for finding in self.found}
        return [claim for claim in self.claims if claim.kind not in shown
                and claim.defect != UNTRACKED
                and any(row.claims and claim not in row.not_shown for row in self.rows)]

    @property
    def beyond(self) -> list[Claim]:
        """Claims that no row could show."""
        shown = {finding.kind for finding in self.found}
        return [claim for claim in self.claims
                if claim.kind not in shown and claim not in self.missing]

    @property
    def skipped(self) -> str:
        """Why no row was swept; "" if any was."""
        reasons = [row.reason for row in self.rows if row.verdict == "skip"]
        return reasons[0] if reasons and len(reasons) == len(self.rows) else ""

    @property
    def steps(self) -> int:
        """Interleavings in all."""
        return sum(row.steps for row in self.rows)

    def status(self) -> int:
        """The exit status for this policy."""
        if self.error or any(row.verdict == "error" and "was not shown" not in row.reason
                             for row in self.rows):
            return SHORT
        if self.skipped:
            return SKIPPED
        if any(finding.defect is None for finding in self.found) or self.missing:
            return DIFFER
        return EXACT

    def why(self) -> str:
        """In words, "" if there is nothing to say."""
        if self.error or self.skipped:
            return self.error or self.skipped
        for row in self.rows:
            if row.verdict in ("fail", "error") and row.reason:
                return row.reason
        return ""


def rule_of(finding: Finding) -> str:
    """The rule of docs/rules.md that a finding of this kind breaks. As the explorer has it: a purge
    that was deferred while the target was beyond its entry's flush breaks R4, one that was deferred
    before, and that no flush followed, R5."""
    outside = finding.at is None or finding.at.startswith("exit+")
    return (RULES.get(finding.effect) or RULES.get(finding.context)
            or ("R5" if outside else "R4"))


def sweep_policy(kernel: Path, policy: str, words: str, folder: Path, limit: float) -> Result:
    """All boots of one policy."""
    started = time.monotonic()
    result = Result(policy)
    try:
        result.rows = sweep_once(kernel, policy, words, "off", folder, limit)
        if result.beyond:
            result.rows += sweep_once(kernel, policy, words, "stale", folder, limit)
    except SweepError as error:
        result.error = str(error)
    folder.mkdir(parents=True, exist_ok=True)
    result.seconds = time.monotonic() - started
    return result


def schedule_path(result: Result, finding: Finding, folder: Path) -> Path:
    """Where a finding's schedule lies."""
    return folder / (f"{result.policy}-{finding.defect or 'new'}-{finding.context}-"
                     f"{finding.effect}.json")


def tell_findings(result: Result, kernel: Path, folder: Path, args: argparse.Namespace) -> None:
    """Carries out each finding's step again, prints its interleaving, and keeps what a replay
    needs. With --small only of findings that no claim covers."""
    for finding in result.found:
        schedule = vars(finding) | {
            "schema": 1, "kernel_sha256": digest(kernel), "policy": result.policy,
            "rule": rule_of(finding), "names": NAMES}
        if args.verbose or not args.small or not finding.defect:
            rows = interleaving(kernel, repeat(kernel, finding, folder, args.timeout))
            schedule["interleaving"] = [vars(row) for row in rows]
            if args.verbose or not finding.defect:
                print(f"  {finding.context}, {finding.effect}, breaks {rule_of(finding)}: "
                      f"{finding.defect or 'not claimed'}; again: make gdb REPLAY="
                      f"{schedule_path(result, finding, folder)}")
                print("\n".join(columns(rows, NAMES)))
                print(f"  So, on CPU 3: {SO[finding.context, finding.effect]}")
        schedule_path(result, finding, folder).write_text(json.dumps(schedule, indent=1) + "\n")


def document_of(result: Result, folder: Path, depth: str) -> dict[str, object]:
    """The machine form."""
    return {
        "engine": "sweep", "policy": result.policy,
        "claims": [vars(claim) for claim in result.claims],
        "beyond": [vars(claim) for claim in result.beyond],
        "found": [{"defect": found.defect, "rule": rule_of(found), "context": found.context,
                   "kind": found.effect, "schedule": str(schedule_path(result, found, folder)),
                   "interleavings": found.steps, "first": found.first}
                  for found in result.found],
        "interleavings": result.steps, "bound": BOUNDS[depth], "skipped": result.skipped,
        "complete": result.status() in (EXACT, DIFFER), "why": result.why(),
        "seconds": round(result.seconds, 1)}


def print_result(result: Result) -> None:
    """One row of the table, and a line for each finding that no claim covers."""
    word = {EXACT: "exact", SKIPPED: "skip", SHORT: "error", DIFFER: "differ"}[result.status()]
    claims = ",".join(dict.fromkeys(claim.defect for claim in result.claims)) or "none"
    shown = [[c.defect for c in result.claims if c.kind == f.kind] or ["new"] for f in result.found]
    found = ",".join(dict.fromkeys(defect for ids in shown for defect in ids)) or "none"
    print(f"{result.policy:<16}{claims:<16}{found:<16}{result.steps:>13} "
          f"{result.seconds:>8.1f}  {word}", flush=True)
    if result.why():
        print(f"  {word}: {result.why()}")
    for claim in result.beyond:
        print(f"  not to be shown here: {claim}")


def parse_arguments() -> argparse.Namespace:
    """The command line of this tool."""
    parser = argparse.ArgumentParser(description="sweep the doors of one policy")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--policy", default="", help="a policy's name, or N1..N9; default: all")
    parser.add_argument("--results", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--small", action="store_true",
                        help="of the other doors and of the purge the accesses only; no pairs")
    parser.add_argument("--whole", action="store_true",
                        help="every instruction of the purge and of nested NMIs: hours")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell claimed findings, too")
    parser.add_argument("--timeout", type=float, default=300, help="of one boot, in seconds")
    args = parser.parse_args()
    if args.policy and not re.fullmatch(r"[A-Za-z0-9-]+", args.policy):
        parser.error(f"--policy {args.policy}: not one policy's name")
    if not args.kernel.exists():
        parser.error(f"--kernel {args.kernel}: no such file")
    return args


def depth_of(args: argparse.Namespace) -> str:
    """The kernel's word for how much is swept; see enum sweep_depth."""
    return "small" if args.small else "whole" if args.whole else "pairs"


def worst(statuses: list[int]) -> int:
    """Of all policies: a difference before an error; a skip counts only if there is nothing else.
    """
    for status in (BAD_USE, DIFFER, SHORT):
        if status in statuses:
            return status
    return EXACT if EXACT in statuses else SKIPPED


def main() -> int:
    """Command line of this tool."""
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = args.results.parent / f"{args.results.stem}.sweep"
    words = ",exact=1,depth=" + depth_of(args)
    documents: list[dict[str, object]] = []
    statuses: list[int] = []
    print(f"{'Policy':<16}{'Claims':<16}{'Found':<16}{'Interleavings':>13} {'Seconds':>8}")
    try:
        for policy in [args.policy] if args.policy else policies_in(args.kernel):
            result = sweep_policy(args.kernel, policy, words, folder, args.timeout)
            try:
                tell_findings(result, args.kernel, folder, args)
            except SweepError as error:
                result.error = str(error)
            print_result(result)
            documents.append(document_of(result, folder, depth_of(args)))
            statuses.append(result.status())
    except (MachineError, OSError, RefusedError) as error:
        print(f"sweep: {error}", file=sys.stderr)
        return BAD_USE
    document = documents[0] if args.policy else {"engine": "sweep", "policies": documents}
    args.results.write_text(json.dumps(document, indent=1) + "\n")
    return worst(statuses)


if __name__ == "__main__":
    sys.exit(main())
