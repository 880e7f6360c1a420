# SPDX-License-Identifier: MIT
"""Rows of make convict: what an engine says of a policy, as a table, as JSON, and of several runs
together."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).resolve().parent.parent / "docs/convict.schema.json"
PASS, BAD_USE, SKIP, SHORT, DIFFER = 0, 2, 3, 4, 5
WORDS = {PASS: "exact", SKIP: "skip", SHORT: "short", DIFFER: "differ"}
ENGINES = ("explorer", "sweep")
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
