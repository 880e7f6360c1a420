# SPDX-License-Identifier: MIT
"""What the checker knows of a 64-bit value: the abstract domain.

A value is either a number, known as an interval and as bits that are certainly 0 or 1, or an
address in a named region, known as an interval of offsets from its start. Whatever an operation
does not keep track of becomes ANY. Every function here errs on that side: the set of values that
the result stands for holds everything that the machine can compute from what the operands stand
for.
"""

from __future__ import annotations

from typing import NamedTuple

MASK = (1 << 64) - 1
CARRY_LIMIT = 1 << 40           # offsets beyond this are not believed: no region is that large


class Value(NamedTuple):
    """base "": a number in [low, high], whose bits in `zeros` are 0 and in `ones` are 1. Else an
    address: the region's start plus an offset in [low, high], which may be negative."""
    base: str
    low: int
    high: int
    zeros: int = 0
    ones: int = 0

    @property
    def constant(self) -> int | None:
        """The number, if it is one number."""
        return self.low if not self.base and self.low == self.high else None

    def __str__(self) -> str:
        if self == ANY:
            return "anything"
        span = f"{self.low:#x}" if self.low == self.high else f"{self.low:#x}..{self.high:#x}"
        return f"{self.base}+{span}" if self.base else span


ANY = Value("", 0, MASK)


def number(low: int, high: int, zeros: int = 0, ones: int = 0) -> Value:
    """A number, with interval and bits made to agree as far as that is cheap."""
    zeros |= MASK & ~((1 << high.bit_length()) - 1)
    high = min(high, MASK & ~zeros)
    low = max(low, ones)
    if low > high:              # no value at all: a path that cannot be, kept as anything
        return ANY
    if low == high:
        return Value("", low, low, MASK & ~low, low)
    return Value("", low, high, zeros, ones)


def constant(value: int) -> Value:
    """One number."""
    value &= MASK
    return Value("", value, value, MASK & ~value, value)


def address(base: str, low: int, high: int | None = None) -> Value:
    """An address in a region."""
    return Value(base, low, low if high is None else high)


def join(one: Value, other: Value) -> Value:
    """What stands for either."""
    if one == other:
        return one
    if one.base != other.base:
        return ANY
    low, high = min(one.low, other.low), max(one.high, other.high)
    if one.base:
        return Value(one.base, low, high)
    return Value("", low, high, one.zeros & other.zeros, one.ones & other.ones)


def widen(old: Value, new: Value) -> Value:
    """join() that ends: what changes at an end of the interval loses that end, and when bits
    change, only the lowest ones are kept, such as those of an alignment."""
    joined = join(old, new)
    if joined == old:
        return old
    if joined.base:
        return ANY
    zeros, ones = joined.zeros, joined.ones
    if (zeros, ones) != (old.zeros, old.ones):
        known = zeros | ones
        lowest = (~known & (known + 1)) - 1     # the bits below the first that is not known
        zeros, ones = zeros & lowest, ones & lowest
    low = old.low if joined.low >= old.low else 0
    high = old.high if joined.high <= old.high else MASK
    return number(low, high, zeros, ones)


def truncate(value: Value, size: int) -> Value:
    """The low SIZE bytes, zero-extended."""
    if size == 8:
        return value
    mask = (1 << 8 * size) - 1
    if value.base:
        return number(0, mask)
    if value.high <= mask:
        return value
    if value.low >> 8 * size == value.high >> 8 * size:
        return number(value.low & mask, value.high & mask, value.zeros | (MASK & ~mask),
                      value.ones & mask)
    return number(0, mask, value.zeros | (MASK & ~mask), value.ones & mask)


def signed(value: Value, size: int) -> Value:
    """SIZE bytes, sign-extended."""
    value = truncate(value, size)
    if value.high < 1 << (8 * size - 1):
        return value
    if value.constant is not None:
        return constant(value.low - (1 << 8 * size))
    return ANY


def _low_bits(one: Value, other: Value, result: int) -> tuple[int, int]:
    """Bits of a sum (or difference) that are known because all bits below them are, in both."""
    known = (one.zeros | one.ones) & (other.zeros | other.ones)
    count = (~known & (known + 1)).bit_length() - 1 if known != MASK else 64
    mask = (1 << count) - 1
    return ~result & mask, result & mask


