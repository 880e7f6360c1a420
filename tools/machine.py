#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The machines a kernel is booted on: what each emulator's command line looks like.

One Machine is one configuration; command() writes the files that the emulator wants below a work
directory and returns the arguments that start it. A combination that cannot work is refused with
what would be valid, before anything is started.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

OVMF_DIRS = ("/usr/share/OVMF", "/usr/share/edk2/x64", "/usr/share/edk2/ovmf", "/usr/share/qemu")
OVMF_PAIRS = (("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd"),
              ("OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"),
              ("ovmf-x86_64-code.bin", "ovmf-x86_64-vars.bin"))
BOCHS_BIOS = "/usr/share/bochs/BIOS-bochs-latest"
BOCHS_VGABIOS = "/usr/share/bochs/VGABIOS-lgpl-latest"
BOCHS_MAX_CPUS = 8          # more run out of the timers that Bochs has
QEMU_MAX_CPUS = 255
MIN_MEM, MAX_MEM = 32, 1 << 20


class MachineError(Exception):
    """A configuration that cannot be built; the text says what would be valid."""


TURNS = re.compile(r"\brun=sweep\b")


@dataclass(frozen=True)
class Machine:
    """One configuration. mem is in MiB; kernel is the ELF file, iso the boot image."""
    kernel: Path
    iso: Path | None = None
    engine: str = "qemu"
    cpus: int = 4
    threads: int = 1            # of each core
    mem: int = 256
    machine: str = "pc"
    firmware: str = "bios"
    media: str = "cd"
    accel: str = "tcg"
    cpu: str = ""               # the emulator's CPU model and flags; "" for its default
    cmdline: str = ""           # for media kernel only: elsewhere it is in the image
    initrd: Path | None = None  # for media kernel, of a Linux kernel
    gdb_port: int = 0           # 0: no gdb stub
    frozen: bool = False        # wait for gdb before the first instruction
    monitor: Path | None = None  # a UNIX socket for QMP
    thread: str = ""            # TCG: multi, single; "": what suits cmdline, see thread_of()
    one_insn: bool = False      # TCG: interrupts between any two instructions
    resets: bool = False        # a reset boots again; else it ends the emulator
    qemu: str = "qemu-system-x86_64"    # its name, or the path of another
    far_ids: bool = False       # all CPUs but the first have APIC ids from 256 on (QEMU 9, q35)
    endless: bool = False       # without the exit device: the kernel halts, its screen stays


def parse_mem(text: str) -> int:
    """Memory size in MiB from "256", "64M" or "8G"."""
    match = re.fullmatch(r"([0-9]+)([MmGg]?)", text)
    if not match:
        raise MachineError(f"MEM={text}: not a size; valid: MiB as a number, or with M or G")
    mem = int(match[1]) * (1024 if match[2] in ("G", "g") else 1)
    if not MIN_MEM <= mem <= MAX_MEM:
        raise MachineError(f"MEM={text}: out of range; valid: {MIN_MEM}M to {MAX_MEM >> 10}G")
    return mem


def parse_cpus(text: str) -> int:
    """Number of CPUs; the upper limit is the engine's, see check()."""
    if not re.fullmatch(r"[0-9]+", text) or int(text) < 1:
        raise MachineError(f"CPUS={text}: not a count; valid: 1 to {QEMU_MAX_CPUS}")
    return int(text)


def check(m: Machine) -> None:
    """Refuses what no emulator can do."""
    for name, value, valid in (("ENGINE", m.engine, ("qemu", "bochs")),
                               ("MACHINE", m.machine, ("pc", "q35")),
                               ("FIRMWARE", m.firmware, ("bios", "uefi")),
                               ("MEDIA", m.media, ("cd", "usb", "kernel")),
                               ("ACCEL", m.accel, ("tcg", "kvm")),
                               ("THREAD", thread_of(m), ("multi", "single"))):
        if value not in valid:
            raise MachineError(f"{name}={value}: not known; valid: {' '.join(valid)}")
    limit = BOCHS_MAX_CPUS if m.engine == "bochs" else QEMU_MAX_CPUS
    if not 1 <= m.cpus <= limit:
        raise MachineError(f"CPUS={m.cpus}: {m.engine} takes 1 to {limit}")
    if m.threads < 1 or m.cpus % m.threads:
        raise MachineError(f"threads={m.threads}: no number that divides CPUS={m.cpus}")
    if m.engine == "bochs":
        for name, value, valid in (("FIRMWARE", m.firmware, "bios"), ("MEDIA", m.media, "cd"),
                                   ("MACHINE", m.machine, "pc"), ("ACCEL", m.accel, "tcg")):
            if value != valid:
                raise MachineError(f"{name}={value}: ENGINE=bochs has {name}={valid} only")
        if m.threads > 1:
            raise MachineError("ENGINE=bochs is not told of threads here; valid: ENGINE=qemu")
        if m.gdb_port or m.monitor:
            raise MachineError("ENGINE=bochs has no gdb stub and no monitor; valid: ENGINE=qemu")
    if m.media == "kernel" and m.firmware != "bios":
        raise MachineError("MEDIA=kernel starts without firmware; valid with FIRMWARE=uefi: "
                           "MEDIA=cd MEDIA=usb")
    if m.media != "kernel" and m.iso is None:
        raise MachineError(f"MEDIA={m.media} needs a boot image")
    if m.accel == "kvm" and not Path("/dev/kvm").exists():
        raise MachineError("ACCEL=kvm: there is no /dev/kvm here; valid: ACCEL=tcg")


