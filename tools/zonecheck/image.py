# SPDX-License-Identifier: MIT
"""The ELF file: symbols, bytes, instructions, the layout of structures, lines of the source.

pyelftools reads the file, capstone decodes, binutils' addr2line knows what was inlined where.
"""

from __future__ import annotations

import bisect
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import capstone
from capstone import x86
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

STT_FUNC, STT_FILE = 2, 4       # types of symbols (ELF-64 object file format)


class ImageError(Exception):
    """The file does not hold what was asked for. The text says what and where."""


@dataclass(frozen=True)
class Operand:
    """kind: "reg" (name), "imm" (value) or "mem" (the rest; registers "" if there is none)."""
    kind: str
    size: int
    name: str = ""
    value: int = 0
    segment: str = ""
    base: str = ""
    index: str = ""
    scale: int = 1


@dataclass(frozen=True)
class Instruction:
    """One instruction, decoded."""
    address: int
    size: int
    mnemonic: str               # without prefixes
    prefix: str
    operands: tuple[Operand, ...]
    text: str

    @property
    def end(self) -> int:
        """Where the next one starts."""
        return self.address + self.size


@dataclass(frozen=True)
class Place:
    """Where an address comes from: the innermost function, file and line; and what it was inlined
    into, from the inside to the outside."""
    functions: tuple[str, ...]
    line: str


