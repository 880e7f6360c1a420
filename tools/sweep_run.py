# SPDX-License-Identifier: MIT
"""One boot of run=sweep, and its document as objects.

The kernel judges; here its findings are joined over root modes and boots. A boot that ended in any
other way than by its own verdict, or without a whole document, is an error and never a result.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from boot import boot, judge
from machine import Machine

CPUS = 4
DEFECTS = (1, 2, 4, 5, 6, 7, 8, 9)     # N3 needs a CPU that does not track its context
DEFECT = re.compile(r"N[1-9]")
PANIC = re.compile(r"panic on CPU [0-9]+: ")
# Words of the sweep's context and effect, and of the rule that such a finding breaks.
RULES = {"spurious": "R9", "nmi": "R6"}
# What a step that is carried out again has to have in common with the finding.
SAME = ("context", "effect", "scenario", "door", "rip", "then_rip")


class SweepError(Exception):
    """The sweep proves nothing; the text says why."""


class RefusedError(Exception):
    """The kernel refuses the policy or a word; the text is its own."""


@dataclass(frozen=True)
class Claim:
    """What a policy is known for, or what was found: an id, where and what."""
    defect: str
    context: str
    effect: str

    @property
    def kind(self) -> tuple[str, str]:
        """What an oracle sees of it: two defects may look the same."""
        return self.context, self.effect

    def __str__(self) -> str:
        return f"{self.defect} ({self.context}, {self.effect})"


@dataclass(frozen=True)
class Finding:
    """The first step of a row that showed one effect in one context."""
    defect: str | None
    context: str
    effect: str
    scenario: str
    door: str
    at: str | None              # where the target is stopped; None: in ring 3
    rip: int | None
    then: str | None            # where the initiator, or the NMI, is
    then_rip: int | None
    steps: int
    first: int
    cmdline: str                # of a boot that repeats it

    @property
    def kind(self) -> tuple[str, str]:
        """As of a claim, which it shows if these are the same."""
        return self.context, self.effect


@dataclass
class Row:
    """One policy and root mode in one boot."""
    policy: str
    verdict: str
    reason: str
    steps: int = 0
    claims: list[Claim] = field(default_factory=list)
    not_shown: list[Claim] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)


def policies_in(kernel: Path) -> list[str]:
    """Every policy of this kernel, by its symbols, and the defects in corrected bases."""
    listing = subprocess.run(["nm", str(kernel)], capture_output=True, text=True, check=True)
    names = re.findall(r"^[0-9a-f]+ R policy_(\w+)$", listing.stdout, re.MULTILINE)
    return [name.replace("_", "-") for name in sorted(names)] + [f"N{n}" for n in DEFECTS]


def selection(policy: str) -> str:
    """The kernel's words for one policy, or one defect in its corrected base; "" for all."""
    if not policy:
        return ""
    return f"defect={policy}" if DEFECT.fullmatch(policy) else f"tlbi={policy}"


def again(policy: str, roots: int, zone: str, found: Mapping[str, object]) -> str:
    """The command line that repeats one step."""
    places = "".join(f",{key}={found[key]}" for key in ("at", "then") if found[key])
    return (f"{selection(policy)} pti={'off' if roots == 1 else 'on'} zone={zone} "
            f"run=sweep,scenario={found['scenario']},door={found['door']}{places}")


def row_of(entry: dict[str, object], policy: str, zone: str) -> Row:
    """One entry of the document. POLICY: what was asked for, "" for the row's own name."""
    name = policy or str(entry["policy"])
    row = Row(str(entry["policy"]), str(entry["verdict"]), str(entry["reason"]))
    if row.verdict == "skip":
        return row
    row.steps = int(str(entry["steps"]))
    row.claims = [Claim(**claim) for claim in entry["claims"]]          # type: ignore
    row.not_shown = [Claim(**claim) for claim in entry["not_shown"]]    # type: ignore
    for found in entry["found"]:                                        # type: ignore
        row.found.append(Finding(**found, cmdline=again(name, int(str(entry["roots"])), zone,
                                                        found)))
    return row


def boot_sweep(kernel: Path, cmdline: str, folder: Path, limit: float) -> list[dict[str, object]]:
    """Boots once; the rows of its document. May raise SweepError or RefusedError."""
    folder.mkdir(parents=True, exist_ok=True)
    m = Machine(kernel=kernel, media="kernel", cpus=CPUS, cmdline=cmdline)
    result = boot(m, folder, limit, folder / "serial.log")
    outcome = judge(result)
    if outcome.word == "refused":
        raise RefusedError(next((line for line in reversed(result.lines)
                                 if line.strip() and "verdict" not in line), cmdline))
    if outcome.why or outcome.word not in ("pass", "fail", "error"):
        last = next((line for line in reversed(result.lines) if PANIC.match(line)),
                    result.last_line)
        raise SweepError(f"{cmdline}: {outcome.word}: {outcome.why or PANIC.sub('', last)}")
    try:
        rows: list[dict[str, object]] = json.loads(result.document)["rows"]
        return rows
    except (ValueError, KeyError, TypeError) as error:
        raise SweepError(f"{cmdline}: its document cannot be read: {error}; "
                         f"last line: {result.last_line}") from None


def sweep_once(kernel: Path, policy: str, words: str, zone: str, folder: Path,
               limit: float) -> list[Row]:
    """Boots run=sweep WORDS once; what it tells of."""
    cmdline = f"{selection(policy)} zone={zone} run=sweep{words}".strip()
    return [row_of(entry, policy, zone) for entry in boot_sweep(kernel, cmdline, folder, limit)]


def repeat(kernel: Path, finding: Finding, folder: Path, limit: float) -> dict[str, object]:
    """Carries out the one step of a finding again, which has to show the same; the row with the
    events and paths."""
    rows = boot_sweep(kernel, finding.cmdline + ",trace=1", folder, limit)
    for found in rows[0]["found"]:                                      # type: ignore
        if all(found[key] == getattr(finding, key) for key in SAME):
            return rows[0]
    raise SweepError(f"{finding.cmdline}: does not show again: {finding.context}, "
                     f"{finding.effect}")
