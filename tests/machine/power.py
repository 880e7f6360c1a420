# SPDX-License-Identifier: MIT
"""What the machine does behind its verdict (end=), without the exit device of an emulator. A
machine that switches off ends QEMU; one that reboots boots again. Neither can be taken for the
other: a reset does not end this QEMU, and switching off begins no second boot."""

from __future__ import annotations

from pathlib import Path

from boot import boot, how_it_ended
from machine import Machine
from tap import Point

RUN = "run=test,only=backtrace"
BANNER = "CPUs: found "
DISOBEYED = "did not obey end="
VERDICT = "lateflush: verdict: "


def points(kernel: Path, action: str, folder: Path, machine: str = "pc") -> list[Point]:
    """Boots with end=ACTION and says whether that, and nothing else, happened."""
    m = Machine(kernel=kernel, media="kernel", cpus=2, machine=machine, endless=True, resets=True,
                cmdline=f"{RUN} end={action}")
    until = (BANNER, 2) if action == "reboot" else (DISOBEYED, 1)
    result = boot(m, folder, 300, folder / "serial.log", until=until[0], times=until[1])
    boots = sum(line.startswith(BANNER) for line in result.lines)
    verdicts = [line for line in result.lines if line.startswith(VERDICT)]
    if verdicts[:1] != [VERDICT + "pass"]:
        return [Point("", "fail", f"verdicts {verdicts}; {how_it_ended(result)}")]
    if action == "reboot":
        happened = result.stopped and boots == 2
    else:
        happened = not result.stopped and not result.timed_out and result.status == 0
    return [Point("", "pass" if happened else "fail",
                  f"{boots} boots; {how_it_ended(result)}")]
