# SPDX-License-Identifier: MIT
"""What is known at one point of a path: registers, the private stacks, the flags' origin, the root
of the page tables and GS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .values import ANY, MASK, Value, join, number, shift_left, shift_right, truncate, widen

WIDE = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")


def _parts() -> dict[str, tuple[str, int, int]]:
    """Every name of a part of a register: register, size in bytes, shift in bits."""
    parts = {name: (name, 8, 0) for name in WIDE}
    for name in ("ax", "bx", "cx", "dx"):
        parts |= {name[0] + "l": ("r" + name, 1, 0), name[0] + "h": ("r" + name, 1, 8)}
    for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp"):
        parts |= {"e" + name: ("r" + name, 4, 0), name: ("r" + name, 2, 0)}
        if name[1] != "x":
            parts[name + "l"] = ("r" + name, 1, 0)
    for index in range(8, 16):
        for suffix, size in (("d", 4), ("w", 2), ("b", 1)):
            parts[f"r{index}{suffix}"] = (f"r{index}", size, 0)
    return parts


PARTS = _parts()
CALLER_SAVED = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")


@dataclass(frozen=True)
class Flags:
    """What the flags came from. kind: "cmp" (left - right), "test" (left & right). left_in: the
    wide register that still holds left, "" if none does; right_in likewise."""
    kind: str
    left: Value
    right: Value
    size: int
    left_in: str = ""
    right_in: str = ""


@dataclass
class State:
    """door: whose path this is; doors have stacks of their own, so they are never joined.
    root: "one", "kernel" or "ring3". gs: "user", "kernel" (the per-CPU block), "unknown", or
    "restored" to what it was. found: the root at the door. stack: (region, offset) -> the eight
    bytes there."""
    door: str
    root: str
    gs: str
    found: str
    registers: dict[str, Value] = field(default_factory=lambda: dict.fromkeys(WIDE, ANY))
    stack: dict[tuple[str, int], Value] = field(default_factory=dict)
    flags: Flags | None = None

    def copy(self) -> State:
        """One that can go its own way."""
        return State(self.door, self.root, self.gs, self.found, dict(self.registers),
                     dict(self.stack), self.flags)

    def read(self, name: str) -> Value:
        """A register or a part of one, zero-extended."""
        wide, size, shift = PARTS[name]
        value = self.registers[wide]
        return truncate(shift_right(value, shift) if shift else value, size)

    def write(self, name: str, value: Value) -> None:
        """Writes a register or a part; one of 4 bytes clears the upper half (SDM Vol 1 3.4.1.1)."""
        wide, size, shift = PARTS[name]
        if size == 4:
            value = truncate(value, 4)
        elif size < 4:
            value = self._merge(self.registers[wide], truncate(value, size), size, shift)
        self.registers[wide] = value
        if self.flags and wide in (self.flags.left_in, self.flags.right_in):
            old = self.flags
            self.flags = Flags(old.kind, old.left, old.right, old.size,
                               "" if old.left_in == wide else old.left_in,
                               "" if old.right_in == wide else old.right_in)

    @staticmethod
    def _merge(old: Value, value: Value, size: int, shift: int) -> Value:
        mask = ((1 << 8 * size) - 1) << shift
        if not shift and not old.base and old.high <= mask:
            return value
        value = shift_left(value, shift) if shift else value
        zeros = 0 if old.base else old.zeros & ~mask
        ones = 0 if old.base else old.ones & ~mask
        return number(0, MASK, zeros | value.zeros & mask, ones | value.ones & mask)

    def forget(self, region: str, low: int, end: int) -> None:
        """Stack bytes [low, end) may have changed."""
        for place in [p for p in self.stack if p[0] == region and low - 8 < p[1] < end]:
            del self.stack[place]

    def call_out(self) -> None:
        """A C function ran that is not followed: the registers that the ABI lets it change, and
        all memory."""
        for name in CALLER_SAVED:
            self.registers[name] = ANY
        self.stack.clear()
        self.flags = None

    def _merge_flags(self, other: Flags | None,
                     combine: Callable[[Value, Value], Value]) -> Flags | None:
        mine = self.flags
        if not mine or not other or (mine.kind, mine.size, mine.left_in, mine.right_in) != \
                (other.kind, other.size, other.left_in, other.right_in):
            return None
        return Flags(mine.kind, combine(mine.left, other.left), combine(mine.right, other.right),
                     mine.size, mine.left_in, mine.right_in)

    def merge(self, other: State, widening: bool) -> State | None:
        """What stands for both; None if that is this state itself."""
        combine = widen if widening else join
        merged = State(self.door, self.root, self.gs, self.found,
                       {name: combine(value, other.registers[name])
                        for name, value in self.registers.items()},
                       {place: combine(value, other.stack[place])
                        for place, value in self.stack.items() if place in other.stack},
                       self._merge_flags(other.flags, combine))
        return None if merged == self else merged
