# SPDX-License-Identifier: MIT
"""Firmware as it is, in real boots: GRUB's commands `acpi`, `cutmem` and `wrmsr` stand between the
emulator's firmware and the kernel, and give it other tables, another memory map, another APIC mode.
Each oddity has one message, and the kernel goes on with what is left. handover.py has what GRUB
cannot do. The parsers' own cases are in tests/host."""

from __future__ import annotations

import struct

from case import BootCase

SHORT = "run=test,only=backtrace"
MADT = "boot/madt.bin"
LOAD = f"acpi --exclude=APIC /{MADT}\n"


def lapic(uid: int, apic_id: int, flags: int = 1) -> bytes:
    """A local APIC entry of the MADT (ACPI 6.5, table 5.21)."""
    return struct.pack("<BBBBI", 0, 8, uid, apic_id, flags)


def x2apic(uid: int, apic_id: int, flags: int = 1) -> bytes:
    """A local x2APIC entry (table 5.35)."""
    return struct.pack("<BBHIII", 9, 16, 0, apic_id, flags, uid)


def madt(*entries: bytes, base: int = 0xfee00000) -> bytes:
    """A whole MADT with a right checksum."""
    body = struct.pack("<II", base, 1) + b"".join(entries)
    table = bytearray(struct.pack("<4sIBB6s8sI4sI", b"APIC", 36 + len(body), 3, 0, b"TESTER",
                                  b"LATEFLSH", 1, b"TEST", 1) + body)
    table[9] = -sum(table) & 0xff
    return bytes(table)


def tables(name: str, table: bytes, *shows: str, grub: str = LOAD, cmdline: str = SHORT,
           **machine: object) -> BootCase:
    """A machine whose MADT is this one."""
    return BootCase(name, cmdline, dict(media="cd") | machine, shows=shows, grub=grub,
                    files={MADT: table})


def memory(name: str, cuts: str, *shows: str, **machine: object) -> BootCase:
    """A machine without these parts of its memory."""
    return BootCase(name, f"{SHORT} loglevel=7", dict(media="cd", cpus=2) | machine, shows=shows,
                    grub=cuts)


# 64 holes of a page, 2 MiB apart, where neither GRUB nor the kernel's image lies.
HOLES = "".join(f"cutmem {0x6000000 + i * 0x200000:#x} {0x6001000 + i * 0x200000:#x}\n"
                for i in range(64))

FIRMWARE = (
    tables("disabled, duplicate and sparse CPUs",
           madt(lapic(0, 0), lapic(1, 1, 0), lapic(2, 1, 2), lapic(9, 3), lapic(4, 3),
                lapic(5, 255), x2apic(6, 3)),
           r"^CPUs: found 2, started 2", r"left out: 2 disabled, 2 named twice, 1 without an id"),
    tables("CPUs that never answer", madt(lapic(0, 0), lapic(1, 77), lapic(2, 1), x2apic(3, 70000)),
           r"APIC id 77 did not answer within 5000 ms, left out",
           r"APIC id 70000 needs x2APIC mode, left out", r"^CPUs: found 4, started 2",
           cpu="max,x2apic=off"),
    tables("a MADT that names no CPU", madt(), r"the MADT names no CPU; going on with the boot CPU",
           r"^CPUs: found 1, started 1"),
    tables("a MADT that ends within an entry", madt(lapic(0, 0), lapic(1, 1)[:5]),
           r"MADT: an entry reaches beyond the table; going on with the boot CPU alone"),
    tables("no MADT", b"", r"no MADT: firmware lists no CPUs; going on with the boot CPU alone",
           grub="acpi --exclude=APIC\n"),
    tables("an APIC elsewhere by the MADT", madt(lapic(0, 0), lapic(1, 1), base=0xfed00000),
           r"local APIC: at fed00000 by the MADT, at fee00000 by its own register"),
    tables("RSDT only", b"", r"^CPUs: found 4, started 4", grub="acpi -1\n"),
    tables("XSDT only", b"", r"^CPUs: found 4, started 4", grub="acpi -2\n"),
    # SDM Vol 3, 10.12.5: there is no way back from x2APIC mode but a reset, nox2apic or not. That
    # nox2apic has an effect where firmware leaves the mode off is shown in cpus.py.
    BootCase("x2APIC left on by firmware", f"{SHORT} nox2apic",
             dict(engine="bochs", media="cd", cpus=2), grub="wrmsr 0x1b 0xfee00d00\n",
             shows=(r"^CPUs: found 2, started 2, x2APIC$",)),
    memory("64 holes: more than 64 memory ranges", HOLES, r"^CPUs: found 2, started 2",
           r"memory map: ([7-9][0-9]|1[0-9]{2}) ranges", mem=512),
)
