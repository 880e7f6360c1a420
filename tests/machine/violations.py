# SPDX-License-Identifier: MIT
"""Rules that the kernel asserts, each broken by run=violate: the machine must end in a panic that
names the rule, and what it is about."""

from case import BootCase

PANIC = ("panic",)


def violation(parameters: str, text: str, cmdline: str = "", **machine: object) -> BootCase:
    """One broken rule. Two CPUs: an assertion must not depend on whom the flush would reach."""
    title = " ".join(["rule=" + parameters, cmdline] + [f"{k}={v}" for k, v in machine.items()])
    return BootCase(title.strip(), f"run=violate,rule={parameters} {cmdline}".strip(),
                    dict(cpus=2) | machine, verdicts=PANIC, shows=(r"panic on CPU 0: " + text,),
                    limit=60)


VIOLATIONS = (
    violation("R1", r"R1: page-table page [0-9a-f]+ of vmalloc address [0-9a-f]+ freed while "
              r"deferral is possible"),
    violation("R2,page=user", r"R2: .* holds a user-accessible page of the vmalloc area"),
    violation("R2,page=root", r"R2: .* ring 3's root maps pages of it, in the kernel image"),
    violation("R8", r"R8: deferrable flush of .* the CPU itself reads a CPU's GDT and TSS"),
    violation("R10", r"R10: .* holds memory that is not write-back, in the vmalloc area"),
    BootCase("built with CT_WORK=0", "run=violate,rule=R1", dict(cpus=2), build="no-ct-work",
             verdicts=("refused",), shows=(r"run=violate: built with CT_WORK=0",)),
    # Whatever policy is in force.
    violation("R1", r"R1: page-table page", "tlbi=state-bits"),
    violation("R2,page=root", r"R2: ", "tlbi=state-bits"),
    violation("R8", r"R8: ", "tlbi=immediate", cpus=1),
)
