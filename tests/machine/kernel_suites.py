# SPDX-License-Identifier: MIT
"""The suites inside the kernel (run=test), in the build whose undefined behaviour traps: a suite
that runs into some ends in a panic, not in a pass. KTAP on the serial line."""

from case import BootCase

KERNEL_SUITES = (
    BootCase("4 CPUs", "run=test", build="ubsan", ktap=True),
    BootCase("1 CPU", "run=test", dict(cpus=1), build="ubsan", ktap=True),
    BootCase("3 CPUs, clang", "run=test", dict(cpus=3), build="clang-ubsan", ktap=True),
    BootCase("plain flushes (CT_WORK=0)", "run=test", build="no-ct-work", ktap=True),
    BootCase("debug_pagealloc, task stacks", "run=test debug_pagealloc=on vmap_stack=on stack=task",
             build="ubsan", ktap=True),
    BootCase("two roots", "run=test pti=on", build="ubsan", ktap=True),
    BootCase("two roots, Bochs", "run=test pti=on", dict(engine="bochs", media="cd"), ktap=True,
             limit=240),
    BootCase("q35, UEFI", "run=test", dict(machine="q35", firmware="uefi", media="cd"), ktap=True),
    # Interrupts at every instruction: an NMI has to have struck at each one of the SYSCALL path.
    BootCase("NMI at every instruction of the doors", "run=test,only=nmi,nmi=all",
             dict(cpus=2, one_insn=True), ktap=True),
    BootCase("Bochs", "run=test", dict(engine="bochs", media="cd"), ktap=True, limit=240),
)
