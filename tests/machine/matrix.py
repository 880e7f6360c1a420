# SPDX-License-Identifier: MIT
"""The machines that the comparison runs on. Every row boots the same experiment and has to keep the
same promises; only the machine, the firmware, the medium or the compiler differs. All policies are
compared by the first row, as `make run` does, and on Bochs; the others take one that interrupts and
one that defers, with both kinds of roots where firmware or compiler differ."""

from case import BootCase

KERNEL = dict(media="kernel")
CD = dict(media="cd")
USB = dict(media="usb")
UEFI = dict(firmware="uefi")
Q35 = dict(machine="q35")
TWO_POLICIES = "tlbi=immediate+state-bits"
ONE_ROOT = f"{TWO_POLICIES} pti=off"
ONE_WORKER = f"{ONE_ROOT} run=compare,workers=1"


def compare(name: str, *machines: dict[str, object], cmdline: str = TWO_POLICIES,
            build: str = "default", limit: float = 300.0, **more: object) -> BootCase:
    """The comparison on one machine."""
    machine: dict[str, object] = {}
    for part in machines + (more,):
        machine |= part
    return BootCase(name, cmdline, machine, build=build, facts=True, limit=limit)


MATRIX = (
    # What `make run` does.
    compare("pc, BIOS, CD, 4 CPUs", CD, cmdline=""),
    # Number of CPUs.
    BootCase("1 CPU: no comparison", "", dict(KERNEL, cpus=1), verdicts=("refused", "error"),
             shows=(r"CPU",)),
    compare("2 CPUs", KERNEL, cpus=2, cmdline=ONE_ROOT),
    compare("3 CPUs", KERNEL, cpus=3, cmdline=ONE_ROOT),
    # Isolated CPUs never rest: with more than a few, two cores emulate little else.
    compare("8 CPUs", KERNEL, cpus=8,
            cmdline="tlbi=immediate+quarantine+ledger run=compare,workers=1 nohz_full=6-7 pti=off"),
    compare("16 CPUs", KERNEL, cpus=16, cmdline=f"{ONE_WORKER} nohz_full=14-15"),
    compare("64 CPUs", KERNEL, cpus=64, cmdline=f"{ONE_WORKER} nohz_full=62-63", mem=1024),
    # Chipset, firmware and medium.
    compare("pc, BIOS, USB stick", USB, cmdline=ONE_ROOT),
    # The program on the stick is the one that runs: here it is none, and is named.
    BootCase("USB stick, another file as ring-3 program", TWO_POLICIES, USB, verdicts=("panic",),
             shows=(r"program spin for CPU [0-9]+: ELF: shorter than its header",),
             files={"boot/spin.elf": b"no program"}),
    compare("q35, BIOS, CD", Q35, CD, cmdline=ONE_ROOT),
    compare("q35, BIOS, USB stick", Q35, USB, cmdline=ONE_ROOT),
    compare("q35, without firmware", Q35, KERNEL),
    compare("q35, UEFI, CD", Q35, UEFI, CD),
    compare("q35, UEFI, USB stick", Q35, UEFI, USB, cmdline=ONE_ROOT),
    compare("pc, UEFI, CD", UEFI, CD),
    # Memory.
    compare("64 MiB", CD, mem=64, cmdline=ONE_ROOT),
    compare("8 GiB, memory above 4 GiB", CD, mem=8192, cmdline=ONE_ROOT),
    compare("q35, UEFI, 8 GiB", Q35, UEFI, CD, mem=8192, cmdline=ONE_ROOT),
    # Processors that lack something.
    compare("without NX", KERNEL, cpu="max,nx=off", cmdline=ONE_ROOT),
    compare("without PGE", KERNEL, cpu="max,pge=off", cmdline=ONE_ROOT),
    compare("without SMAP and SMEP", KERNEL, cpu="max,smap=off,smep=off", cmdline=ONE_ROOT),
    compare("without FSGSBASE and UMIP", KERNEL, cpu="max,fsgsbase=off,umip=off", cmdline=ONE_ROOT),
    compare("the oldest 64-bit model", KERNEL, cpu="qemu64"),
    # Compilers.
    compare("built with clang", KERNEL, build="clang"),
    compare("built with CROSS_COMPILE=x86_64-linux-gnu-", KERNEL, build="cross"),
    compare("built with CROSS_COMPILE=x86_64-elf-", KERNEL, build="cross-elf"),
    # The other emulator: it keeps global entries over a CR3 write, as hardware does.
    compare("Bochs, BIOS, CD, 4 CPUs", CD, engine="bochs", cmdline="", limit=600),
)
