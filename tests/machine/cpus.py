# SPDX-License-Identifier: MIT
"""What the report says of the CPUs, against what the emulator was told to be. The shortest
experiment is run; only the head of its report is looked at. AMD's leaf 8000001EH and hybrid
machines are in no emulator here: tests/host/test_cpu_id.c has leaves of such."""

from __future__ import annotations

from typing import Any

from case import BootCase

KERNEL = dict(media="kernel")
INTEL = "max,vendor=GenuineIntel"


def told(threads: int = 1, cpus: int = 4, vendor: str = "",
         **features: bool) -> dict[str, Any]:
    """The fields of a BootCase that compares the document's machine."""
    def faults(document: dict[str, Any]) -> list[str]:
        machine = document["machine"]
        expected: dict[str, Any] = dict(features)
        if vendor:
            expected["cpu_vendor"] = vendor
        # QEMU numbers the threads of a core one after another, and APIC ids as the CPUs.
        expected["topology"] = None if threads == 1 else [
            {"cpu": cpu, "apic_id": cpu, "core": cpu - cpu % threads, "type": None}
            for cpu in range(cpus)]
        found = [f"{key} is {machine[key]}, expected {value}"
                 for key, value in expected.items() if machine[key] != value]
        readings = machine["tsc_readings"]
        if machine["tsc_unfinished"] or bool(readings) != (cpus > 1) or readings % max(cpus - 1, 1):
            found.append(f"{readings} readings of {cpus} CPUs' TSCs, "
                         f"{machine['tsc_unfinished']} unfinished")
        return found
    return dict(check=faults)


def boot(name: str, machine: dict[str, object], *shows: str, **fields: Any) -> BootCase:
    """One machine."""
    return BootCase(name, "run=flush", KERNEL | machine, shows=shows, **fields)


CPU_MODELS = (
    boot("two threads to a core", dict(cpus=4, threads=2, cpu=INTEL),
         r"^topology: 4 CPUs \| threads of one core: 0\+1 2\+3$",
         r"\(GenuineIntel, microcode 0x[0-9a-f]+\),",
         r"^TSC: [1-9][0-9]* readings .* \| emulated: means nothing$",
         **told(threads=2, vendor="GenuineIntel")),
    boot("two threads to a core, by leaf 1 and 4",
         dict(cpus=4, threads=2, cpu=INTEL + ",cpuid-0xb=off"),
         r"threads of one core: 0\+1 2\+3$", **told(threads=2)),
    boot("no threads, AMD", dict(cpus=4, cpu="max,vendor=AuthenticAMD"),
         r"\(AuthenticAMD, microcode 0x[0-9a-f]+\),", **told(vendor="AuthenticAMD")),
    boot("a maker without microcode MSR", dict(cpus=2, cpu="max,vendor=CentaurHauls"),
         r"\(CentaurHauls, microcode unknown\)", **told(cpus=2, vendor="CentaurHauls")),
    boot("microcode of its own", dict(cpus=2, cpu=INTEL + ",ucode-rev=0x7f00000000000000"),
         r"microcode 0x7f000000\)", **told(cpus=2)),
    boot("features there", dict(cpus=2, cpu="max,la57=on,pdpe1gb=on"),
         r"^features: .* la57 pdpe1gb .*\| absent: ", **told(cpus=2, la57=True, pdpe1gb=True)),
    boot("features absent", dict(cpus=2, cpu="max,la57=off,pdpe1gb=off,rdpid=off"),
         **told(cpus=2, la57=False, pdpe1gb=False, rdpid=False, tsc_deadline_timer=False,
                invariant_tsc=False)),
    # Core models of Bochs have what TCG has not, and the MSR of the revision reads 0 or is none.
    BootCase("Bochs, corei7_icelake_u", "run=flush nox2apic",
             dict(engine="bochs", media="cd", cpu="corei7_icelake_u", cpus=2),
             shows=(r"\(GenuineIntel, microcode unknown\)",), limit=240,
             **told(cpus=2, vendor="GenuineIntel", rdpid=True, pdpe1gb=True, invariant_tsc=True,
                    tsc_deadline_timer=True, x2apic=False)),
)
