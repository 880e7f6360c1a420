# SPDX-License-Identifier: MIT
"""The interleaving of one step of the sweep as source lines, a column for each actor.

The kernel says in which order the actors went how far (events) and which instructions each went
along (paths); the line numbers come from the ELF's DWARF by addr2line. Shown are the lines of the
policy, of the doors as far as they matter to it, and of other code the functions that it enters.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACTORS = ("initiator", "target", "nmi")
WIDTH = 100                     # of a line
ZONES = ("entry", "kernel", "exit")
# Of entry.asm, what concerns a policy: who we are, which root, and the ways in and out.
DOOR_WORDS = re.compile(r"\b(swapgs|cr3|call|sysret|iretq|wrmsr)\b")
# Functions outside the policy that tell something; of others not even the name is shown.
TOLD = re.compile(r"^(mm/tlbflush|arch/x86_64/(tlb|traps|roots)|kernel/(canary|oracle|syscall)|"
                  r"mm/policy/drain)\.c$")
UNTOLD = ("count", "count_question", "read_cr2", "begin_purge", "make_range", "count_cause")


@dataclass(frozen=True)
class Frame:
    """One function that an instruction belongs to, by inlining; line as DIR/FILE, number."""
    function: str
    file: str
    line: int


@dataclass(frozen=True)
class Row:
    """One line of the interleaving."""
    who: str
    text: str
    place: str = ""             # FILE:LINE


def resolve(kernel: Path, addresses: list[int]) -> dict[int, list[Frame]]:
    """The frames of each address, innermost first."""
    wanted = sorted(set(addresses))
    listing = subprocess.run(["addr2line", "-e", str(kernel), "-a", "-f", "-i"],
                             input="\n".join(hex(address) for address in wanted),
                             capture_output=True, text=True, check=True).stdout.splitlines()
    frames: dict[int, list[Frame]] = {}
    address, index = 0, 0
    while index < len(listing):
        if listing[index].startswith("0x"):
            address = int(listing[index], 16)
            frames[address] = []
            index += 1
            continue
        path, _, number = listing[index + 1].split(" ")[0].rpartition(":")
        frames[address].append(Frame(listing[index], relative(path),
                                     int(number) if number.isdigit() else 0))
        index += 2
    return frames


def relative(path: str) -> str:
    """From the project's root, if it lies there. NASM joins its folder and the path by '//'."""
    place = Path(path.rpartition("//")[2])
    if place.is_absolute() and place.is_relative_to(ROOT):
        place = place.relative_to(ROOT)
    return str(place).removeprefix("./")


class Source:
    """Lines of source files, each read once."""

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}

    def line(self, frame: Frame) -> str:
        """The text of a frame's line, without what it is indented by."""
        if frame.file not in self.files:
            path = ROOT / frame.file
            self.files[frame.file] = path.read_text().splitlines() if path.is_file() else []
        lines = self.files[frame.file]
        text = lines[frame.line - 1] if 0 < frame.line <= len(lines) else ""
        return text.split(";")[0].strip() if frame.file.endswith(".asm") else text.strip()


def row_of(who: str, frames: list[Frame], source: Source) -> Row | None:
    """What is told of one instruction; None: nothing."""
    for frame in frames:
        if frame.file.startswith("mm/policy/") and not frame.file.endswith(("/ops.h", "/drain.c")):
            text = source.line(frame)
            if len(text) < 2 or text.startswith("DEFINE_"):
                return None
            return Row(who, text, f"{frame.file}:{frame.line}")
    frame = frames[-1]
    if frame.file.endswith("entry.asm"):
        text = source.line(frame)
        return Row(who, text, f"{frame.file}:{frame.line}") if DOOR_WORDS.search(text) else None
    for frame in frames:
        if TOLD.match(frame.file) and frame.function not in UNTOLD:
            return Row(who, f"{frame.function}()", f"{frame.file}")
    return None