def add(one: Value, other: Value) -> Value:
    """one + other, modulo 2**64."""
    if one.base and other.base:
        return ANY
    if other.base:
        one, other = other, one
    if one.base:
        low, high = one.low + other.low, one.high + other.high
        if other.low > MASK - CARRY_LIMIT:              # adding a small negative number
            low, high = low - (1 << 64), high - (1 << 64)
        if -CARRY_LIMIT < low <= high < CARRY_LIMIT:
            return Value(one.base, low, high)
        return ANY
    zeros, ones = _low_bits(one, other, one.ones + other.ones)
    low, high = one.low + other.low, one.high + other.high
    if low > MASK:
        return number(low & MASK, high & MASK, zeros, ones)
    if high > MASK:
        return number(0, MASK, zeros, ones)
    return number(low, high, zeros, ones)


def subtract(one: Value, other: Value) -> Value:
    """one - other, modulo 2**64."""
    if other.base:
        if one.base == other.base and one.low - other.high >= 0:
            return number(one.low - other.high, one.high - other.low)
        return ANY
    if one.base:
        low, high = one.low - other.high, one.high - other.low
        if other.low > MASK - CARRY_LIMIT:
            low, high = low + (1 << 64), high + (1 << 64)
        return Value(one.base, low, high) if -CARRY_LIMIT < low <= high < CARRY_LIMIT else ANY
    zeros, ones = _low_bits(one, other, one.ones - other.ones)
    if one.low >= other.high:
        return number(one.low - other.high, one.high - other.low, zeros, ones)
    if one.high < other.low:
        return number(one.low - other.high & MASK, one.high - other.low & MASK, zeros, ones)
    return number(0, MASK, zeros, ones)


def bit_and(one: Value, other: Value, aligned: dict[str, int]) -> Value:
    """one & other. ALIGNED: what the start of a region is a multiple of."""
    if other.base:
        one, other = other, one
    if one.base:
        mask, align = other.constant, aligned.get(one.base, 1)
        if mask is None or other.base:
            return ANY
        if mask == MASK & -align and 0 <= one.low and one.high < align:
            return Value(one.base, 0, 0)
        return number(0, mask)
    return number(0, min(one.high, other.high), one.zeros | other.zeros, one.ones & other.ones)


def bit_or(one: Value, other: Value) -> Value:
    """one | other."""
    if one.base or other.base:
        return ANY
    bits = max(one.high, other.high).bit_length()
    return number(max(one.low, other.low), (1 << bits) - 1, one.zeros & other.zeros,
                  one.ones | other.ones)


def bit_xor(one: Value, other: Value) -> Value:
    """one ^ other."""
    if one.base or other.base:
        return ANY
    bits = max(one.high, other.high).bit_length()
    return number(0, (1 << bits) - 1,
                  one.zeros & other.zeros | one.ones & other.ones,
                  one.zeros & other.ones | one.ones & other.zeros)


def bit_not(value: Value) -> Value:
    """~value, of 64 bits."""
    if value.base:
        return ANY
    return number(MASK & ~value.high, MASK & ~value.low, value.ones, value.zeros)


def shift_left(value: Value, count: int) -> Value:
    """value << count."""
    if value.base or count >= 64:
        return ANY
    zeros = (value.zeros << count | (1 << count) - 1) & MASK
    ones = value.ones << count & MASK
    if value.high << count > MASK:
        return number(0, MASK, zeros, ones)
    return number(value.low << count, value.high << count, zeros, ones)


def shift_right(value: Value, count: int) -> Value:
    """value >> count, zeros from the left."""
    if count >= 64:
        return ANY
    if value.base:
        return number(0, MASK >> count)
    return number(value.low >> count, value.high >> count, value.zeros >> count,
                  value.ones >> count)


def multiply(value: Value, factor: int) -> Value:
    """value * factor, a small positive one."""
    if value.base or factor <= 0:
        return ANY
    zeros = (factor & -factor) - 1              # a multiple of 4 ends in 00
    if value.high * factor > MASK:
        return number(0, MASK, zeros)
    return number(value.low * factor, value.high * factor, zeros)


def clamp(value: Value, low: int, high: int) -> Value | None:
    """A number of which a comparison says that it is in [low, high]; None: it never is."""
    if value.base:
        return value
    low, high = max(value.low, low), min(value.high, high)
    return number(low, high, value.zeros, value.ones) if low <= high else None
