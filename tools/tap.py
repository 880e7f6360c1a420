#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads TAP and KTAP strictly: what is missing counts as a failure, never as a pass.

A stream is cut into blocks by indentation. Each block has a plan and numbered points; a block that
is indented deeper than the point after it is that point's subtests. Only leaves are counted. Lines
that are not TAP (a kernel's log, diagnostics) are ignored, except as the explanation of a failure.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as xml
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PLAN = re.compile(r"^1\.\.([0-9]+)\s*(?:#\s*SKIP\b\s*(.*))?$", re.IGNORECASE)
POINT = re.compile(r"^(not ok|ok)\b\s*([0-9]+)?\s*(?:- ?)?(.*)$")
DIRECTIVE = re.compile(r"(?:^|\s)#\s*(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b:?\s*(.*)$", re.IGNORECASE)
SUBTEST = re.compile(r"^# Subtest:?\s*(.*)$")
BAIL_OUT = re.compile(r"^Bail out!\s*(.*)$")
KEPT_NOTES = 12


@dataclass
class Point:
    """One result: word is pass, fail or skip; why explains the last two."""
    name: str
    word: str
    why: str = ""
    seconds: float = 0.0


@dataclass
class Block:
    """A level of the stream that is not yet closed."""
    indent: int
    plan: int = -1
    seen: int = 0
    title: str = ""
    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def complete(self) -> bool:
        """True once as many points came as were planned."""
        return self.plan >= 0 and self.seen == self.plan


class Parser:
    """Feed it lines, then call finish()."""

    def __init__(self) -> None:
        self.blocks = [Block(0)]
        self.bailed = False
        self.next_title = ""

    def feed(self, raw: str) -> None:
        """Takes one line."""
        line = raw.rstrip("\r\n")
        text = line.lstrip(" ")
        if self.bailed:
            return
        plan, point, bail = PLAN.match(text), POINT.match(text), BAIL_OUT.match(text)
        if not (plan or point or bail):
            self.note(text)
        elif bail:
            self.bailed = True
            self.blocks[-1].points.append(Point("Bail out!", "fail", bail[1] or "no reason given"))
        elif plan:
            self.take_plan(len(line) - len(text), int(plan[1]), plan[2])
        elif point:
            self.take_point(len(line) - len(text), point)

    def note(self, text: str) -> None:
        """Not a result; kept for the failure that it may explain."""
        title = SUBTEST.match(text)
        if title:
            self.next_title = title[1]
        elif text and not text.startswith(("KTAP version", "TAP version")):
            notes = self.blocks[-1].notes
            notes.append(text.removeprefix("# "))
            del notes[:-KEPT_NOTES]

    def level(self, indent: int) -> Block:
        """The open block of this indentation: a new, deeper one, or an older one again."""
        if indent > self.blocks[-1].indent:
            self.blocks.append(Block(indent, title=self.next_title))
            self.next_title = ""
        return self.blocks[-1]

    def take_plan(self, indent: int, count: int, skip: str | None) -> None:
        """1..N: opens its block, which may follow a complete one (several groups in a program)."""
        self.close_deeper(indent, "no result line after these subtests")
        block = self.level(indent)
        if block.plan >= 0 and not block.complete():
            block.points.append(Point("plan", "fail", f"a second plan after {block.seen} of "
                                                      f"{block.plan} results"))
        if block.plan < 0 and block.seen:
            block.points.append(Point("plan", "fail", f"the plan came after {block.seen} results"))
        block.plan, block.seen = count, 0
        if not count:
            reason = skip or "nothing to run here"
            block.points.append(Point("", "skip" if skip is not None else "fail", reason))

    def take_point(self, indent: int, match: re.Match[str]) -> None:
        """One result line, which closes the subtests before it."""
        ok = match[1] == "ok"
        directive = DIRECTIVE.search(match[3])
        name = (match[3][:directive.start()] if directive else match[3]).strip()
        children = self.children_of(indent)
        block = self.level(indent)
        block.seen += 1
        if match[2] and int(match[2]) != block.seen:
            block.points.append(Point(name, "fail", f"numbered {match[2]}, expected {block.seen}"))
        word = directive[1].upper() if directive else ""
        reason = directive[2].strip() if directive else ""
        name = name or reason or f"test {match[2] or block.seen}"
        if word == "SKIP":
            own = Point(name, "skip", reason or "no reason given")
        elif word in ("TODO", "XFAIL") and not ok:
            own = Point(name, "skip", "known failure: " + (reason or "no reason given"))
        elif ok:
            own = Point(name, "pass")
        else:
            own = Point(name, "fail", "; ".join(filter(None, [reason] + block.notes)))
        block.notes = []
        block.points += self.merge(own, children)

    def merge(self, own: Point, children: list[Point] | None) -> list[Point]:
        """A point with subtests stands for them: counted itself only if it disagrees."""
        if children is None:
            return [own]
        merged = [Point(f"{own.name}: {child.name}".rstrip(": "), child.word, child.why)
                  for child in children]
        failed = any(child.word == "fail" for child in children)
        if own.word == "fail" and not failed:
            merged.append(own)
        if own.word == "pass" and not children:
            merged.append(Point(own.name, "fail", "says ok, but has no subtest results"))
        return merged

    def children_of(self, indent: int) -> list[Point] | None:
        """Closes the block right below INDENT; its points, None if there is no such block."""
        while len(self.blocks) > 2 and self.blocks[-2].indent > indent:
            self.close_last("no result line after these subtests")
        if self.blocks[-1].indent <= indent:
            return None
        return self.closed_points(self.blocks.pop())

    def close_deeper(self, indent: int, why: str) -> None:
        """Blocks deeper than INDENT end here without the result line that they need."""
        while len(self.blocks) > 1 and self.blocks[-1].indent > indent:
            self.close_last(why)

    def close_last(self, why: str) -> None:
        """Hands the last block's points to its parent, with a failure that says why."""
        last = self.blocks.pop()
        name = last.title or "subtests"
        points = self.closed_points(last) + [Point("result", "fail", why)]
        self.blocks[-1].points += [Point(f"{name}: {p.name}", p.word, p.why) for p in points]

    def closed_points(self, block: Block) -> list[Point]:
        """The points of a block that is over, and what its plan says about them."""
        points = list(block.points)
        if self.bailed:
            return points
        if block.plan < 0:
            points.append(Point("plan", "fail", "no plan (1..N): the results may be incomplete"))
        elif block.seen != block.plan:
            points.append(Point("plan", "fail", f"planned {block.plan}, saw {block.seen}" +
                                "".join(f"; {note}" for note in block.notes[-2:])))
        return points

    def finish(self) -> list[Point]:
        """The stream is over: all results."""
        self.close_deeper(0, "the output ends here")
        return self.closed_points(self.blocks[0])


def parse(lines: Iterable[str]) -> list[Point]:
    """All results of one stream."""
    parser = Parser()
    for line in lines:
        parser.feed(line)
    return parser.finish()


def count(points: Iterable[Point]) -> dict[str, int]:
    """How many of each word."""
    counts = {"pass": 0, "fail": 0, "skip": 0}
    for point in points:
        counts[point.word] += 1
    return counts


def summary(points: Iterable[Point]) -> str:
    """The line that a test run ends with."""
    counts = count(points)
    text = f"{counts['pass']} passed, {counts['fail']} failed"
    return text + (f", {counts['skip']} skipped" if counts["skip"] else "")


def exit_status(points: list[Point]) -> int:
    """0 only if something passed and nothing failed."""
    counts = count(points)
    return 0 if counts["pass"] and not counts["fail"] else 1


def write_junit(path: Path, suites: dict[str, list[Point]]) -> None:
    """JUnit XML, one test suite for each key."""
    root = xml.Element("testsuites")
    for name, points in suites.items():
        counts = count(points)
        suite = xml.SubElement(root, "testsuite", name=name, tests=str(len(points)),
                               failures=str(counts["fail"]), skipped=str(counts["skip"]),
                               time=f"{sum(p.seconds for p in points):.3f}")
        for point in points:
            case = xml.SubElement(suite, "testcase", classname=name, name=point.name,
                                  time=f"{point.seconds:.3f}")
            if point.word == "fail":
                xml.SubElement(case, "failure", message=point.why)
            elif point.word == "skip":
                xml.SubElement(case, "skipped", message=point.why)
    xml.indent(root)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def main() -> int:
    """tap.py [FILE...]: reads TAP from files or standard input, prints what is not a pass."""
    points: list[Point] = []
    for source in sys.argv[1:] or ["-"]:
        if source == "-":
            points += parse(sys.stdin)
        else:
            points += parse(Path(source).read_text(errors="replace").splitlines())
    for point in points:
        if point.word != "pass":
            print(f"{point.word}: {point.name}: {point.why}")
    print(summary(points))
    return exit_status(points)


if __name__ == "__main__":
    sys.exit(main())
