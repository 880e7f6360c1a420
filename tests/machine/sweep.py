# SPDX-License-Identifier: MIT
"""The sweep: a purge and an NMI at every instruction of the way in and out (run=sweep). What must
pass, what must be convicted, and that a sweep with too little in it is neither."""

from case import BootCase

ERROR = ("error",)
CONVICTED = (r"^  process, lost, not claimed: [A-F]", r"^  again: make run POLICY=",
             r"^  fail: scenario")

FEW = "tlbi=immediate+state-bits+ledger"


def defect(number: int) -> BootCase:
    """One defect in a corrected base: all that it is known for is found, and nothing else."""
    return BootCase(f"defect=N{number}", f"run=sweep,exact=1 defect=N{number}", verdicts=("fail",),
                    shows=(rf"^sweep: defect=N{number} was convicted, as claimed",
                           rf"claimed as N{number}: "))


SWEEPS = (
    # Each policy's findings are exactly its claims: none for a sound one, all for a posted one.
    BootCase("every policy, one root", "run=sweep,exact=1 pti=off",
             shows=(r"^immediate .*( +0){6} +none +pass", r"^state-bits .* N4 +pass",
                    r"^ledger .*( +0){6} +none +pass", r"^posted-v2 .* pass")),
    BootCase("every policy, two roots", "run=sweep,exact=1 pti=on",
             shows=(r"^ledger .* none +pass", r"^cr3-pending .* none +pass",
                    r"^posted-v6 .* pass", r"^v8-unsaved .* N9 +pass")),
    *(defect(number) for number in (1, 2, 4, 5, 6, 7, 8, 9)),
    BootCase("3 CPUs, task stacks", f"{FEW} run=sweep stack=task vmap_stack=on", dict(cpus=3)),
    BootCase("ranged flushes only", f"{FEW} run=sweep tlb_single_page_flush_ceiling=1000"),
    BootCase("clang", f"{FEW} run=sweep", build="clang-ubsan"),
    # Without breakpoints: the other doors and the held purge are not for Bochs.
    *(BootCase(f"Bochs, scenario {name}", f"{FEW} run=sweep,door=syscall,scenario={name}",
               dict(engine="bochs", media="cd")) for name in ("A2", "C")),
    BootCase("every claim is shown", "tlbi=state-bits pti=off run=sweep,exact=1",
             shows=(r"^  nmi, stale, claimed as N4: C at entry\+0", r"^  nmi, lost, claimed as")),
    BootCase("one step again",
             "tlbi=state-bits pti=off run=sweep,door=syscall,scenario=C,at=entry+3",
             shows=(r"^state-bits +[0-9]+ +[0-9]+ +[0-9]+ +1 +1 +1 ",
                    r"^  nmi, stale, claimed as N4: C at entry\+3 = danger_zone_begin")),
    # Broken controls.
    BootCase("state-bits without its drain", "tlbi=state-bits pti=off run=sweep break=drain",
             verdicts=("fail",), shows=CONVICTED + (r"^  process, stale, not claimed",)),
    BootCase("immediate without its IPIs", "tlbi=immediate pti=off run=sweep break=ipi",
             verdicts=("fail",), shows=CONVICTED + (r"^  nmi, stale, not claimed",)),
    BootCase("generations stamped without a flush", "tlbi=state-bits pti=off run=sweep break=stamp",
             verdicts=("fail",), shows=CONVICTED),
    # By the other doors, with the purge held, in the door of a nested NMI, and in pairs.
    *(BootCase(f"door {door} without its drain",
               f"tlbi=state-bits pti=off run=sweep,door={door},scenario=A2,depth=small break=drain",
               verdicts=("fail",), shows=(rf"^  process, lost, not claimed: {door}, A2 at entry",))
      for door in ("irq", "fault", "db")),
    *(BootCase(f"door {door}", f"tlbi=state-bits pti=off run=sweep,door={door},scenario=A",
               shows=(rf"^  nmi, stale, claimed as N4: {door}, A at entry",))
      for door in ("nmi", "mc")),
    BootCase("#MC at each instruction", "tlbi=state-bits pti=off run=sweep,scenario=U,depth=small",
             shows=(r"^  nmi, stale, claimed as N4: U at entry\+0 ",)),
    BootCase("#MC, later a purge", "run=sweep,scenario=V,door=syscall defect=N9",
             verdicts=("fail",), shows=(r"^  process, lost, claimed as N9: V at entry\+[0-9]+",)),
    BootCase("an NMI strikes the held initiator",
             "tlbi=immediate pti=off run=sweep,scenario=K,depth=small break=ipi",
             verdicts=("fail",), shows=(r"^  process, lost, not claimed: K then entry\+0 ",)),
    BootCase("a held purge without its IPIs",
             "tlbi=immediate pti=off run=sweep,scenario=J,depth=small break=ipi",
             verdicts=("fail",), shows=(r"^  process, lost, not claimed: J then entry\+0 ",
                                        r"^  again: .*RUN=sweep,scenario=J,then=entry\+0 ARGS")),
    BootCase("a purge in a nested NMI's door",
             "tlbi=state-bits pti=off run=sweep,scenario=N,depth=pairs,at=entry+1",
             shows=(r"^  nmi, stale, claimed as N4: N at entry\+1 .* then entry",)),
    BootCase("pairs of accesses", "run=sweep,scenario=P,depth=pairs defect=N7", verdicts=("fail",),
             shows=(r"^  process, lost, claimed as N7: P at entry\+[0-9]+ .* then entry",)),
    # What proves nothing.
    BootCase("a break that breaks nothing here", "tlbi=immediate pti=off run=sweep break=drain",
             verdicts=ERROR, shows=(r"break=drain was not convicted",)),
    BootCase("canaries that are never warm", "tlbi=immediate pti=off run=sweep break=fill",
             verdicts=ERROR, shows=(r"the canary was warm in 0 of [1-9]",)),
    BootCase("a position that there is not",
             "tlbi=immediate pti=off run=sweep,scenario=A,at=entry+5000",
             verdicts=ERROR, shows=(r"no step",)),
    BootCase("a claim that is not shown",
             "tlbi=state-bits pti=off run=sweep,exact=1,door=syscall,scenario=A",
             verdicts=ERROR, shows=(r"claim N4 \(nmi, stale\) was not shown",)),
    BootCase("2 CPUs are too few", "run=sweep", dict(cpus=2), verdicts=("refused",),
             shows=(r"run=sweep needs 3 CPUs",)),
    BootCase("an unknown door", "run=sweep,door=window", verdicts=("refused",),
             shows=(r"valid: syscall, irq, ipi, fault, db, mc, nmi",)),
    BootCase("a second place without a zone", "run=sweep,then=7", verdicts=("refused",),
             shows=(r"then=; valid: entry\+N, kernel\+N, exit\+N",)),
    BootCase("a place without a zone", "run=sweep,at=7", verdicts=("refused",),
             shows=(r"valid: entry\+N, kernel\+N, exit\+N",)),
)
