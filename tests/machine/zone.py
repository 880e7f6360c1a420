# SPDX-License-Identifier: MIT
"""What watches the danger zone at run time: zone=trap and zone=stale. What must pass under them,
and what each must convict: policies that are wrong by design, and doors that break R3 (break=)."""

from collections.abc import Callable
from typing import Any

from case import BootCase

FAIL = ("fail",)
PANIC = ("panic",)
ABSENT = r"^R3: in the danger zone.* where zone=trap has the vmalloc area absent"
IN_VMALLOC = r"^address [0-9a-f]+ in the vmalloc area: live"
STALE = r"canaries read an old translation"

# What is broken shows at the first entry, or with the NMIs of phase 2: phase 1 is short.
SHORT = "run=compare,flushes=50"
ONE_ROOT = "tlbi=watching pti=off"
TRAP, WORST, TWO_ROOTS = f"{ONE_ROOT} zone=trap", f"{ONE_ROOT} zone=stale", "tlbi=watching pti=on"


# As posted, with NMIs. Not posted-v3: it leaves out the flush of every CPU in the kernel (N2), the
# initiator too, which then writes to frames that are somebody else's by now. The sweep has it.
# Isolated CPUs stay in ring 3 for 2 to 4 flushes, so that more NMIs come from there.
POSTED = "tlbi=posted-v2+posted-v4 run=compare,nmi=on,every=2"
IN_NMI = {"posted-v2": "N4", "posted-v4": "N5"}


def posted_convicted(effect: str) -> Callable[[dict[str, Any]], list[str]]:
    """Every row of POSTED has its defect found in NMI handlers, with this effect."""
    def check(document: dict[str, Any]) -> list[str]:
        faults = []
        for row in document["policies"]:
            claim = IN_NMI[row["name"]]
            if not any((found["claim"], found["context"], found["effect"]) ==
                       (claim, "nmi", effect) for found in row["findings"]):
                faults.append(f"{row['name']}/{row['roots']}: no {claim} (nmi, {effect})")
        return faults if document["policies"] else ["no rows"]
    return check


def door(name: str, cmdline: str, verdicts: tuple[str, ...], *shows: str,
         counts: str = "") -> BootCase:
    """A door that breaks R3 (break=NAME), and what one of the ways to see it says."""
    way = cmdline.rpartition(" ")[2]
    return BootCase(f"break={name}, {way}", f"{cmdline} break={name}", verdicts=verdicts,
                    shows=shows, counts=counts)


def touched(name: str, fault: str = "#PF page fault") -> BootCase:
    """The trap stops it at its instruction, and names the area."""
    return door(name, f"{SHORT} {TRAP}", PANIC, f"{fault} in ring 0", IN_VMALLOC, ABSENT)


def missing(name: str, fault: str) -> BootCase:
    """Ring 3's own root has neither vmalloc'd memory nor code that is not noinstr."""
    return door(name, f"{SHORT} {TWO_ROOTS}", PANIC, f"{fault} in ring 0")


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
    door("pointer", f"{SHORT} {WORST}", FAIL, STALE, counts="stale"),
    touched("early", "#DF double fault"), missing("early", "#DF double fault"),
    unseen("early", WORST),
    # One isolated CPU: a second one in its NMI would take none of the panic's, which waits 5 s.
    door("nmi", f"{SHORT} nohz_full=3 {TRAP}", PANIC, "#PF page fault", IN_VMALLOC, ABSENT),
    door("nmi", f"{SHORT} nohz_full=3 {TWO_ROOTS}", PANIC, "#PF page fault"),
    door("nmi", f"{SHORT} {WORST}", FAIL, r"old translation in NMI handlers", counts="nmi_stale"),
    unseen("traced", TRAP), unseen("traced", WORST),
    door("traced", f"{SHORT} {TWO_ROOTS}", PANIC, FETCH),
    touched("table"), unseen("table", WORST),
    door("table", f"{SHORT} {TWO_ROOTS}", PANIC, r"#PF page fault in ring 0", IN_VMALLOC),
)

ZONES = VIOLATIONS_OF_R3 + (
    # One root and two, full drains and ranges. All policies: zone_storm.py.
    BootCase("zone=trap, sound policies", "tlbi=watching+cr3-pending zone=trap",
             shows=(r"Stale n/a: zone=trap flushes on the way out", r"3 pass")),
    # Hooks on the running task's stack: the one exception, and the report names it.
    BootCase("zone=trap, stack=task", "tlbi=posted-v2 run=compare,nmi=off zone=trap stack=task",
             shows=(r"stack task \| zone trap, but",)),
    BootCase("zone=stale, sound policies", "tlbi=ledger+cr3-pending zone=stale",
             shows=(r"3 pass",)),
    # A TLB that fills by itself: what no emulator shows.
    BootCase("zone=stale, exit-flush", "tlbi=exit-flush zone=stale",
             counts="stale", shows=(r"as claimed: X1 \(process, stale\)",)),
    BootCase("zone=stale, a drain that keeps global entries, QEMU", "tlbi=cr3-drain zone=stale",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    BootCase("zone=stale, posted defects under NMIs", f"{POSTED} pti=off zone=stale",
             check=posted_convicted("stale")),
    BootCase("zone=stale, two roots without a drain", "tlbi=watching pti=on zone=stale break=drain",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    BootCase("zone=stale, immediate without its IPIs", "tlbi=immediate zone=stale break=ipi",
             verdicts=FAIL, counts="stale", shows=(STALE,)),
    # The sweep, with reads that are stale where the generations alone convict otherwise.
    BootCase("the sweep with zone=stale", "run=sweep,exact=1 zone=stale tlbi=watching+exit-flush "
             "pti=off", shows=(r"^watching .* none +pass", r"process, stale, claimed as X1")),
    BootCase("the sweep with zone=stale, posted-v3", "run=sweep,exact=1 zone=stale tlbi=posted-v3 "
             "pti=off", shows=(r"process, stale, claimed as N2", r"nmi, stale, claimed as N4")),
    BootCase("the sweep with zone=stale, N9", "run=sweep,exact=1 zone=stale tlbi=v8-unsaved",
             shows=(r"^v8-unsaved .* N9 +pass", r"process, stale, claimed as N9: D")),
)
