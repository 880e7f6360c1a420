# SPDX-License-Identifier: MIT
"""Single-steps a kernel that runs run=null, and counts what each of its operations takes.

CPU 1 is isolated and makes null system calls; CPU 0 issues flushes of 1 and of 33 pages and
cross-calls that do nothing. Once CPU 0 has come to such a call only one CPU moves at a time, so
that nothing depends on who is faster:

- CPU 0 is stepped through the call. Where it would wait for an answer, CPU 1 is stepped through
  the interrupt that is due there, and the turn of waiting is left out.
- Then CPU 1 is stepped through a system call, with which it executes what it owes.
- CPU 0 alone goes on to its next call.

Each operation is done several times over and has to be the same, instruction by instruction, or
there is no count. The first rounds are not compared: a policy may write more at a first purge.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from gdb_remote import Remote

PURGER, CPU = 0, 1
WARM_UP, COUNTED = 1, 2
PAGE_SIZE = 4096
STOP_LIMIT = 60.0               # seconds until CPU 0 has come to its next call
MAX_USER_STEPS = 10000          # between two calls of the program
MAX_KERNEL_STEPS = 20000        # in one call
LOOKS = 4                       # steps until QEMU delivers an interrupt that is due

SYSTEM_CALL, INTERRUPT = "system call", "interrupt"


class CountError(Exception):
    """The count cannot be made, or means nothing."""


def purge_name(pages: int) -> str:
    """What a purge is called."""
    return f"purge of {pages} page{'s' if pages > 1 else ''}"


# In the order in which they are shown. A call after a purge does what that left to it.
OPERATIONS = (SYSTEM_CALL, INTERRUPT, purge_name(1), f"{SYSTEM_CALL} after {purge_name(1)}",
              purge_name(33), f"{SYSTEM_CALL} after {purge_name(33)}")


def in_kernel(rip: int) -> bool:
    """Is this address in the upper half?"""
    return rip >> 63 == 1


def steady(what: str, traces: list[list[int]]) -> list[int]:
    """One of several traces, which all have to be the same, instruction by instruction."""
    lengths = sorted({len(trace) for trace in traces})
    if not traces or any(trace != traces[0] for trace in traces):
        raise CountError(f"{what}: {len(traces)} times, not the same: {lengths} instructions")
    return traces[0]


def symbol_addresses(kernel: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Where functions begin; all of them have to be there."""
    listing = subprocess.run(["nm", str(kernel)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listing.stdout.splitlines()]
    found = {row[2]: int(row[0], 16) for row in rows if len(row) == 3 and row[2] in names}
    for name in names:
        if name not in found:
            raise CountError(f"{kernel}: has no symbol {name}")
    return found


def kernel_trace(remote: Remote, cpu: int) -> list[int]:
    """CPU until it is in ring 3: the addresses of its kernel instructions."""
    addresses: list[int] = []
    for _ in range(MAX_KERNEL_STEPS):
        rip = remote.rip(cpu)
        if not in_kernel(rip):
            return addresses
        addresses.append(rip)
        remote.step(cpu)
    raise CountError(f"CPU {cpu} stays in the kernel for {MAX_KERNEL_STEPS} instructions")


def system_call(remote: Remote, cpu: int) -> list[int]:
    """CPU through its next system call."""
    kernel_trace(remote, cpu)
    for _ in range(MAX_USER_STEPS):
        remote.step(cpu)
        if in_kernel(remote.rip(cpu)):
            return kernel_trace(remote, cpu)
    raise CountError(f"CPU {cpu} makes no system call in {MAX_USER_STEPS} instructions")


@dataclass
class Steps:
    """One machine that stands still. traces: those of each operation, in the order of time."""
    remote: Remote
    flush: int                  # flush_tlb_kernel_range_deferrable
    call: int                   # smp_call_function_single
    relax: int                  # relax_emulated, a turn of waiting
    traces: dict[str, list[list[int]]] = field(default_factory=dict)

    def keep(self, what: str, trace: list[int]) -> None:
        """One more trace of an operation."""
        self.traces.setdefault(what, []).append(trace)

    def interrupt(self) -> list[int]:
        """CPU 1, in ring 3, through the interrupt that waits for it. The first step may only make
        QEMU look at the APIC: then CPU 1 has not moved."""
        before = self.remote.rip(CPU)
        self.remote.mask_interrupts(False)
        for _ in range(LOOKS):
            self.remote.step(CPU)
            if self.remote.rip(CPU) != before:
                break
        self.remote.mask_interrupts(True)
        if not in_kernel(self.remote.rip(CPU)):
            raise CountError(f"CPU {PURGER} waits, but no interrupt is due on CPU {CPU}")
        return kernel_trace(self.remote, CPU)

    def function(self) -> tuple[list[int], list[list[int]]]:
        """CPU 0 from the first instruction of a function until it has returned: its trace, and
        those of the interrupts that it waited for."""
        addresses: list[int] = []
        interrupts: list[list[int]] = []
        before = self.remote.registers(PURGER)
        for _ in range(MAX_KERNEL_STEPS):
            now = self.remote.registers(PURGER)
            if now["rsp"] > before["rsp"]:
                return addresses, interrupts
            if now["rip"] == self.relax:
                interrupts.append(self.interrupt())
                self.leave(now["rsp"])
                continue
            addresses.append(now["rip"])
            self.remote.step(PURGER)
        raise CountError(f"CPU {PURGER} does not return within {MAX_KERNEL_STEPS} instructions")

    def leave(self, rsp: int) -> None:
        """CPU 0, at the first instruction of a function, returns at once."""
        back = int.from_bytes(self.remote.memory(PURGER, rsp, 8), "little")
        self.remote.set_register(PURGER, "rsp", rsp + 8)
        self.remote.set_register(PURGER, "rip", back)

    def next_call(self, everybody: bool = False) -> None:
        """CPU 0 to the first instruction of its next call."""
        self.remote.resume(None if everybody else PURGER)
        stop = self.remote.wait(STOP_LIMIT)
        rip = self.remote.rip(PURGER)
        if stop.cpu != PURGER or rip not in (self.flush, self.call):
            raise CountError(f"CPU {stop.cpu} stopped, CPU {PURGER} at {rip:#x}: no call was due")

    def one_call(self) -> bool:
        """The call at which CPU 0 stands, and what CPU 1 does of it. True if it ends a round."""
        registers = self.remote.registers(PURGER)
        if registers["rip"] == self.flush:
            pages = (registers["rsi"] - registers["rdi"]) // PAGE_SIZE
            self.keep(purge_name(pages), self.function()[0])
            self.keep(f"{SYSTEM_CALL} after {purge_name(pages)}", system_call(self.remote, CPU))
            return False
        _, interrupts = self.function()
        if len(interrupts) != 1:
            raise CountError(f"a cross-call took {len(interrupts)} interrupts of CPU {CPU}")
        self.keep(INTERRUPT, interrupts[0])
        self.keep(SYSTEM_CALL, system_call(self.remote, CPU))
        return True


def count_all(remote: Remote, kernel: Path) -> dict[str, list[int]]:
    """The trace of each operation, by OPERATIONS. Raises CountError."""
    names = ("flush_tlb_kernel_range_deferrable", "smp_call_function_single", "relax_emulated")
    found = symbol_addresses(kernel, names)
    steps = Steps(remote, found[names[0]], found[names[1]], found[names[2]])
    remote.breakpoint(steps.flush)
    remote.breakpoint(steps.call)
    steps.next_call(everybody=True)
    kernel_trace(remote, CPU)
    rounds = 0
    while rounds < WARM_UP + COUNTED:
        rounds += steps.one_call()
        steps.next_call()
    missing = [name for name in OPERATIONS if name not in steps.traces]
    if missing:
        raise CountError(f"not seen: {', '.join(missing)}")
    return {name: steady(name, steps.traces[name][-COUNTED:]) for name in OPERATIONS}
