#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the fuzzers' starting inputs to tests/host/corpus/, or with --check compares them.

Each file is a small valid input or one with a typical flaw; the fuzzers find the rest. The files
grub-*.bin are recordings of a real loader's information and are left alone.
"""
import struct
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def pad(data: bytes, unit: int = 8) -> bytes:
    return data + bytes(-len(data) % unit)


# --- Multiboot2 ---

def tag(kind: int, data: bytes) -> bytes:
    return pad(struct.pack("<II", kind, 8 + len(data)) + data)


def mb2(*tags: bytes) -> bytes:
    body = b"".join(tags)
    return struct.pack("<II", 8 + len(body), 0) + body


def mb2_map(*ranges: tuple[int, int, int]) -> bytes:
    return tag(6, struct.pack("<II", 24, 0)
               + b"".join(struct.pack("<QQII", base, size, kind, 0) for base, size, kind in ranges))


def multiboot2() -> dict[str, bytes]:
    end = tag(0, b"")
    ram = mb2_map((0, 0x9fc00, 1), (0x100000, 0x7f00000, 1))
    overlaps = mb2_map((0, 0x8000000, 1), (0x1000, 0x2000, 2), (0x1800, 0x10000, 4),
                       (0x7000000, 1 << 63, 2), (0x2000, 0x500, 5), (0x100000, 0, 1))
    module = tag(3, struct.pack("<II", 0x200000, 0x201000) + b"spin\0")
    rgb = tag(8, struct.pack("<QIIIBBH6B", 0xfd000000, 4096, 1024, 768, 32, 1, 0,
                             16, 8, 8, 8, 0, 8))
    text = tag(8, struct.pack("<QIIIBBH", 0xb8000, 160, 80, 25, 16, 2, 0))
    old = tag(14, rsdp(0, 0x1000, 0)[:20])
    new = tag(15, rsdp(2, 0x1000, 0x2000))
    return {
        "minimal.bin": mb2(ram, end),
        "all.bin": mb2(tag(21, bytes(4)), tag(1, b"tlbi=immediate\0"), tag(2, b"loader\0"), module,
                       ram, rgb, old, new, tag(12, bytes(8)), end),
        "overlaps.bin": mb2(overlaps, text, end),
        "no-end.bin": mb2(ram),
    }


# --- PVH: physical memory from 0x1000 on ---

def pvh() -> dict[str, bytes]:
    def image(version: int, modules: int, cmdline: bytes, *ranges: tuple[int, int, int]) -> bytes:
        base = 0x1000
        modlist, memmap, name = base + 64, base + 64 + 32 * modules, base + 512
        start = struct.pack("<IIIIQQQQII", 0x336ec578, version, 0, modules, modlist, base + 576,
                            0xf59d0, memmap, len(ranges), 0)
        body = pad(start, 64)
        body += b"".join(struct.pack("<QQQQ", 0x200000 + 0x1000 * i, 0x1000, name, 0)
                         for i in range(modules))
        body += b"".join(struct.pack("<QQII", at, size, kind, 0) for at, size, kind in ranges)
        return body.ljust(512, b"\0") + b"spin\0".ljust(64, b"\0") + cmdline + b"\0"

    ram = ((0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (0x100000, 0x7ee0000, 1))
    return {
        "minimal.bin": image(1, 0, b"", (0, 0x8000000, 1)),
        "modules.bin": image(1, 2, b"run=null tlbi=immediate", *ram),
        "version0.bin": image(0, 0, b"", *ram),
    }


# --- ACPI: one byte of choices, then physical memory from 0x1000 on ---

def with_sum(data: bytes, at: int) -> bytes:
    """Sets the byte at AT so that all sum up to 0."""
    data = data[:at] + b"\0" + data[at + 1:]
    return data[:at] + bytes([-sum(data) & 0xff]) + data[at + 1:]


def rsdp(revision: int, rsdt: int, xsdt: int) -> bytes:
    old = with_sum(b"RSD PTR \0CORPUS" + struct.pack("<BI", revision, rsdt), 8)
    return with_sum(old + struct.pack("<IQ4x", 36, xsdt), 32)


def table(signature: bytes, body: bytes) -> bytes:
    head = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), 1, 0, b"CORPUS", b"LATEFLUS",
                       1, b"TEST", 1)
    return with_sum(head + body, 9)


def acpi() -> dict[str, bytes]:
    def lapic(uid: int, apic_id: int, flags: int) -> bytes:
        return struct.pack("<BBBBI", 0, 8, uid, apic_id, flags)

    def x2apic(uid: int, apic_id: int, flags: int) -> bytes:
        return struct.pack("<BBHIII", 9, 16, 0, apic_id, flags, uid)

    fixed = struct.pack("<II", 0xfee00000, 1)
    ioapic = struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0)
    madt = table(b"APIC", fixed + lapic(0, 0, 1) + lapic(1, 2, 1) + lapic(2, 0xff, 0) + ioapic
                 + x2apic(3, 0x10000, 1) + x2apic(4, 2, 1) + x2apic(5, 7, 2)
                 + struct.pack("<BBHQ", 5, 12, 0, 0xfee00000))
    facp = table(b"FACP", bytes(16))

    def memory(choice: int, revision: int, madt: bytes = madt) -> bytes:
        at = {"rsdt": 0x1040, "xsdt": 0x1080, "facp": 0x10c0, "apic": 0x1100}
        rsdt = table(b"RSDT", struct.pack("<II", at["facp"], at["apic"]))
        xsdt = table(b"XSDT", struct.pack("<QQ", at["facp"], at["apic"]))
        return bytes([choice]) + b"".join(pad(part, 64) for part in (
            rsdp(revision, at["rsdt"], at["xsdt"]), rsdt, xsdt, facp)) + madt

    return {
        "rsdt.bin": memory(0, 0),
        "xsdt.bin": memory(0, 2),
        "repaired.bin": memory(1, 2),
        "copied.bin": memory(3, 2),
        "copied-old.bin": memory(7, 0),
        "length0.bin": memory(1, 0, table(b"APIC", fixed + lapic(0, 0, 1) + bytes(8))),
    }


# --- Command lines ---

def options() -> dict[str, bytes]:
    return {
        "empty.txt": b"",
        "all.txt": b"/boot/k.elf tlbi=state-bits nohz_full=1,3-5,7-N run=storm,flushes=10k,how=how "
                   b"pti=on debug_pagealloc=on vmap_stack=off stack=task nopcid nox2apic maxcpus=8 "
                   b"defect=N4 break=drain console=ttyS1,9600 console=screen loglevel=7 panic=5 "
                   b"seed=0xffffffffffffffff tlb_single_page_flush_ceiling=0",
        "none.txt": b"console=none run=test break=ap",
        "unknown.txt": b"quiet splash",
        "bad-list.txt": b"nohz_full=0,3-1,x",
    }


# --- Programs ---

def elf() -> dict[str, bytes]:
    def program(kind: int, *segments: tuple[int, int, int, int, int]) -> bytes:
        head = struct.pack("<4s5B7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, kind, 62, 1, 0x400100,
                           64, 0, 0, 64, 56, len(segments), 0, 0, 0)
        body = head + b"".join(
            struct.pack("<IIQQQQQQ", 1, flags, offset, addr, addr, in_file, in_memory, 0x1000)
            for flags, offset, addr, in_file, in_memory in segments)
        return body.ljust(0x180, b"\x90")

    text = (5, 0, 0x400000, 0x180, 0x180)
    return {
        "text.elf": program(2, text),
        "data.elf": program(2, text, (6, 0x40, 0x402040, 0x100, 0x3000), (4, 0, 0, 0, 0)),
        "pie.elf": program(3, text),
    }


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print("usage: make_corpus.py [--check]", file=sys.stderr)
        return 2
    wrong = 0
    for make in (multiboot2, pvh, acpi, options, elf):
        folder = CORPUS / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        files = make()
        for name, data in files.items():
            path = folder / name
            if not check:
                path.write_bytes(data)
            elif not path.is_file() or path.read_bytes() != data:
                print(f"{path}: not what make_corpus.py writes")
                wrong += 1
        for path in folder.iterdir():
            if path.name not in files and not path.name.startswith("grub-"):
                print(f"{path}: not written by make_corpus.py")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