class Teller:
    """Follows the events along the paths."""

    def __init__(self, frames: dict[int, list[Frame]], paths: dict[str, dict[str, list[int]]]):
        self.frames, self.paths = frames, paths
        self.source = Source()
        self.rows: list[Row] = []
        self.at = {"target": 0, "initiator": 0, "nmi": 0}

    def path(self, who: str) -> list[tuple[str, int]]:
        """The instructions of an actor's way, with their positions."""
        zones = self.paths[{"target": "way", "initiator": "purge", "nmi": "nmi"}[who]]
        return [(f"{zone}+{index}", address) for zone in ZONES
                for index, address in enumerate(zones[zone])]

    def tell(self, who: str, text: str) -> None:
        """A line that is no source."""
        self.rows.append(Row(who, f"[{text}]"))

    def go(self, who: str, until: str | None) -> None:
        """An actor goes on to a position, or to the end of its way."""
        path = self.path(who)
        if self.at[who] >= len(path):
            self.at[who] = 0
        end = next((index for index, (position, _) in enumerate(path)
                    if position == until and index >= self.at[who]), len(path))
        told: set[Row] = set()
        for _, address in path[self.at[who]:end]:
            row = row_of(who, self.frames[address], self.source)
            if row and row not in told:
                told.add(row)
                self.rows.append(row)
        self.at[who] = end
        if until and end < len(path):
            inner = next((frame for frame in self.frames[path[end][1]]
                          if frame.line and not frame.file.endswith("/ops.h")), None)
            if inner:
                self.rows.append(Row(who, f"[stops before: {self.source.line(inner)}]",
                                     f"{inner.file}:{inner.line}"))
            else:
                self.tell(who, f"stops before {path[end][1]:x}")

    def begin_strike(self, name: str) -> None:
        """Up to its handler's look; what comes behind that is told when it ends. Both strikes go
        in by the same door, and are told along the same path."""
        self.tell("nmi", name)
        self.at["nmi"] = 0
        self.go("nmi", "exit+0")
        if self.rows[-1].text.startswith("[stops"):  # the handler is behind this
            self.rows.pop()
        self.tell("nmi", "its handler reads")

    def follow(self, events: list[dict[str, str | None]]) -> list[Row]:
        """All events of a step."""
        for event in events:
            who, what, until = str(event["who"]), event["what"], event["to"]
            if what == "purge":
                self.tell(who, "unmaps; a purge")
                self.at[who] = 0
                self.go(who, None)
            elif what == "over":
                self.tell(who, "its purge is over")
            elif what in ("begin", "mc"):
                self.begin_strike("a #MC" if what == "mc" else "an NMI")
            elif what == "nmi":
                self.tell(who, "an NMI comes and goes")
            elif who == "nmi" and what == "on" and self.at["nmi"] >= len(self.path("nmi")):
                self.tell(who, "it ends")
            else:
                if who == "initiator" and what == "to":
                    self.tell(who, "unmaps; a purge")
                    self.at[who] = 0
                self.go(who, until)
                if who == "target" and what == "on":
                    self.tell(who, "in ring 3")
        return self.rows


def cell_of(row: Row, places: dict[str, str]) -> str:
    """What stands in a row's cell: its file where that changes in the column, its line number."""
    file, _, line = row.place.partition(":")
    name = file.rpartition("/")[2]
    if not line:
        return row.text
    if places.get(row.who) == name:
        return f"{line:>4} {row.text}"
    places[row.who] = name
    return f"{name}:{line} {row.text}"


def columns(rows: list[Row], names: dict[str, str]) -> list[str]:
    """The table: one line for each row, in its actor's column, and the place at the end."""
    used = [who for who in ACTORS if any(row.who == who for row in rows)]
    places: dict[str, str] = {}
    width = WIDTH // max(1, len(used)) - 2
    lines = ["| ".join(f"{names[who]:<{width}}" for who in used).rstrip()]
    for row in rows:
        for piece in textwrap.wrap(cell_of(row, places), width - 1, subsequent_indent="      ",
                                   break_on_hyphens=False):
            cells = [piece if row.who == who else "" for who in used]
            lines.append("| ".join(f"{cell:<{width}}" for cell in cells).rstrip("| "))
    return lines


def interleaving(kernel: Path, trace: dict[str, object]) -> list[Row]:
    """The rows of a step, from a document's row with trace=1."""
    paths: dict[str, dict[str, list[int]]] = {
        name: trace[name] for name in ("way", "purge", "nmi")}          # type: ignore
    addresses = [address for path in paths.values() for zone in path.values() for address in zone]
    return Teller(resolve(kernel, addresses), paths).follow(trace["events"])  # type: ignore
