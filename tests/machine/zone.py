# SPDX-License-Identifier: MIT
"""What watches the danger zone at run time: zone=trap and zone=stale. What must pass under them,
and what each must convict: policies that are wrong by design, and doors that break R3 (break=)."""

from case import BootCase

FAIL = ("fail",)
PANIC = ("panic",)
ABSENT = r"^R3: in the danger zone.* where zone=trap has the vmalloc area absent"
IN_VMALLOC = r"^address [0-9a-f]+ in the vmalloc area: live"
STALE = r"canaries read an old translation"
SOUND = "tlbi=immediate+watching+cr3-pending+ledger"

ONE_ROOT = "tlbi=watching pti=off"
TRAP, WORST, TWO_ROOTS = f"{ONE_ROOT} zone=trap", f"{ONE_ROOT} zone=stale", "tlbi=watching pti=on"


def door(name: str, cmdline: str, verdicts: tuple[str, ...], *shows: str,
         counts: str = "") -> BootCase:
    """A door that breaks R3 (break=NAME), and what one of the ways to see it says."""
    way = cmdline.rpartition(" ")[2]
    return BootCase(f"break={name}, {way}", f"{cmdline} break={name}", verdicts=verdicts,
                    shows=shows, counts=counts)


def touched(name: str, fault: str = "#PF page fault") -> BootCase:
    """The trap stops it at its instruction, and names the area."""
    return door(name, TRAP, PANIC, f"{fault} in ring 0", IN_VMALLOC, ABSENT)


def missing(name: str, fault: str) -> BootCase:
    """Ring 3's own root has neither vmalloc'd memory nor code that is not noinstr."""
    return door(name, TWO_ROOTS, PANIC, f"{fault} in ring 0")


def unseen(name: str, way: str) -> BootCase:
    """A way that cannot see it must not say pass, either. With tasks that come and go, which is
    quick."""
    return door(name, f"run=stacks,rounds=10 {way}", ("error",),
                r"^watching +1 .* 0 +pass", r"stacks: what was broken was not convicted")


FETCH = r"#PF page fault in ring 0 at [0-9a-f]+, error 10$"     # of an instruction

# Each violation of R3 by each way; `make zone` has them too, as controls. What a way cannot see,
# and why, is in docs/danger-zone.md.
VIOLATIONS_OF_R3 = (
    touched("pointer"), missing("pointer", "#PF page fault"),
    door("pointer", WORST, FAIL, STALE, counts="stale"),
    touched("early", "#DF double fault"), missing("early", "#DF double fault"),
    unseen("early", WORST),
    touched("nmi"), missing("nmi", "#PF page fault"),
    door("nmi", WORST, FAIL, r"read an old translation in NMI handlers", counts="nmi_stale"),
    unseen("traced", TRAP), unseen("traced", WORST), door("traced", TWO_ROOTS, PANIC, FETCH),
    touched("table"), unseen("table", WORST),
    door("table", TWO_ROOTS, PANIC, r"#PF page fault in ring 0", IN_VMALLOC),
)

ZONES = VIOLATIONS_OF_R3 + (
    BootCase("zone=trap, sound policies", f"{SOUND} zone=trap",
             shows=(r"Stale n/a: zone=trap flushes on the way out", r"7 pass")),
    # Hooks on the running task's stack: the one exception, and the report names it.
    BootCase("zone=trap, stack=task", "tlbi=posted-v2 run=compare,nmi=off zone=trap stack=task",
             shows=(r"stack task \| zone trap, but",)),
    BootCase("zone=stale, sound policies", f"{SOUND} zone=stale", shows=(r"7 pass",)),
    # A TLB that fills by itself: what no emulator shows.
    BootCase("zone=stale, exit-flush", "tlbi=exit-flush zone=stale",
             counts="stale", shows=(r"as claimed: X1 \(process, stale\)",)),
    BootCase("zone=stale, a drain that keeps global entries, QEMU", "tlbi=cr3-drain zone=stale",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    BootCase("zone=stale, posted defects under NMIs",
             "tlbi=posted-v2+posted-v4 run=compare,nmi=on zone=stale",
             shows=(r"N4 \(nmi, stale\)", r"N5 \(nmi, stale\)")),
    BootCase("zone=stale, two roots without a drain", "tlbi=watching pti=on zone=stale break=drain",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    BootCase("zone=stale, immediate without its IPIs", "tlbi=immediate zone=stale break=ipi",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    # The sweep, with reads that are stale where the generations alone convict otherwise.
    BootCase("the sweep with zone=stale", "run=sweep,exact=1 zone=stale tlbi=watching+exit-flush "
             "pti=off", shows=(r"^watching .* none +pass", r"process, stale, claimed as X1")),
    BootCase("the sweep with zone=stale, N9", "run=sweep,exact=1 zone=stale tlbi=v8-unsaved",
             shows=(r"^v8-unsaved .* N9 +pass", r"process, stale, claimed as N9: D")),
)
