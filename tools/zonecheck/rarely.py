# SPDX-License-Identifier: MIT
"""Instructions that are rare in a danger zone: copies of a known length, single bits, subtraction
with borrow, VERW. Semantics: SDM Vol 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import values
from .image import Instruction
from .state import State
from .values import ANY, Value, constant, number, truncate

if TYPE_CHECKING:
    from .interpret import Interpreter

MOST_WORDS = 64                 # of a copy that is followed word by word
MOST_BITS = 1 << 15             # of a bit map that BT looks into


def copies(state: State, ins: Instruction) -> bool:
    """Whether INS is a copy, or a fill, of so many words."""
    count = state.read("rcx").constant
    return ins.prefix == "rep" and ins.mnemonic in ("movsq", "stosq") and count is not None and \
        count <= MOST_WORDS


def copy(machine: Interpreter, state: State, ins: Instruction) -> None:
    """REP MOVSQ, REP STOSQ, upwards: DF is 0 behind a door's CLD, and STD is not known here."""
    moves = ins.mnemonic == "movsq"
    for _ in range(state.read("rcx").low):
        value = machine.memory.load(state, state.read("rsi"), 8) if moves else state.read("rax")
        machine.memory.store(state, state.read("rdi"), 8, value)
        for name in ("rsi", "rdi") if moves else ("rdi",):
            state.write(name, values.add(state.read(name), constant(8)))
    state.write("rcx", constant(0))


def _bit_changed(old: Value, bit: int, change: str) -> Value:
    if old.base or change == "btc":
        return ANY
    if change == "bts":
        return values.bit_or(old, constant(1 << bit))
    return number(0, old.high, old.zeros | 1 << bit, old.ones & ~(1 << bit))


def change_bit(machine: Interpreter, state: State, ins: Instruction) -> None:
    """BTS, BTR, BTC. In memory the number of the bit, if a register has it, is part of the
    address."""
    what, bit = ins.operands
    if what.kind == "mem" and bit.kind != "imm":
        machine.memory.report(f"{ins.mnemonic.upper()} of a bit anywhere around its operand")
        return
    old, chosen = machine.read(state, what), machine.read(state, bit).constant
    result = ANY if chosen is None else _bit_changed(old, chosen % (8 * what.size), ins.mnemonic)
    machine.write(state, what, truncate(result, what.size))
    state.flags = None


def test_bit(machine: Interpreter, state: State, ins: Instruction) -> None:
    """BT. In memory the number of the bit, if a register has it, is part of the address."""
    what, bit = ins.operands
    if what.kind == "mem" and bit.kind != "imm":
        chosen = machine.read(state, bit)
        if chosen.base or chosen.high >= MOST_BITS:
            machine.memory.report("BT of a bit anywhere around its operand")
            return
        words = values.shift_right(chosen, (8 * what.size).bit_length() - 1)
        where = values.add(machine.memory.locate(state, what), values.multiply(words, what.size))
        machine.memory.check(state, where, what.size, writes=False)
    else:
        machine.read(state, what)
    state.flags = None


def verify(machine: Interpreter, state: State, ins: Instruction) -> None:
    """VERW of a selector: no fault, and what it clears is no memory."""
    machine.read(state, ins.operands[0])
    state.flags = None


def borrow(machine: Interpreter, state: State, ins: Instruction) -> None:
    """SBB, ADC."""
    to, what = ins.operands
    machine.read(state, to)
    machine.read(state, what)
    machine.write(state, to, truncate(ANY, to.size))
    state.flags = None


ACTIONS = {"bt": test_bit, "bts": change_bit, "btr": change_bit, "btc": change_bit,
           "sbb": borrow, "adc": borrow, "verw": verify}
