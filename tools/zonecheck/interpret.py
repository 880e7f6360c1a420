# SPDX-License-Identifier: MIT
"""One instruction's effect on what is known. An instruction that is not in here is a violation:
it has to be known that it cannot fault, loops on nothing and touches only its operands.

Intel's names; the semantics are the SDM's (Vol 2).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from . import rarely, values
from .branches import NEGATED, assume, holder
from .image import Instruction, Operand
from .memory import Memory
from .state import Flags, State
from .values import ANY, Value, address, constant, number, truncate

CONDITIONS = set(NEGATED)
MSR_GS_BASE = 0xc0000101
FLAG_IF = 1 << 9
RING3_ROOT = 1 << 12            # kPTI's bit of CR3
NOT_KEPT = ("rol", "ror", "neg", "sar", "tzcnt", "bsf", "bsr", "popcnt", "bswap")
HARMLESS = ("nop", "endbr64", "cld", "clac", "cli", "pause", "lfence", "mfence", "sfence", "fnop",
            "prefetcht0", "prefetchw", "prefetchnta")   # these read nothing and never fault


class Interpreter:
    """Executes instructions that only go on to the next one."""

    def __init__(self, memory: Memory, named: dict[str, str]) -> None:
        self.memory = memory
        self.named = named                      # privileged instructions with a written reason
        self.used: set[str] = set()
        self.excuse_wrmsr = False
        self.flushes: dict[str, set[int]] = {}  # what drops translations, and where
        self.table: dict[str, Callable[[State, Instruction], None]] = {
            "mov": self._mov, "movabs": self._mov, "movzx": self._mov, "movsx": self._movsx,
            "movsxd": self._movsx, "lea": self._lea, "push": self._push, "pop": self._pop,
            "pushfq": self._pushf, "popfq": self._popf, "cdqe": self._cdqe,
            "inc": self._inc, "dec": self._inc, "not": self._not, "imul": self._imul,
            "shl": self._shift, "sal": self._shift, "shr": self._shift,
            "xchg": self._xchg, "xadd": self._xadd, "cmpxchg": self._cmpxchg,
            "cmp": self._cmp, "test": self._test, "swapgs": self._swapgs,
            "rdmsr": self._rdmsr, "wrmsr": self._wrmsr, "rdtsc": self._rdtsc,
            "invlpg": self._invlpg, "invpcid": self._invpcid,
        }
        for name, action in rarely.ACTIONS.items():
            self.table[name] = functools.partial(action, self)
        self.table |= dict.fromkeys(("add", "sub", "and", "or", "xor"), self._arithmetic)
        self.table |= dict.fromkeys(NOT_KEPT, self._not_kept)

    def step(self, state: State, ins: Instruction) -> None:
        """Changes STATE as INS does."""
        action = self.table.get(ins.mnemonic)
        if rarely.copies(state, ins):
            rarely.copy(self, state, ins)
        elif ins.prefix not in ("", "lock"):
            self.memory.report(f"prefix {ins.prefix}: not known to be harmless")
        elif action:
            action(state, ins)
        elif ins.mnemonic.startswith("set"):
            self._set(state, ins)
        elif ins.mnemonic.startswith("cmov"):
            self._cmov(state, ins)
        elif ins.mnemonic not in HARMLESS:
            self.memory.report("an instruction that is not known to be harmless")

    # --- Operands ---

    def read(self, state: State, operand: Operand) -> Value:
        """An operand's value, zero-extended."""
        if operand.kind == "reg":
            return state.read(operand.name)
        if operand.kind == "imm":
            return constant(operand.value)      # sign-extended; who uses it cuts it to size
        return self.memory.load(state, self.memory.locate(state, operand), operand.size)

    def write(self, state: State, operand: Operand, value: Value) -> None:
        """Writes an operand."""
        if operand.kind == "reg":
            state.write(operand.name, value)
        else:
            self.memory.store(state, self.memory.locate(state, operand), operand.size,
                              truncate(value, operand.size))

    def push(self, state: State, value: Value) -> None:
        """Onto the stack; what is not known to be a stack is reported."""
        state.write("rsp", values.subtract(state.read("rsp"), constant(8)))
        self.memory.store(state, state.read("rsp"), 8, value)

    def pop(self, state: State) -> Value:
        """From the stack."""
        where = state.read("rsp")
        state.write("rsp", values.add(where, constant(8)))
        return self.memory.load(state, where, 8)

    # --- Data ---

    def _mov(self, state: State, ins: Instruction) -> None:
        to, what = ins.operands
        if what.name.startswith(("cr", "dr")):
            self._from_control(state, to, what.name)
        elif to.name.startswith(("cr", "dr")):
            self._to_control(state, to.name, state.read(what.name))
        elif to.kind == "reg" and to.name in ("ds", "es", "fs", "gs", "ss"):
            self.memory.report("loads a segment register")
        else:
            self.write(state, to, self.read(state, what))

    def _movsx(self, state: State, ins: Instruction) -> None:
        self.write(state, ins.operands[0], values.signed(self.read(state, ins.operands[1]),
                                                         ins.operands[1].size))

    def _cdqe(self, state: State, _ins: Instruction) -> None:
        state.write("rax", values.signed(state.read("eax"), 4))

    def _lea(self, state: State, ins: Instruction) -> None:
        to, what = ins.operands
        self.write(state, to, self.memory.locate(state, what))

    def _push(self, state: State, ins: Instruction) -> None:
        self.push(state, self.read(state, ins.operands[0]))

    def _pop(self, state: State, ins: Instruction) -> None:
        value = self.pop(state)
        self.write(state, ins.operands[0], value)

    def _pushf(self, state: State, _ins: Instruction) -> None:
        self.push(state, number(0, values.MASK, zeros=FLAG_IF))

    def _popf(self, state: State, _ins: Instruction) -> None:
        value = self.pop(state)
        state.flags = None
        if not self.memory.excused and (value.base or not value.zeros & FLAG_IF):
            self.memory.report("may enable interrupts")

    def _xchg(self, state: State, ins: Instruction) -> None:
        one, other = ins.operands
        first, second = self.read(state, one), self.read(state, other)
        self.write(state, one, second)
        self.write(state, other, first)

    def _xadd(self, state: State, ins: Instruction) -> None:
        to, what = ins.operands
        old = self.read(state, to)
        total = truncate(values.add(old, self.read(state, what)), to.size)
        self.write(state, what, old)
        self.write(state, to, total)
        state.flags = None

    def _cmpxchg(self, state: State, ins: Instruction) -> None:
        to = ins.operands[0]
        old = self.read(state, to)
        self.write(state, to, truncate(ANY, to.size))
        name = {8: "rax", 4: "eax", 2: "ax", 1: "al"}[to.size]
        state.write(name, values.join(old, state.read(name)))
        state.flags = None

    # --- Arithmetic ---

    def _arithmetic(self, state: State, ins: Instruction) -> None:
        to, what = ins.operands
        left, right = self.read(state, to), truncate(self.read(state, what), to.size)
        if ins.mnemonic == "xor" and to == what:
            result = constant(0)
        elif ins.mnemonic == "add" and to == what:
            result = values.multiply(left, 2)
        elif ins.mnemonic == "and":
            result = values.bit_and(left, right, self.memory.aligned)
        else:
            result = {"add": values.add, "sub": values.subtract, "or": values.bit_or,
                      "xor": values.bit_xor}[ins.mnemonic](left, right)
        result = truncate(result, to.size)
        self.write(state, to, result)
        if ins.mnemonic == "sub":
            state.flags = Flags("cmp", left, right, to.size)
        elif ins.mnemonic == "add":
            state.flags = None
        else:
            place = holder(state, to.name) if to.kind == "reg" else ""
            state.flags = Flags("test", result, result, to.size, place, place)

    def _inc(self, state: State, ins: Instruction) -> None:
        to = ins.operands[0]
        change = values.add if ins.mnemonic == "inc" else values.subtract
        self.write(state, to, truncate(change(self.read(state, to), constant(1)), to.size))
        state.flags = None

    def _not(self, state: State, ins: Instruction) -> None:
        to = ins.operands[0]
        self.write(state, to, truncate(values.bit_not(self.read(state, to)), to.size))

    def _imul(self, state: State, ins: Instruction) -> None:
        to = ins.operands[0]
        result = ANY
        if len(ins.operands) == 3:
            result = values.multiply(self.read(state, ins.operands[1]), ins.operands[2].value)
        elif len(ins.operands) == 1:
            state.write("rdx", ANY)
            to = Operand("reg", to.size, name={8: "rax", 4: "eax"}.get(to.size, "rax"))
        else:
            self.read(state, ins.operands[1])
        self.write(state, to, truncate(result, to.size))
        state.flags = None

    def _shift(self, state: State, ins: Instruction) -> None:
        to = ins.operands[0]
        value = self.read(state, to)
        count = self.read(state, ins.operands[1]).constant if len(ins.operands) > 1 else 1
        result = truncate(ANY, to.size)
        if count is not None:
            count &= 63 if to.size == 8 else 31
            move = values.shift_right if ins.mnemonic == "shr" else values.shift_left
            result = truncate(move(value, count), to.size)
        elif ins.mnemonic == "shr" and not value.base:
            result = number(0, value.high)
        self.write(state, to, result)
        state.flags = None

    def _not_kept(self, state: State, ins: Instruction) -> None:
        for operand in ins.operands[1:]:
            self.read(state, operand)
        bits = ins.mnemonic in ("tzcnt", "bsf", "bsr", "popcnt")
        size = ins.operands[0].size
        if ins.mnemonic in ("bsf", "bsr"):      # with a source of 0 nothing is written
            result = values.join(state.read(ins.operands[0].name), number(0, 63))
        else:
            result = number(0, 64) if bits else truncate(ANY, size)
        self.write(state, ins.operands[0], result)
        state.flags = None

    def _cmp(self, state: State, ins: Instruction) -> None:
        size = ins.operands[0].size
        left, right = (truncate(self.read(state, operand), size) for operand in ins.operands)
        places = [holder(state, each.name) if each.kind == "reg" else "" for each in ins.operands]
        state.flags = Flags("cmp", left, right, size, *places)

    def _test(self, state: State, ins: Instruction) -> None:
        self._cmp(state, ins)
        assert state.flags is not None
        state.flags = Flags("test", state.flags.left, state.flags.right, state.flags.size,
                            state.flags.left_in, state.flags.right_in)

    def _set(self, state: State, ins: Instruction) -> None:
        condition = ins.mnemonic[3:]
        can, cannot = number(0, 1), constant(0)
        if condition in CONDITIONS:
            can = constant(1) if assume(state, condition) else cannot
            if assume(state, condition) and assume(state, NEGATED[condition]):
                can = number(0, 1)
        self.write(state, ins.operands[0], can)

    def _cmov(self, state: State, ins: Instruction) -> None:
        to, what = ins.operands
        value = self.read(state, what)          # read whether it is moved or not
        condition = ins.mnemonic[4:]
        known = condition in CONDITIONS
        yes = assume(state, condition) if known else state
        no = assume(state, NEGATED[condition]) if known else state
        if yes and what.kind == "reg":
            value = yes.read(what.name)
        old = no.read(to.name) if no else value
        self.write(state, to, values.join(old, value) if yes else old)

    # --- What only ring 0 may ---

    def _name(self, what: str) -> None:
        self.used.add(what)
        if what not in self.named:
            self.memory.report(f"{what}: not named as allowed in the zone")

    def _flush(self, what: str) -> None:
        self.flushes.setdefault(what, set()).add(self.memory.at)

    def _swapgs(self, state: State, _ins: Instruction) -> None:
        if state.gs not in ("user", "kernel"):
            self.memory.report(f"swaps GS, of which nothing is known ({state.gs})")
        state.gs = "user" if state.gs == "kernel" else "kernel"

    def _rdmsr(self, state: State, _ins: Instruction) -> None:
        self._msr(state, "rdmsr")
        state.write("rax", number(0, 0xffffffff))
        state.write("rdx", number(0, 0xffffffff))

    def _wrmsr(self, state: State, _ins: Instruction) -> None:
        self._msr(state, "wrmsr")
        if state.read("ecx").constant not in (None, MSR_GS_BASE):
            return
        if state.read("rax") == address("area", 0):
            state.gs = "kernel"
        else:
            state.gs = "restored"

    def _msr(self, state: State, what: str) -> None:
        register = state.read("ecx")
        self._name(what if register.constant in (None, MSR_GS_BASE) else f"{what} {register}")
        if register.constant is None:
            self.memory.report(f"{what} of a register that is not known ({register})")

    def _rdtsc(self, state: State, _ins: Instruction) -> None:
        state.write("rax", number(0, 0xffffffff))
        state.write("rdx", number(0, 0xffffffff))

    def _from_control(self, state: State, to: Operand, register: str) -> None:
        value = ANY
        if register == "cr3":
            ring3 = state.root == "ring3"
            value = number(0, values.MASK, 1 << 63 | (0 if ring3 else RING3_ROOT),
                           RING3_ROOT if ring3 else 0)
        self.write(state, to, value)

    def _to_control(self, state: State, register: str, value: Value) -> None:
        self._name("mov " + register)
        if register == "cr4":
            self._flush("PGE")
        if register != "cr3":
            return
        if value.zeros >> 63:                   # certainly without NOFLUSH
            self._flush("CR3")
        if value.base or not (value.zeros | value.ones) & RING3_ROOT:
            self.memory.report("writes CR3, and which root that is is not known")
        elif value.ones & RING3_ROOT:
            if state.root == "one":
                self.memory.report("switches to ring 3's root, with one root")
            else:
                state.root = "ring3"
        elif state.root == "ring3":
            state.root = "kernel"

    def _invlpg(self, state: State, ins: Instruction) -> None:
        self._name("invlpg")                    # never faults, touches nothing (SDM Vol 2)
        self.memory.locate(state, ins.operands[0])
        self._flush("INVLPG")

    def _invpcid(self, state: State, ins: Instruction) -> None:
        self._name("invpcid")
        where = self.memory.locate(state, ins.operands[1])
        self.memory.check(state, where, 16, writes=False)
        self._flush("INVPCID")