def thread_of(m: Machine) -> str:
    """multi: a host thread for each CPU. single: they take turns, and one that waits hands over by
    PAUSE. The sweep is nothing but such turns; with fewer cores than CPUs it takes a twentieth."""
    return m.thread or ("single" if TURNS.search(m.cmdline) else "multi")


def find_ovmf() -> tuple[Path, Path]:
    """The UEFI firmware: its code and its empty variable store."""
    for folder in OVMF_DIRS:
        for code, variables in OVMF_PAIRS:
            if Path(folder, code).exists() and Path(folder, variables).exists():
                return Path(folder, code), Path(folder, variables)
    raise MachineError("FIRMWARE=uefi: no OVMF firmware in " + " ".join(OVMF_DIRS) +
                       "; install the package ovmf (Fedora: edk2-ovmf)")


def processors(m: Machine) -> list[str]:
    """The CPUs. A socket of more cores than 128 takes 256 APIC ids, so the second begins at 256."""
    if not m.far_ids:
        return ["-smp", str(m.cpus) + (f",threads={m.threads}" if m.threads > 1 else "")]
    arguments = ["-smp", "1,maxcpus=258,sockets=2,cores=129,threads=1"]
    for core in range(m.cpus - 1):
        arguments += ["-device", f"max-x86_64-cpu,socket-id=1,core-id={core},thread-id=0"]
    return arguments


def qemu_command(m: Machine, work: Path) -> list[str]:
    """QEMU: serial line on standard output, port 0xe9 in WORK/debugcon.txt."""
    if not shutil.which(m.qemu):
        raise MachineError(f"there is no {m.qemu}")
    command = [m.qemu, "-machine", m.machine, "-m", str(m.mem), *processors(m)]
    if m.accel == "kvm":
        command += ["-accel", "kvm", "-cpu", m.cpu or "host"]
    else:
        command += ["-accel", f"tcg,thread={thread_of(m)}", "-cpu", m.cpu or "max"]
    command += ["-nodefaults", "-vga", "std", "-display", "none",
                "-serial", "stdio",
                "-debugcon", f"file:{work / 'debugcon.txt'}",
                "-global", "isa-debugcon.iobase=0xe9"]
    if not m.resets:
        command += ["-no-reboot"]
    if m.one_insn:
        command += ["-singlestep"]
    if not m.endless:
        command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if m.monitor:
        command += ["-qmp", f"unix:{m.monitor},server=on,wait=off"]
    if m.gdb_port:
        command += ["-gdb", f"tcp:127.0.0.1:{m.gdb_port}"]
    if m.frozen:
        command += ["-S"]
    if m.firmware == "uefi":
        code, variables = find_ovmf()
        shutil.copyfile(variables, work / "ovmf-vars.fd")
        command += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                    "-drive", f"if=pflash,format=raw,file={work / 'ovmf-vars.fd'}"]
    if m.media == "kernel":
        command += ["-kernel", str(m.kernel), "-append", m.cmdline]
        command += ["-initrd", str(m.initrd)] if m.initrd else []
    elif m.media == "cd":
        command += ["-cdrom", str(m.iso)]
    else:
        # snapshot: the stick is never written to, so one image serves several runs at a time.
        command += ["-device", "qemu-xhci",
                    "-drive", f"file={m.iso},format=raw,if=none,id=stick,snapshot=on",
                    "-device", "usb-storage,drive=stick,bootindex=0"]
    return command


BOCHSRC = """\
# An rfb display that waits for nobody needs no terminal and leaves standard output to port 0xe9.
# Without the sound plugins no sound library is opened, which would abort where there is no card.
# Without VBE there is VGA text only: with it, GRUB 2.06 here jumps through an empty pointer as soon
# as an image asks for a framebuffer.
display_library: rfb, options="timeout=0"
megs: {mem}
cpu: model={cpu}, count={cpus}, ips=50000000, reset_on_triple_fault=0
romimage: file={bios}
vgaromimage: file={vgabios}
vga: extension=none
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={work}/serial.txt
port_e9_hack: enabled=1
plugin_ctrl: sb16=0, es1370=0, speaker=0
log: {work}/bochs.log
panic: action=fatal
"""


def bochs_command(m: Machine, work: Path) -> list[str]:
    """Bochs: serial line in WORK/serial.txt, port 0xe9 on standard output.

    Debian's Bochs starts in its debugger; the rc file's `c` lets it go.
    """
    (work / "bochsrc").write_text(BOCHSRC.format(
        mem=m.mem, cpu=m.cpu or "corei7_haswell_4770", cpus=m.cpus, bios=BOCHS_BIOS,
        vgabios=BOCHS_VGABIOS, iso=m.iso, work=work))
    (work / "bochs-debugger").write_text("c\n")
    (work / "serial.txt").write_bytes(b"")
    return ["bochs", "-q", "-f", str(work / "bochsrc"), "-unlock",
            "-rc", str(work / "bochs-debugger")]


def command(m: Machine, work: Path) -> list[str]:
    """The arguments that start this machine. WORK is an existing directory of its own."""
    check(m)
    return bochs_command(m, work) if m.engine == "bochs" else qemu_command(m, work)
