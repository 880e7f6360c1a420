# SPDX-License-Identifier: MIT
"""What a loader may leave behind and none here does: QEMU's gdb stub stops at the kernel's first
instruction and changes it. SDM and PVH say nothing of CR4.LA57 where paging is off, and a memory
map may have no RAM at all below 1 MiB. (GRUB can hand over neither: it needs that memory itself,
and leaves CR4 alone.)"""

from __future__ import annotations

import struct
from pathlib import Path

from boot import judge
from count import symbols_of
from gdb_remote import Remote, RemoteError
from interfere import Act, boot_interfered, run_to
from tap import Point

CPUS = 2
CMDLINE = "run=test,only=backtrace"
MIB = 1 << 20
CR4 = b"1e"                     # its number in QEMU's description of the registers
CR4_LA57 = 1 << 12
RESERVED = 2                    # a type of the memory map (PVH, hvm_memmap_table_entry)
INFO = struct.Struct("<IIIIQQQQII")     # hvm_start_info, version 1
ENTRY = struct.Struct("<QQII")


def la57_on(gdb: Remote) -> None:
    """CR4.LA57, as firmware that ran with 5-level paging may leave it."""
    gdb.ask(b"qXfer:features:read:target.xml:0,fff")        # before it, there are no p and P
    old = int.from_bytes(bytes.fromhex(gdb.ask(b"p" + CR4).decode()), "little")
    new = old | CR4_LA57
    gdb.ask(b"P" + CR4 + b"=" + new.to_bytes(8, "little").hex().encode())
    if gdb.ask(b"p" + CR4) != new.to_bytes(8, "little").hex().encode():
        raise RemoteError(f"CR4 does not take {new:#x}")


def no_low_memory(gdb: Remote) -> None:
    """The memory map as it is, but nothing below 1 MiB is RAM."""
    fields = INFO.unpack(gdb.memory(0, gdb.registers(0)["rbx"], INFO.size))
    table, entries = fields[7], fields[8]
    changed = 0
    for address in range(table, table + entries * ENTRY.size, ENTRY.size):
        base, size, kind, spare = ENTRY.unpack(gdb.memory(0, address, ENTRY.size))
        if base < MIB and kind == 1:
            data = ENTRY.pack(base, size, RESERVED, spare)
            gdb.ask(b"M%x,%x:" % (address, len(data)) + data.hex().encode())
            changed += 1
    if not changed:
        raise RemoteError("the memory map had no RAM below 1 MiB to begin with")


def boot_changed(kernel: Path, folder: Path, symbol: str, change: Act,
                 word: str, *shows: str) -> list[Point]:
    """Boots with CHANGE made at SYMBOL; the end has to be WORD, with the texts SHOWS on lines."""
    address = dict(zip(*reversed(symbols_of(kernel))))[symbol]

    def act(gdb: Remote) -> None:
        run_to(gdb, [address])
        change(gdb)

    result, fault = boot_interfered(kernel, folder, CMDLINE, CPUS, act)
    faults = [fault] if fault else []
    outcome = judge(result)
    if outcome.word != word:
        faults.append(f"verdict {outcome.word}, expected {word}; {outcome.why}")
    faults += [f"no line has {text!r}" for text in shows
               if not any(text in line for line in result.lines)]
    return [Point("", "fail" if faults else "pass", "\n".join(faults))]


# Name, where, what is changed, the end, what is said. The second is the first one's control: where
# the kernel does not clear LA57 any more, it must be fatal.
HANDOVERS: tuple[tuple[str, str, Act, str, tuple[str, ...]], ...] = (
    ("5-level paging left on", "pvh_start", la57_on, "pass", ("CPUs: found 2, started 2",)),
    ("5-level paging, behind the kernel's own CR4", "start64", la57_on, "crash", ()),
    ("no RAM below 1 MiB", "pvh_start", no_low_memory, "pass",
     ("SMP: no free page below 1 MiB, the boot CPU stays alone", "CPUs: found 2, started 1")),
)


def points(kernel: Path, number: int, folder: Path) -> list[Point]:
    """One row of the table."""
    _, symbol, change, word, shows = HANDOVERS[number]
    return boot_changed(kernel, folder, symbol, change, word, *shows)
