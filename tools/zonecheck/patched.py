# SPDX-License-Identifier: MIT
"""Code that a kernel changes at boot, as Linux does: alternatives by CPU feature, jump labels
of static keys, thunks in place of indirect jumps and of RET, calls by way of a static call.

What is decided at boot is followed both ways, unless the description says which feature or key is
on. The layouts are those of Linux 6.1 (arch/x86/include/asm/alternative.h, struct alt_instr: 12
bytes; include/linux/jump_label.h, struct jump_entry: 16 bytes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .image import Image, Instruction

ALTERNATIVE, LABEL = 12, 16     # bytes of an entry


@dataclass
class Patches:
    """original: where code may be replaced, and the ways that there are: addresses. resume: the end
    of a replacement, by the address of each of its bytes, and where it goes on. thunks: a call or
    jump there goes where a register says; returns: a jump there is a RET; unknown: calls to what
    is not known."""
    original: dict[int, list[int]] = field(default_factory=dict)
    resume: dict[int, tuple[int, int]] = field(default_factory=dict)
    thunks: dict[int, str] = field(default_factory=dict)
    returns: set[int] = field(default_factory=set)
    unknown: dict[int, str] = field(default_factory=dict)

    def ways(self, address: int) -> list[int]:
        """Where a path that comes to ADDRESS may go on; itself is one of them, or not. What stands
        behind a place that is left out may be changed too."""
        found: dict[int, None] = {}
        for way in self.original.get(address, [address]):
            found.update(dict.fromkeys([way] if way == address else self.ways(way)))
        return list(found)

    def after(self, ins: Instruction) -> int:
        """What follows INS if it does not jump: behind a replacement, what follows the original."""
        end, back = self.resume.get(ins.address, (0, 0))
        return back if ins.end == end else ins.end


def signed_at(image: Image, address: int, size: int = 4) -> int:
    """A signed number; Linux's tables hold distances from where they stand."""
    return int.from_bytes(image.read(address, size), "little", signed=True)


def _alternatives(image: Image, start: int, end: int, features: dict[int, bool],
                  found: Patches) -> None:
    """Several entries for one place: the last one whose feature is there wins."""
    for entry in range(start, end, ALTERNATIVE):
        at = entry + signed_at(image, entry)
        other = entry + 4 + signed_at(image, entry + 4)
        raw = image.read_number(entry + 8, 2)
        length, other_length = image.read(entry + 10, 2)
        there = features.get(raw & 0x7fff)
        if there is not None and raw & 0x8000:          # replaced if the feature is absent
            there = not there
        if there is False:
            continue
        way = other if other_length else at + length
        ways = [] if there else found.original.get(at, [at])
        found.original[at] = [*ways, *([way] if way not in ways else [])]
        for byte in range(other, other + other_length):
            found.resume[byte] = (other + other_length, at + length)


def _labels(image: Image, start: int, end: int, keys: dict[int, bool], found: Patches) -> None:
    """A NOP or a JMP: the jump is there if the key is on and bit 0 of its pointer is 0, or the
    other way round."""
    for entry in range(start, end, LABEL):
        at = entry + signed_at(image, entry)
        target = entry + 4 + signed_at(image, entry + 4)
        pointer = entry + 8 + signed_at(image, entry + 8, 8)
        behind = at + image.instruction(at).size
        enabled = keys.get(pointer & ~3)
        if enabled is None:
            found.original[at] = [behind, target]
        else:
            found.original[at] = [target if enabled != bool(pointer & 1) else behind]


def read_patches(image: Image, table: dict[str, Any], features: dict[int, bool],
                 keys: dict[int, bool]) -> Patches:
    """All that the description's table `patched` names."""
    found = Patches()
    if "alternatives" in table:
        _alternatives(image, *map(image.symbol, table["alternatives"]), features, found)
    if "labels" in table:
        _labels(image, *map(image.symbol, table["labels"]), keys, found)
    for name, address in image.symbols.items():
        if re.fullmatch(table.get("thunks", "(?!)"), name):
            found.thunks[address] = name.rpartition("_")[2]
        if re.fullmatch(table.get("returns", "(?!)"), name):
            found.returns.add(address)
        if re.fullmatch(table.get("unknown", "(?!)"), name):
            found.unknown[address] = name
    return found
