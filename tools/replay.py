# SPDX-License-Identifier: MIT
"""The schedule of a finding (tools/sweep.py), as `make gdb REPLAY=FILE` uses it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sweep_columns import Row, columns

TARGET, NESTED, INITIATOR = 0, 1, 2     # enum step_track


class ScheduleError(Exception):
    """The file is no schedule, or not of this kernel."""


def digest(kernel: Path) -> str:
    """What tells two builds apart: addresses mean nothing in another one."""
    return hashlib.sha256(kernel.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Schedule:
    """What gdb has to do, and what is told beside it."""
    cmdline: str
    rip: int
    track: int
    then_rip: int | None        # where the other one is stopped; None: only one is
    headline: str
    lines: list[str]

    @property
    def command(self) -> str:
        """gdb's command."""
        return f"lf-replay {self.rip:#x} {self.track}"


def read_schedule(path: Path, kernel: Path) -> Schedule:
    """May raise ScheduleError, whose text says what would be valid."""
    try:
        data = json.loads(path.read_text())
        policy, cmdline, made_of = data["policy"], data["cmdline"], data["kernel_sha256"]
        track = TARGET if data["rip"] else INITIATOR
        rip = data["rip"] or data["then_rip"]
        rows = [Row(**row) for row in data.get("interleaving", [])]
        headline = (f"{policy}: {data['context']}, {data['effect']}, breaks {data['rule']}: "
                    f"{data['defect'] or 'not claimed'}")
        names = data["names"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScheduleError(f"REPLAY={path}: not a schedule of the sweep ({error}); valid: a file "
                            "that `make sweep POLICY=NAME` wrote") from None
    if made_of != digest(kernel):
        raise ScheduleError(f"REPLAY={path}: made with another build than {kernel}; "
                            f"make sweep POLICY={policy} makes it anew")
    if not rip:
        raise ScheduleError(f"REPLAY={path}: scenario {data['scenario']} stops no CPU, so there is "
                            "no instruction to stop at")
    then_rip = data["then_rip"] if track == TARGET else None
    return Schedule(cmdline, rip, track, then_rip, headline, columns(rows, names) if rows else [])
