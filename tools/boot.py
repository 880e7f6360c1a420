#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots one machine, follows its serial line, and says how it ended.

A boot ends when the emulator does, or at the limit: then the emulator is ended by its own process
id, and the result says so. judge() turns a result into one word; nothing that was cut short,
contradicts itself or lacks a verdict is ever a pass.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import machine
import trace_export
from machine import Machine

# What the kernel writes to port 0xf4, as QEMU's exit status: (code << 1) | 1.
STATUS_WORDS = {33: "pass", 35: "fail", 37: "error", 39: "panic", 41: "refused"}
VERDICT = re.compile(r"^lateflush: verdict: (pass|fail|error|panic|refused)\s*$")
ESCAPES = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Za-z0-9]|\x1b[=>c78]")
ENDING_GRACE = 5.0
stop_all = threading.Event()    # set: every boot under way ends at once


@dataclass
class BootResult:
    """What was seen of one boot. status: the emulator's, negative for a signal."""
    engine: str
    arguments: list[str] = field(default_factory=list)      # what started the emulator
    status: int = 0
    timed_out: bool = False
    stopped: bool = False           # ended on request: a line that was waited for came
    seconds: float = 0.0
    limit: float = 0.0
    lines: list[str] = field(default_factory=list)
    document: str = ""              # what came out of port 0xe9
    trace: list[str] = field(default_factory=list)  # the lines of trace= among it
    complaints: str = ""            # the emulator's standard error

    @property
    def last_line(self) -> str:
        """The last line that is not empty, for messages."""
        return next((line for line in reversed(self.lines) if line.strip()), "")

    @property
    def verdict(self) -> str:
        """The word of the last verdict line, "" without one."""
        for line in reversed(self.lines):
            match = VERDICT.match(line)
            if match:
                return match[1]
        return ""


@dataclass(frozen=True)
class Outcome:
    """One word and, unless it is a plain pass, why."""
    word: str                       # pass fail error panic refused crash timeout emulator
    why: str = ""


def clean(raw: bytes) -> str:
    """One line as text: terminal escapes dropped, whatever cannot be printed as '?'."""
    text = ESCAPES.sub("", raw.decode("latin-1")).replace("\r", "")
    return "".join(c if " " <= c <= "~" or c == "\t" else "?" for c in text)


def looks_garbled(lines: list[str]) -> bool:
    """True if what came over the serial line is mostly not text (a wrong line setting)."""
    text = "".join(lines)
    return len(text) > 20 and text.count("?") * 5 > len(text)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ends this very process: politely, then for sure."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ENDING_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def serial_of_qemu(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Pieces of QEMU's standard output; b"" when nothing came for a moment; ends with it."""
    assert process.stdout
    descriptor = process.stdout.fileno()
    while True:
        if not select.select([descriptor], [], [], 0.2)[0]:
            yield b""
            continue
        piece = os.read(descriptor, 65536)
        if not piece:
            return
        yield piece


def serial_of_bochs(process: subprocess.Popen[bytes], path: Path) -> Iterator[bytes]:
    """The same from the file that Bochs writes the serial line to."""
    with path.open("rb") as file:
        while True:
            ended = process.poll() is not None
            piece = file.read()
            yield piece
            if ended and not piece:
                return
            if not piece:
                time.sleep(0.1)


