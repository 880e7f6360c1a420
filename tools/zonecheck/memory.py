# SPDX-License-Identifier: MIT
"""Where an operand points, and whether the zone may go there.

The parts of memory that are allowed come from the description. What is loaded is ANY, unless it is
a fact of the description, a constant of a read-only part, or what this path put on a private stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .image import Image, ImageError, Operand
from .state import State
from .values import ANY, MASK, Value, add, address, constant, multiply, shift_right, truncate

STACK_WORD = 8


@dataclass(frozen=True)
class Part:
    """Memory that may be touched: offsets [start, end) of a region, or addresses if region is "".
    private: a stack that nobody else writes while this path runs. in_ring3: mapped there too."""
    name: str
    region: str
    start: int
    end: int
    writable: bool
    private: bool = False
    in_ring3: bool = True


@dataclass(frozen=True)
class Fact:
    """What a word of memory holds in the zone, and why that is so."""
    region: str
    offset: int
    size: int
    value: Value
    name: str
    reason: str


class Memory:
    """The parts and facts of one description, and which of them were used."""

    def __init__(self, image: Image, parts: list[Part], facts: list[Fact],
                 aligned: dict[str, int]) -> None:
        self.image = image
        self.aligned = aligned  # what the start of a region is a multiple of
        self.parts = parts
        self.facts = facts
        self.touched: dict[str, set[int]] = {}
        self.report: Callable[[str], None] = lambda text: None
        self.at = 0             # the instruction that is being looked at
        self.excused = ""       # its class, if the description excuses what it touches

    def locate(self, state: State, operand: Operand) -> Value:
        """The address that a memory operand names."""
        value = constant(operand.value)
        if operand.segment == "gs":
            if state.gs != "kernel":
                self.report(f"GS is not the per-CPU block here (it is {state.gs})")
            value = address("area", operand.value & MASK)     # by way of RIP it wraps
        elif operand.segment in ("fs", "es"):
            self.report(f"segment {operand.segment} is not known")
            return ANY
        if operand.base and operand.base == operand.index and operand.scale == 1:
            return add(value, multiply(state.read(operand.base), 2))
        if operand.base:
            value = add(value, state.read(operand.base))
        if operand.index:
            value = add(value, multiply(state.read(operand.index), operand.scale))
        return value

    def part_of(self, where: Value, size: int) -> Part | None:
        """The one part in which all of what WHERE may be lies."""
        for part in self.parts:
            if part.region == where.base and part.start <= where.low and \
                    where.high + size <= part.end:
                return part
        return None

    def check(self, state: State, where: Value, size: int, writes: bool) -> Part | None:
        """Classifies an access; what is not allowed is reported."""
        part = self.part_of(where, size)
        if part is None and self.excused:
            self.touch(self.excused)
            return None
        verb = "writes" if writes else "reads"
        if part is None:
            self.report(f"{verb} {size} bytes at {where}: {self.nearest(where)}")
            return None
        self.touch(part.name)
        if writes and not part.writable:
            self.report(f"writes at {where}, in {part.name}, which is read-only")
        if state.root == "ring3" and not part.in_ring3:
            self.report(f"{verb} {part.name} at {where} on ring 3's root, which has it not")
        return part

    def touch(self, name: str) -> None:
        """Counts an instruction that touches a class of memory."""
        self.touched.setdefault(name, set()).add(self.at)

    def nearest(self, where: Value) -> str:
        """Why an address is in no part."""
        if where.base:
            known = [part for part in self.parts if part.region == where.base]
            return f"no part of region {where.base} that may be touched" if known else \
                f"region {where.base} must not be touched before the flush"
        if where.constant is not None:
            return f"{self.image.symbol_at(where.low)[0]}, not in memory that may be touched"
        return "a pointer of which nothing is known"

    def load(self, state: State, where: Value, size: int) -> Value:
        """Reads memory."""
        part = self.check(state, where, size, writes=False)
        if part is None or where.low != where.high:
            return truncate(ANY, size)
        for fact in self.facts:
            if fact.region == where.base and fact.offset == where.low and size <= fact.size:
                return truncate(fact.value, size)
        if not part.writable and not where.base:
            try:
                return constant(self.image.read_number(where.low, size))
            except ImageError:
                return truncate(ANY, size)
        word = where.low & ~(STACK_WORD - 1)
        shift = where.low - word
        if part.private and shift + size <= STACK_WORD:
            value = state.stack.get((where.base, word), ANY)
            return truncate(shift_right(value, 8 * shift) if shift else value, size)
        return truncate(ANY, size)

    def store(self, state: State, where: Value, size: int, value: Value) -> None:
        """Writes memory."""
        part = self.check(state, where, size, writes=True)
        if part is None:
            return
        for fact in self.facts:
            if fact.region == where.base and where.low < fact.offset + fact.size and \
                    where.high + size > fact.offset:
                self.report(f"writes {fact.name}, which is taken for constant")
        state.forget(where.base, where.low, where.high + size)
        if part.private and size == STACK_WORD and where.low == where.high and \
                where.low % STACK_WORD == 0:
            state.stack[where.base, where.low] = value
