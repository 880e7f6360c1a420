# SPDX-License-Identifier: MIT
"""Follows every path from the doors to the ends of the zone.

A node is an instruction in a calling context: the return addresses on the stack, which root and GS
are in force, and how often the outermost loop has turned, up to a limit. What is known at a
node is joined over all paths that lead there, until nothing changes. So what holds at a node holds
on every path, and a loop whose end follows from the values within the limit is no loop here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .branches import NEGATED, assume
from .image import Image, ImageError, Instruction
from .interpret import CONDITIONS, Interpreter
from .loops import closes_loop
from .memory import Memory
from .patched import Patches
from .state import State
from .values import constant

MAX_DEPTH = 24                  # of calls; more is taken for recursion
MAX_TURNS = 200                 # times that a node is met with something new
WIDEN_AFTER = 4
MAX_TRIPS = 8                   # turns of a loop that are told apart
ENDS = ("iretq", "sysret", "sysretq")


class Trip(NamedTuple):
    """Turns of a loop that is under way: code [low, high] in the context of this depth."""
    depth: int
    low: int
    high: int
    turns: int


class Node(NamedTuple):
    """A place on a path; the last four as in State."""
    context: tuple[int, ...]
    trips: tuple[Trip, ...]
    address: int
    door: str
    root: str
    gs: str
    found: str


def node_of(context: tuple[int, ...], address: int, state: State,
            trips: tuple[Trip, ...] = ()) -> Node:
    """Where STATE belongs."""
    return Node(context, trips, address, state.door, state.root, state.gs, state.found)


@dataclass(frozen=True)
class End:
    """Where the zone ends on the way in. root: what must be in force there, with two roots."""
    address: int
    name: str
    root: str


@dataclass(frozen=True)
class Door:
    """Where a path begins."""
    name: str
    address: int
    state: State


@dataclass
class Rules:
    """What the description allows."""
    code: list[tuple[int, int]]
    ends: dict[int, End]
    calls_out: dict[int, str]           # C functions behind the zone's end: address -> name
    excused: list[tuple[int, int, str]]  # ranges of code, and the class of what they touch
    returns: set[int]                   # functions whose RET is an end
    traps: set[str] = field(default_factory=lambda: {"ud2", "int3"})
    patches: Patches = field(default_factory=Patches)
    behind: dict[int, End] = field(default_factory=dict)    # functions whose RET to anybody is one


@dataclass(frozen=True)
class Violation:
    """Something that the zone must not do."""
    address: int
    text: str
    way: tuple[int, ...]                # the calls that lead there


class Walk:
    """One configuration's paths."""

    def __init__(self, image: Image, rules: Rules, memory: Memory,
                 interpreter: Interpreter) -> None:
        self.image = image
        self.rules = rules
        self.memory = memory
        self.interpreter = interpreter
        self.known: dict[Node, State] = {}
        self.turns: dict[Node, int] = {}
        self.edges: dict[Node, set[Node]] = {}
        self.violations: dict[tuple[int, str], Violation] = {}
        self.ended: dict[str, int] = {}
        self.work: dict[Node, None] = {}        # what has to be visited (again), in that order
        self.node = Node((), (), 0, "", "", "", "")
        memory.report = self.report

    def report(self, text: str) -> None:
        """A violation at the current instruction."""
        self.violations.setdefault((self.node.address, text),
                                   Violation(self.node.address, text, self.node.context))

    def run(self, doors: list[Door]) -> None:
        """Follows all paths."""
        for door in doors:
            self.enter((), door.address, door.state, None)
        while self.work:
            self.node = next(iter(self.work))
            del self.work[self.node]
            self.visit(self.node, self.known[self.node].copy())

    def enter(self, context: tuple[int, ...], address: int, state: State,
              previous: Node | None) -> None:
        """STATE arrives at ADDRESS, and at what may stand there in its place."""
        ways = self.rules.patches.ways(address)
        for way in ways:
            self.enter_way(context, way, state if len(ways) == 1 else state.copy(), previous)

    def enter_way(self, context: tuple[int, ...], address: int, state: State,
                  previous: Node | None) -> None:
        """STATE arrives at ADDRESS itself."""
        node = node_of(context, address, state, self.trips(context, address, previous))
        if previous is not None:
            self.edges.setdefault(previous, set()).add(node)
        if node not in self.known:
            self.known[node] = state
        else:
            turns = self.turns.get(node, 0)
            merged = self.known[node].merge(state, turns > WIDEN_AFTER)
            if merged is None:
                return
            self.turns[node] = turns + 1
            if turns > MAX_TURNS:
                self.report("what is known here never settles")
                return
            self.known[node] = merged
        self.work.setdefault(node)

    def trips(self, context: tuple[int, ...], address: int,
              previous: Node | None) -> tuple[Trip, ...]:
        """The loops that are under way at ADDRESS: a jump back turns one, leaving its code or its
        function ends it."""
        if previous is None:
            return ()
        depth = len(context)
        kept = [t for t in previous.trips
                if t.depth < depth or t.depth == depth and t.low <= address <= t.high]
        if context == previous.context and address <= previous.address and \
                closes_loop(self.image, address, previous.address):
            turned = next((t for t in kept if t[:3] == (depth, address, previous.address)), None)
            if turned:
                kept.remove(turned)
            if turned:
                kept.append(turned._replace(turns=min(turned.turns + 1, MAX_TRIPS)))
            elif not kept:              # a loop inside another is not told apart
                kept.append(Trip(depth, address, previous.address, 1))
        return tuple(kept)

    def visit(self, node: Node, state: State) -> None:
        """One instruction."""
        end = self.rules.ends.get(node.address)
        if end:
            self.reach(end.name, state, end.root)
            return
        if not any(low <= node.address < high for low, high in self.rules.code):
            name = self.image.symbol_at(node.address)[0]
            self.report(f"{name} is not in the sections of the zone (not noinstr)")
            return
        try:
            ins = self.image.instruction(node.address)
        except ImageError as error:
            self.report(str(error))
            return
        self.memory.at = node.address
        self.memory.excused = next((name for low, high, name in self.rules.excused
                                    if low <= node.address < high), "")
        if ins.mnemonic in ENDS:
            self.leave_ring0(ins, state)
        elif ins.mnemonic in self.rules.traps:
            self.report("ends in an exception on purpose")
        elif ins.mnemonic == "jmp":
            self.jump(node, ins, state)
        elif ins.mnemonic == "call":
            self.call(node, ins, state)
        elif ins.mnemonic == "ret":
            self.ret(node, state)
        elif ins.mnemonic[0] == "j":
            self.branch(node, ins, state)
        else:
            self.interpreter.step(state, ins)
            self.enter(node.context, self.after(ins), state, node)

    # --- Where paths end ---

    def reach(self, name: str, state: State, root: str) -> None:
        """An end of the zone."""
        self.ended[name] = self.ended.get(name, 0) + 1
        if "one" not in (root, state.root) and state.root != (root or state.found):
            self.report(f"the zone ends here ({name}) on {state.root}'s root; it should be "
                        f"{root or state.found}'s")

    def leave_ring0(self, ins: Instruction, state: State) -> None:
        """IRET, SYSRET: back to what was interrupted, on the root that was found."""
        if ins.mnemonic == "iretq":
            self.memory.check(state, state.read("rsp"), 40, writes=False)
        if state.gs not in ("user", "restored"):
            self.report(f"returns with GS in state {state.gs}")
        self.reach(ins.mnemonic, state, "")

    # --- Where they go ---

    def after(self, ins: Instruction) -> int:
        """The address behind INS."""
        return self.rules.patches.after(ins)

    def targets(self, ins: Instruction, state: State) -> list[int]:
        """Of a jump or call; an empty list, and a violation, if the set is not known."""
        operand = ins.operands[0]
        value = self.interpreter.read(state, operand)
        thunk = self.rules.patches.thunks.get(value.low) if value.constant is not None else None
        if thunk:
            value = state.read(thunk)
        if value.constant in self.rules.patches.unknown:
            self.report(f"{ins.mnemonic} by way of {self.rules.patches.unknown[value.low]}, which "
                        "is set at run time")
            return []
        if value.constant is not None:
            return [value.constant]
        self.report(f"indirect {ins.mnemonic} to a target that is not known")
        return []

    def jump(self, node: Node, ins: Instruction, state: State) -> None:
        """JMP, also as the last call of a function."""
        for target in self.targets(ins, state):
            if target in self.rules.patches.returns:
                self.ret(node, state)
            else:
                self.enter(node.context, target, state, node)

    def branch(self, node: Node, ins: Instruction, state: State) -> None:
        """Jcc: both ways, as far as the condition may hold."""
        condition = ins.mnemonic[1:]
        taken, other = state, state
        if condition in CONDITIONS:
            yes, no = assume(state, condition), assume(state, NEGATED[condition])
            if yes is None and no is None:
                self.report("neither way of this branch can be gone: the checker is wrong here")
                return
            if yes is None:
                self.enter(node.context, self.after(ins), no or other, node)
                return
            if no is None:
                self.enter(node.context, ins.operands[0].value & (1 << 64) - 1, yes, node)
                return
            taken, other = yes, no
        self.enter(node.context, ins.operands[0].value & (1 << 64) - 1, taken.copy(), node)
        self.enter(node.context, self.after(ins), other.copy(), node)

    def call(self, node: Node, ins: Instruction, state: State) -> None:
        """CALL: followed, unless it is what runs behind the zone."""
        targets = self.targets(ins, state)
        if not targets:
            # For what that says of the stack.
            self.interpreter.push(state, constant(self.after(ins)))
        for target in targets:
            if target in self.rules.calls_out:
                self.reach(self.rules.calls_out[target], state, "kernel")
                state.call_out()
                self.enter(node.context, self.after(ins), state, node)
            elif len(node.context) == MAX_DEPTH:
                self.report(f"calls nest deeper than {MAX_DEPTH}: recursion?")
            else:
                inner = state.copy()
                self.interpreter.push(inner, constant(self.after(ins)))
                self.enter((*node.context, self.after(ins)), target, inner, node)

    def ret(self, node: Node, state: State) -> None:
        """RET: to the caller, of which the stack must still hold the address."""
        start = self.image.symbol_at(node.address)[1]
        where = self.interpreter.pop(state)
        if start in self.rules.behind:
            self.reach(self.rules.behind[start].name, state, self.rules.behind[start].root)
        elif not node.context:
            if start in self.rules.returns:
                self.reach("ret", state, "")
            else:
                self.report("returns to an address that is not known")
        elif where.constant != node.context[-1]:
            self.report(f"the return address is not certainly on the stack any more ({where})")
        else:
            self.enter(node.context[:-1], node.context[-1], state, node)