class SerialLines:
    """Cuts the serial stream into lines as it comes."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self.on_line = on_line
        self.rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """Takes a piece of the stream; returns the lines that it completed."""
        *complete, self.rest = (self.rest + piece).split(b"\n")
        fresh = [clean(raw) for raw in complete]
        for line in fresh:
            self.lines.append(line)
            self.on_line(line)
        return fresh

    def finish(self) -> None:
        """The stream is over: what is left is a line too."""
        if self.rest:
            self.feed(b"\n")


def document_of(m: Machine, work: Path) -> tuple[str, list[str]]:
    """What the kernel wrote to port 0xe9: the document, and the lines of its trace.

    Bochs mixes them with its own chatter, line by line.
    """
    path = work / ("stdout.txt" if m.engine == "bochs" else "debugcon.txt")
    text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    text, trace = trace_export.split(text)
    if m.engine == "bochs":
        begin = re.search(r"^\{", text, re.MULTILINE)
        end = re.search(r"^(\}|\{.*\})$", text, re.MULTILINE)
        text = text[begin.start():end.end()] if begin and end else ""
    return text, trace


def boot(m: Machine, work: Path, limit: float, log: Path,
         on_line: Callable[[str], None] = lambda line: None, until: str = "", times: int = 1,
         then: Callable[[], None] = lambda: None) -> BootResult:
    """Boots M until it ends, LIMIT seconds have passed or a line holding UNTIL came
    the TIMES-th time.

    In the last case THEN is called before the machine is ended. LOG gets the serial line's bytes
    as they are. May raise machine.MachineError or OSError.
    """
    arguments = machine.command(m, work)
    (work / "debugcon.txt").unlink(missing_ok=True)
    result = BootResult(m.engine, arguments, limit=limit)
    lines = SerialLines(on_line)
    bochs = m.engine == "bochs"
    started = time.monotonic()
    with log.open("wb") as log_file, (work / "stderr.txt").open("wb") as stderr, \
            (work / "stdout.txt").open("wb") as stdout:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=stderr,
                                   stdout=stdout if bochs else subprocess.PIPE)
        try:
            pieces = (serial_of_bochs(process, work / "serial.txt") if bochs
                      else serial_of_qemu(process))
            for piece in pieces:
                log_file.write(piece)
                log_file.flush()
                times -= sum(bool(until) and until in line for line in lines.feed(piece))
                if until and times <= 0:
                    result.stopped = True
                    then()
                    break
                if time.monotonic() - started > limit or stop_all.is_set():
                    result.timed_out = True
                    break
            if not result.stopped and not result.timed_out:
                process.wait(ENDING_GRACE)
        except subprocess.TimeoutExpired:
            result.timed_out = True
        finally:
            end_process(process)
    lines.finish()
    result.lines = lines.lines
    result.status = process.returncode
    result.seconds = time.monotonic() - started
    result.document, result.trace = document_of(m, work)
    result.complaints = (work / "stderr.txt").read_text(errors="replace")
    return result


def how_it_ended(result: BootResult) -> str:
    """The emulator's end in words, with the last thing seen of the kernel."""
    if result.timed_out:
        end = f"no end after {result.limit:.0f} s"
    elif result.status < 0:
        end = f"{result.engine} was ended by {signal.Signals(-result.status).name}"
    else:
        end = f"{result.engine} ended with status {result.status}"
    if not result.last_line:
        seen = "the kernel printed nothing"
    elif looks_garbled(result.lines):
        seen = f"the serial line is garbled, last: {result.last_line[:60]}"
    else:
        seen = f"last line seen: {result.last_line[:200]}"
    return f"{end}; {seen}"


def judge(result: BootResult) -> Outcome:
    """The kernel's own verdict if the boot's two witnesses agree on it.

    QEMU has the exit status and the verdict line; Bochs has the line only.
    """
    line = result.verdict
    if result.timed_out:
        return Outcome("timeout", how_it_ended(result))
    if result.engine == "bochs":
        return Outcome(line) if line else Outcome("crash", "no verdict: " + how_it_ended(result))
    status = STATUS_WORDS.get(result.status, "")
    complaint = result.complaints.strip().splitlines()[-1:]
    if not status and not line and result.status < 0 and not result.lines:
        return Outcome("emulator", "; ".join([how_it_ended(result)] + complaint)[:300])
    if not status and not line:
        return Outcome("crash", "no verdict (a triple fault looks like this): " +
                       "; ".join([how_it_ended(result)] + complaint))
    if status != line:
        return Outcome("error", f"verdict line says {line or 'nothing'}, exit status "
                       f"{result.status} says {status or 'nothing'}; {how_it_ended(result)}")
    return Outcome(line)