class Image:
    """One ELF file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.elf = ELFFile(path.open("rb"))
            table = self.elf.get_section_by_name(".symtab")
            self.code = [(s["p_vaddr"], s["p_vaddr"] + s["p_filesz"], s.data())
                         for s in self.elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        except (OSError, ELFError) as error:
            raise ImageError(f"{path}: {error}") from error
        if table is None:
            raise ImageError(f"{path}: no symbol table (.symtab); valid: an ELF file with symbols")
        self.symbols: dict[str, int] = {}
        self.functions: set[int] = set()
        self.sizes: dict[str, list[tuple[int, int]]] = {}   # name: address and size of each
        starts: dict[int, str] = {}
        for name, value, size, kind in self._entries(table):
            self.symbols.setdefault(name, value)
            self.sizes.setdefault(name, []).append((value, size))
            if kind == STT_FUNC:
                self.functions.add(value)
            if "." not in name or kind == STT_FUNC:
                starts.setdefault(value, name)
        self.starts = sorted(starts)
        self.names = starts
        self.decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.decoder.detail = True
        self.decoded: dict[int, Instruction] = {}
        self.structures: dict[str, dict[str, int]] = {}

    def _entries(self, table: Any) -> Iterator[tuple[str, int, int, int]]:
        """Name, value, size and type of each defined symbol. Struct Elf64_Sym is read here: Linux
        has 150000 of them, for which pyelftools takes a minute."""
        names = self.elf.get_section(table["sh_link"]).data()
        for start, info, _, index, value, size in struct.iter_unpack("<IBBHQQ", table.data()):
            name = names[start:names.index(b"\0", start)].decode()
            if name and index and info & 15 != STT_FILE:
                yield name, value, size, info & 15

    def symbol(self, name: str) -> int:
        """The address of NAME, or NAME+OFFSET."""
        base, _, offset = name.partition("+")
        if base not in self.symbols:
            raise ImageError(f"{self.path}: no symbol {base}")
        return self.symbols[base] + int(offset or "0", 0)

    def symbol_at(self, address: int) -> tuple[str, int, bool]:
        """The symbol at or before ADDRESS, where it starts, whether it is a C function."""
        index = bisect.bisect_right(self.starts, address) - 1
        if index < 0:
            return f"{address:#x}", address, False
        start = self.starts[index]
        return self.names[start], start, start in self.functions

    def read(self, address: int, size: int) -> bytes:
        """Bytes as the file has them."""
        for start, end, data in self.code:
            if start <= address and address + size <= end:
                return data[address - start:address - start + size]
        raise ImageError(f"{self.path}: {address:#x} is not in the file")

    def read_number(self, address: int, size: int = 8) -> int:
        """A little-endian number."""
        return int.from_bytes(self.read(address, size), "little")

    def read_string(self, address: int) -> str:
        """Text up to its 0."""
        text = bytearray()
        while (byte := self.read(address + len(text), 1)) != b"\0":
            text += byte
        return text.decode("ascii")

    def instruction(self, address: int) -> Instruction:
        """The instruction at ADDRESS."""
        if address not in self.decoded:
            self.decoded[address] = self._decode(address)
        return self.decoded[address]

    def _decode(self, address: int) -> Instruction:
        code = next((data[address - start:address - start + 15] for start, end, data in self.code
                     if start <= address < end), b"")
        for found in self.decoder.disasm(code, address, 1):
            prefix, _, mnemonic = found.mnemonic.rpartition(" ")
            return Instruction(address, found.size, mnemonic, prefix,
                               tuple(self._operand(found, each) for each in found.operands),
                               f"{found.mnemonic} {found.op_str}".strip())
        raise ImageError(f"{self.path}: no instruction at {address:#x}")

    @staticmethod
    def _operand(found: Any, each: Any) -> Operand:
        def name(register: int) -> str:
            return found.reg_name(register) or ""
        if each.type == x86.X86_OP_REG:
            return Operand("reg", each.size, name=name(each.reg))
        if each.type == x86.X86_OP_IMM:
            return Operand("imm", each.size, value=each.imm)
        base = name(each.mem.base)
        value = each.mem.disp
        if base == "rip":
            base, value = "", value + found.address + found.size
        return Operand("mem", each.size, value=value, base=base, index=name(each.mem.index),
                       segment=name(each.mem.segment), scale=each.mem.scale)

    # --- Debugging information ---

    def read_structures(self, units: list[str]) -> None:
        """Learns the layout of the structures that these source files see (by their DWARF units:
        reading all of them takes ten times as long)."""
        if not self.elf.has_dwarf_info():
            raise ImageError(f"{self.path}: no debugging information; valid: built with -g")
        missing = set(units)
        for unit in self.elf.get_dwarf_info().iter_CUs():
            top = unit.get_top_DIE()
            name = top.attributes["DW_AT_name"].value.decode()
            if name not in missing:
                continue
            missing.remove(name)
            for entry in top.iter_children():
                if entry.tag == "DW_TAG_structure_type" and "DW_AT_name" in entry.attributes and \
                        "DW_AT_declaration" not in entry.attributes:
                    self.structures.setdefault(entry.attributes["DW_AT_name"].value.decode(),
                                               self._members(entry))
        if missing:
            raise ImageError(f"{self.path}: no debugging information of {sorted(missing)[0]}")

    @staticmethod
    def _members(entry: Any) -> dict[str, int]:
        members = {"": entry.attributes["DW_AT_byte_size"].value}
        for member in entry.iter_children():
            if member.tag == "DW_TAG_member" and "DW_AT_name" in member.attributes:
                members[member.attributes["DW_AT_name"].value.decode()] = \
                    member.attributes["DW_AT_data_member_location"].value
        return members

    def offset(self, structure: str, member: str) -> int:
        """Of a member; the structure's size if it is empty."""
        try:
            return self.structures[structure][member]
        except KeyError as error:
            raise ImageError(f"{self.path}: no struct {structure} with a member {member} in the "
                             "debugging information that was read") from error

    def places(self, addresses: list[int]) -> dict[int, Place]:
        """Source of each address, by addr2line."""
        if not addresses:
            return {}
        command = ["addr2line", "-e", str(self.path), "-f", "-i", "-a"]
        text = subprocess.run(command, input="\n".join(f"{a:#x}" for a in addresses), text=True,
                              capture_output=True, check=True).stdout
        found: dict[int, list[str]] = {}
        lines: list[str] = []
        for line in text.splitlines():
            if line.startswith("0x") and ":" not in line:
                lines = found.setdefault(int(line, 16), [])
            else:
                lines.append(line)
        return {address: Place(tuple(lines[0::2]), self._short(lines[1]))
                for address, lines in found.items()}

    @staticmethod
    def _short(line: str) -> str:
        path = line.partition(" (")[0].rpartition("//")[2]   # NASM repeats the folder
        return path.removeprefix(str(Path.cwd()) + "/")
