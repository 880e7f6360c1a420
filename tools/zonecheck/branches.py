# SPDX-License-Identifier: MIT
"""What a condition says about the values that were compared: which way can be gone, and what is
known there. Only what is certain is used; a condition that is not understood goes both ways."""

from __future__ import annotations

from .state import PARTS, Flags, State
from .values import MASK, Value, bit_and, clamp, number

NEGATED = {"e": "ne", "b": "ae", "be": "a", "l": "ge", "le": "g", "s": "ns", "o": "no", "p": "np"}
NEGATED |= {value: key for key, value in NEGATED.items()}
NEAR = 1 << 15
UNSIGNED_OF = {"l": "b", "le": "be", "g": "a", "ge": "ae"}


def assume(state: State, condition: str) -> State | None:
    """STATE where CONDITION ("e", "ne", "b", ...) holds; None if it cannot."""
    flags = state.flags
    if flags is None:
        return state
    if flags.kind == "test":
        return _assume_test(state, flags, condition)
    return _assume_compare(state, flags, condition)


def _refined(state: State, register: str, size: int, value: Value | None) -> State | None:
    """STATE with a better value in a register, of which only SIZE bytes were looked at."""
    if value is None:
        return None
    if not register or value.base:
        return state
    old = state.registers[register]
    mask = (1 << 8 * size) - 1
    if old.base:
        return state
    if old.high > mask:
        value = number(old.low, old.high, old.zeros | value.zeros & mask,
                       old.ones | value.ones & mask)
    result = state.copy()
    result.registers[register] = value
    return result


def _assume_test(state: State, flags: Flags, condition: str) -> State | None:
    result = bit_and(flags.left, flags.right, {})
    if condition == "e":
        if result.ones or result.low > 0:
            return None
        return _test_zero(state, flags)
    if condition == "ne":
        if result.constant == 0:
            return None
        return _test_not_zero(state, flags)
    if condition in ("s", "ns"):
        sign = 1 << (8 * flags.size - 1)
        known = result.ones if condition == "ns" else result.zeros
        return None if known & sign else state
    if condition == "b":                        # TEST and AND clear CF
        return None
    return state


def _test_zero(state: State, flags: Flags) -> State | None:
    left, mask = flags.left, flags.right.constant
    if flags.left_in and flags.left_in == flags.right_in:
        return _refined(state, flags.left_in, flags.size, clamp(left, 0, 0))
    if mask is None or left.base:
        return state
    return _refined(state, flags.left_in, flags.size,
                    number(left.low, left.high, left.zeros | mask, left.ones))


def _test_not_zero(state: State, flags: Flags) -> State | None:
    left, mask = flags.left, flags.right.constant
    if flags.left_in and flags.left_in == flags.right_in:
        return _refined(state, flags.left_in, flags.size, clamp(left, 1, MASK))
    if mask is None or mask & (mask - 1) or left.base:
        return state
    return _refined(state, flags.left_in, flags.size,
                    number(left.low, left.high, left.zeros, left.ones | mask))


def _assume_compare(state: State, flags: Flags, condition: str) -> State | None:
    left, right = flags.left, flags.right
    if left.base and left.base == right.base:
        return _assume_addresses(state, left, right, condition)
    if left.base and right.base and condition == "e" and _near(left) and _near(right):
        return None
    if left.base or right.base:
        return state
    if condition in UNSIGNED_OF:
        sign = 1 << (8 * flags.size - 1)
        if left.high >= sign or right.high >= sign:
            return state
        condition = UNSIGNED_OF[condition]
    bounds = _bounds(left, right, condition)
    if bounds is None:
        return state
    new_left, new_right = clamp(left, *bounds[0]), clamp(right, *bounds[1])
    if new_left is None or new_right is None:
        return None
    after = _refined(state, flags.left_in, flags.size, new_left)
    return after and _refined(after, flags.right_in, flags.size, new_right)


def _near(value: Value) -> bool:
    """An address in its region or close to it: regions lie further apart than that."""
    return -NEAR < value.low and value.high < NEAR


def _assume_addresses(state: State, left: Value, right: Value, condition: str) -> State | None:
    """Two addresses in one region compare as their offsets do; only what cannot be is used."""
    bias = 1 << 48
    one, other = (number(each.low + bias, each.high + bias) for each in (left, right))
    bounds = _bounds(one, other, condition)
    if bounds and None in (clamp(one, *bounds[0]), clamp(other, *bounds[1])):
        return None
    return state


def _bounds(left: Value, right: Value,
            condition: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The intervals that CONDITION leaves to left and right."""
    if condition == "e":
        if left.ones & right.zeros or left.zeros & right.ones:
            return (1, 0), (1, 0)
        return (right.low, right.high), (left.low, left.high)
    if condition == "ne":
        return _without(left, right), _without(right, left)
    if condition == "b":
        return (0, right.high - 1), (left.low + 1, MASK)
    if condition == "be":
        return (0, right.high), (left.low, MASK)
    if condition == "a":
        return (right.low + 1, MASK), (0, left.high - 1)
    if condition == "ae":
        return (right.low, MASK), (0, left.high)
    return None


def _without(value: Value, other: Value) -> tuple[int, int]:
    """The interval of VALUE without a constant at one of its ends."""
    if other.constant == value.low:
        return value.low + 1, value.high
    if other.constant == value.high:
        return value.low, value.high - 1
    return value.low, value.high


def holder(state: State, name: str) -> str:
    """The wide register behind NAME, if what NAME reads is all that counts of it."""
    wide, _, shift = PARTS[name]
    return "" if shift or state.registers[wide].base else wide
