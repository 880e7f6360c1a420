# SPDX-License-Identifier: MIT
"""Ring 3 does what it must not (run=hostile): every operation ends as the SDM says, whatever the
policy, the number of roots, the processor and the engine. And what is broken on purpose (plant=) is
noticed, each by the check that is there for it."""

from case import BootCase

FAIL = ("fail",)
REFUSED = ("refused",)
BOCHS = dict(engine="bochs", media="cd", cpus=3)
OLD = dict(cpu="max,smap=off,smep=off,umip=off,fsgsbase=off")
AGAIN = r"^  again: make run RUN=hostile,seed=1,first=39,ops=1 POLICY=watching"


def planted(word: str, text: str, more: str = "", ops: int = 40,
            policy: str = "watching") -> BootCase:
    """One thing is broken at the last of a few operations."""
    return BootCase(f"plant={word}", f"run=hostile,ops={ops},plant={word} tlbi={policy} pti=off",
                    verdicts=FAIL, shows=(text,) + ((more,) if more else ()), limit=120)


HOSTILE = (
    # 33 rows of 620: 20,460 operations in all.
    BootCase("every policy", "run=hostile,ops=620", limit=600,
             shows=(r"^immediate +1 +620 .* pass", r"^generation +2 +620 .* pass",
                    r"^posted-v6 +2 +620 .* pass", r"^v8-unsaved +2 +620 .* pass")),
    BootCase("another seed, undefined behaviour traps",
             "run=hostile,seed=2,ops=1500 tlbi=immediate+cr3-pending", build="ubsan"),
    # Far returns are as the SDM has them: with SMAP, TCG faults on their stack.
    BootCase("without SMAP, SMEP, UMIP, FSGSBASE", "run=hostile,ops=1500 tlbi=watching", OLD),
    BootCase("3 CPUs, task stacks not from vmalloc",
             "run=hostile,ops=1500 tlbi=ledger vmap_stack=off", dict(cpus=3)),
    # Bochs holds #DB back behind MOV SS and SYSCALL, as hardware does: they come in ring 0.
    # 110 operations are directed, 40 by the seed.
    BootCase("Bochs", "run=hostile,ops=150 tlbi=cr3-pending", BOCHS,
             shows=(r"^cr3-pending +2 +150( +[0-9]+){3} +4 +0 .* 3 +pass",), limit=600),
    BootCase("one operation by its number", "run=hostile,first=700,ops=1 tlbi=watching pti=on",
             shows=(r"^watching +2 +1 ",)),
    planted("reason", r"^  reason: operation 39 \(outsd\): expected #SS", AGAIN),
    planted("gate", r"^  reason: operation [0-9]+ \(int 0x80\): expected #GP", ops=120),
    planted("cr0", r"it has changed CR0 or CR4 of CPU 3"),
    planted("flags", r"it has changed RFLAGS"),
    planted("msr", r"it has changed CSTAR of CPU 3"),
    planted("gdtr", r"it has changed GDTR or IDTR of CPU 3"),
    planted("words", r"it has changed the words of its doors of CPU 3"),
    planted("doors", r"it has changed the count of entries and exits of CPU 3"),
    planted("tss", r"it has changed the GDT or the TSS of CPU 3", AGAIN),
    planted("idt", r"it has changed the IDT of CPU 3"),
    planted("dr7", r"it has changed DR7 of CPU 3"),
    planted("stack", r"it has changed the low end of a stack of CPU 3"),
    planted("quiet", r"it has changed the #DF or #MC stack of CPU 3"),
    planted("image", r"^  reason: the kernel's text or constants have changed"),
    planted("victim", r"^  reason: the victim has lost memory"),
    planted("entry", r"^  reason: the victim's CPU was entered by exceptions or its timer"),
    # Frames are counted where the boot CPU does not purge.
    planted("frame", r"^  reason: 1 frames were not given back", policy="posted-v2"),
    BootCase("a drain left out", "run=hostile tlbi=watching pti=off break=drain", verdicts=FAIL,
             shows=(r"^  reason: a (canary read an old translation|completed purge was found)",)),
    BootCase("2 CPUs", "run=hostile", dict(cpus=2), verdicts=REFUSED,
             shows=(r"run=hostile needs 3 CPUs or more",)),
    BootCase("a word that is not known", "run=hostile,plant=tree", verdicts=REFUSED,
             shows=(r"bad value in plant=tree; valid: nothing, reason, cr0",)),
)
