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

ZONES = (
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
    # Doors that break R3. The stack of a running task is never stale: only trap sees break=early.
    BootCase("zone=trap, a pointer read too early", "tlbi=watching pti=off zone=trap break=pointer",
             verdicts=PANIC, shows=(r"#PF page fault in ring 0", IN_VMALLOC, ABSENT)),
    BootCase("zone=trap, a stack switched too early", "tlbi=watching pti=off zone=trap break=early",
             verdicts=PANIC, shows=(r"#DF double fault in ring 0", IN_VMALLOC, ABSENT)),
    BootCase("zone=trap, an NMI that reads before its flush",
             "tlbi=watching pti=off zone=trap break=nmi", verdicts=PANIC,
             shows=(r"#PF page fault in ring 0", IN_VMALLOC, ABSENT)),
    BootCase("two roots, a door outside the entry code", "tlbi=watching pti=on zone=trap "
             "break=pointer", verdicts=PANIC, shows=(r"#PF page fault in ring 0", ABSENT)),
    BootCase("zone=stale, a pointer read too early",
             "tlbi=watching pti=off zone=stale break=pointer", verdicts=FAIL, counts="stale",
             shows=(STALE,)),
    BootCase("zone=stale, an NMI that reads before its flush",
             "tlbi=watching pti=off zone=stale break=nmi", verdicts=FAIL, counts="nmi_stale",
             shows=(r"read an old translation in NMI handlers",)),
    # The sweep, with reads that are stale where the generations alone convict otherwise.
    BootCase("the sweep with zone=stale", "run=sweep,exact=1 zone=stale tlbi=watching+exit-flush "
             "pti=off", shows=(r"^watching .* none +pass", r"process, stale, claimed as X1")),
    BootCase("the sweep with zone=stale, N9", "run=sweep,exact=1 zone=stale tlbi=v8-unsaved",
             shows=(r"^v8-unsaved .* N9 +pass", r"process, stale, claimed as N9: D")),
)
