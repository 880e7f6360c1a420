#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns the records of trace= into the trace-event form that Perfetto and chrome://tracing open.

The kernel writes them to port 0xe9 as lines that begin with "@trace", see kernel/trace_report.c.
A trace whose end is missing is refused. As a program: trace_export.py LINES.txt TRACE.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs/trace.schema.json"
MARK = "@trace "
ARGS = 4
# Event: what it opens or closes on its CPU's track; the others are instants.
OPENS = {"tlb_purge": "purge", "ipi_in": "interrupt", "entry": "kernel", "nmi_in": "nmi"}
CLOSES = {"tlb_purge_end": "purge", "ipi_out": "interrupt", "exit": "kernel", "nmi_out": "nmi"}


class TraceError(Exception):
    """The lines are no whole trace."""


@dataclass(frozen=True)
class Record:
    """One record. args as in arch/x86_64/trace.h; text: the kernel's own words for it."""
    cpu: int
    tsc: int
    event: str
    other: int
    args: tuple[int, ...]
    text: str


@dataclass
class Cpu:
    """What one CPU's ring said about itself."""
    cpu: int
    isolated: bool
    written: int
    overwritten: int
    not_whole: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass
class Trace:
    """All of it; records by CPU, each CPU's in the order in which they were written."""
    tsc_khz: int = 0
    cpus: list[Cpu] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def split(text: str) -> tuple[str, list[str]]:
    """What came out of port 0xe9, without the trace, and the trace's lines."""
    lines = text.split("\n")
    trace = [line for line in lines if line.startswith(MARK)]
    if not trace:
        return text, []
    return "\n".join(line for line in lines if not line.startswith(MARK)), trace


def parse_record(words: list[str]) -> Record:
    """One line "r CPU TSC EVENT OTHER A B C D TEXT"."""
    cpu, tsc, event, other = int(words[0]), int(words[1]), words[2], int(words[3])
    args = tuple(int(word, 16) for word in words[4:4 + ARGS])
    return Record(cpu, tsc, event, other, args, " ".join(words[4 + ARGS:]))


def parse_cpu(words: list[str]) -> Cpu:
    """One line "cpu CPU iso|hk WRITTEN OVERWRITTEN BROKEN EVENT=COUNT..."."""
    counts = dict(word.split("=") for word in words[5:])
    written, overwritten, not_whole = (int(word) for word in words[2:5])
    return Cpu(int(words[0]), words[1] == "iso", written, overwritten, not_whole,
               {name: int(count) for name, count in counts.items()})


def parse(lines: list[str]) -> Trace:
    """The whole trace; each CPU has to have as many records as its line says."""
    trace = Trace()
    ended = False
    try:
        for line in lines:
            kind, *words = line[len(MARK):].split(" ")
            if kind == "begin" and words[0] == "1":
                trace.tsc_khz = int(words[1])
            elif kind == "cpu":
                trace.cpus.append(parse_cpu(words))
            elif kind == "r":
                trace.records.append(parse_record(words))
            elif kind == "end":
                ended = True
            else:
                raise TraceError(f"unknown line: {line[:80]}")
    except (ValueError, IndexError, TypeError) as error:
        raise TraceError(f"bad line: {line[:80]} ({error})") from None
    if not ended or not trace.tsc_khz:
        raise TraceError("cut short: no end after " + (lines[-1][:80] if lines else "nothing"))
    for cpu in trace.cpus:
        found = sum(record.cpu == cpu.cpu for record in trace.records)
        if found != cpu.written - cpu.overwritten - cpu.not_whole:
            raise TraceError(f"CPU {cpu.cpu}: {found} records, not the {cpu.written} - "
                             f"{cpu.overwritten} - {cpu.not_whole} that it has")
    return trace


def event_of(record: Record, start: int, tsc_khz: int, depth: list[str]) -> dict[str, Any]:
    """One trace event. DEPTH: what is open on this CPU's track."""
    event: dict[str, Any] = {
        "name": record.event, "ph": "i", "pid": 0, "tid": record.cpu,
        "ts": round((record.tsc - start) * 1000 / tsc_khz, 3), "cat": record.event,
        "args": {"text": record.text}}
    opened, closed = OPENS.get(record.event), CLOSES.get(record.event)
    if opened:
        depth.append(opened)
        event["ph"] = "B"
        if record.event in ("entry", "nmi_in"):
            event["name"] = record.text.split(" at ")[0]
    elif closed and depth and depth[-1] == closed:
        depth.pop()
        event["ph"] = "E"
    elif record.event == "mark":
        event |= {"name": record.text, "s": "g"}
    else:
        event["s"] = "t"
    return event


def trace_events(trace: Trace) -> dict[str, Any]:
    """The document. An end whose beginning is overwritten stays as an instant."""
    events: list[dict[str, Any]] = [{"name": "process_name", "ph": "M", "pid": 0, "tid": 0,
                                     "args": {"name": "Lateflush"}}]
    start = min((record.tsc for record in trace.records), default=0)
    for cpu in trace.cpus:
        role = "isolated" if cpu.isolated else "housekeeping"
        events.append({"name": "thread_name", "ph": "M", "pid": 0, "tid": cpu.cpu,
                       "args": {"name": f"CPU {cpu.cpu} ({role})"}})
        depth: list[str] = []
        events += [event_of(record, start, trace.tsc_khz, depth)
                   for record in trace.records if record.cpu == cpu.cpu]
    return {"displayTimeUnit": "ns",
            "otherData": {"schema": 1, "tsc_khz": trace.tsc_khz,
                          "times": "TSC; meaningless under an emulator but for their order",
                          "cpus": [vars(cpu) for cpu in trace.cpus]},
            "traceEvents": events}


def write(lines: list[str], path: Path) -> str:
    """Writes PATH from the kernel's lines. "" or what is wrong."""
    try:
        document = trace_events(parse(lines))
    except TraceError as error:
        return f"trace: {error}"
    try:
        import jsonschema  # pylint: disable=import-outside-toplevel
    except ImportError:
        return "cannot validate the trace: install python3-jsonschema"
    schema = json.loads(SCHEMA.read_text())
    # Events differ in their numbers only where they have the same event, phase and keys.
    kinds = {(event.get("cat"), event["ph"], *sorted(event)): event
             for event in document["traceEvents"]}
    sample = dict(document, traceEvents=list(kinds.values()))
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(sample), key=str)
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "the document"
        return f"the trace does not fit its schema: {where}: {errors[0].message[:200]}"
    with path.open("w", encoding="ascii") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")
    return ""


def main() -> int:
    """Command line of this tool."""
    fault = write(split(Path(sys.argv[1]).read_text(encoding="ascii"))[1], Path(sys.argv[2]))
    print(fault or f"{sys.argv[2]} written")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
