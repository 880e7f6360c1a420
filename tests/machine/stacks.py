# SPDX-License-Identifier: MIT
"""run=stacks: tasks started anew on stacks at used addresses, and where the
objects of the entry paths lie. What must pass, and what must be convicted."""

from case import BootCase

FAIL = ("fail",)
OLD = r"^[a-z0-9-]+, (one root|two roots): \d+ stacks were read by an old translation"


def stacks(title: str, cmdline: str, rounds: int = 16, plant: str = "none",
           **expected: object) -> BootCase:
    """A row of this table: booted without a loader, the kernel's own output is all it is about."""
    machine = {"media": "kernel", **expected.pop("machine", {})}  # type: ignore
    return BootCase(f"stacks, {title}", f"run=stacks,rounds={rounds},plant={plant} {cmdline}",
                    machine=machine, **expected)  # type: ignore


# Every kind of object has been seen, and only task stacks may be flushed late.
TABLE = (r"^IDT +4 ffffffff[0-9a-f]+ the kernel image +no +R2", r"^GDT +4 .* GDT and TSS +no +R8",
         r"^IST stacks +16 .* IST stacks +no ", r"^task stacks .* the vmalloc area +yes +zone=trap")

STACKS = (
    stacks("sound policies", "tlbi=immediate+watching pti=off",
           shows=(r"^watching +1 .* 0 +0 pass",) + TABLE),
    stacks("two roots", "tlbi=watching pti=on", shows=(r"^watching +2 .* n/a +0 pass",)),
    stacks("zone=trap", "tlbi=watching pti=off zone=trap", shows=(r"^watching +1 .* n/a +0 pass",)),
    stacks("zone=stale", "tlbi=watching zone=stale", shows=(r"^watching +2 .* 0 +0 pass",)),
    # What the oracle must see: no drain at all; no IPI to the CPU that gets the stack; a drain on
    # the way out only, which an emulator's TLB shows as well as the worst one.
    stacks("no drain", "tlbi=watching pti=off break=drain", verdicts=FAIL, shows=(OLD,)),
    stacks("no IPI", "tlbi=immediate pti=off break=ipi", verdicts=FAIL, shows=(OLD,)),
    stacks("exit-flush under zone=stale", "tlbi=exit-flush zone=stale", verdicts=FAIL,
           shows=(OLD,)),
    stacks("an IDT in the vmalloc area", "tlbi=watching pti=off", rounds=10, plant="idt",
           verdicts=FAIL, shows=(r"^IDT +4 ffffc9[0-9a-f]+ the vmalloc area +yes +FAIL",
                                 r"1 kinds of objects lie where they must not")),
    stacks("Bochs", "tlbi=watching pti=off", rounds=10,
           machine={"engine": "bochs", "media": "cd"},
           shows=(r"^watching +1 .* 0 +0 pass",) + TABLE),
)
