# SPDX-License-Identifier: MIT
"""The sweep: a purge and an NMI at every instruction of the way in and out (run=sweep). What must
pass, what must be convicted, and that a sweep with too little in it is neither."""

from case import BootCase

ERROR = ("error",)
CONVICTED = (r"^  process, lost, not claimed: [A-F]", r"^  again: make run POLICY=",
             r"^  fail: scenario")

SWEEPS = (
    BootCase("every policy", "run=sweep",
             shows=(r"^immediate .*( +0){6} +none +pass", r"^state-bits .* N4 +pass")),
    BootCase("3 CPUs, task stacks", "run=sweep stack=task vmap_stack=on", dict(cpus=3)),
    BootCase("ranged flushes only", "run=sweep tlb_single_page_flush_ceiling=1000"),
    BootCase("clang", "run=sweep", build="clang-ubsan"),
    BootCase("Bochs", "run=sweep", dict(engine="bochs", media="cd")),
    BootCase("every claim is shown", "tlbi=state-bits run=sweep,exact=1",
             shows=(r"^  nmi, stale, claimed as N4: C at entry\+0", r"^  nmi, lost, claimed as")),
    BootCase("one step again", "tlbi=state-bits run=sweep,scenario=C,at=entry+3",
             shows=(r"^state-bits +[0-9]+ +[0-9]+ +[0-9]+ +1 +1 +1 ",
                    r"^  nmi, stale, claimed as N4: C at entry\+3 = danger_zone_begin")),
    # Broken controls.
    BootCase("state-bits without its drain", "tlbi=state-bits run=sweep break=drain",
             verdicts=("fail",), shows=CONVICTED + (r"^  process, stale, not claimed",)),
    BootCase("immediate without its IPIs", "tlbi=immediate run=sweep break=ipi",
             verdicts=("fail",), shows=CONVICTED + (r"^  nmi, stale, not claimed",)),
    BootCase("generations stamped without a flush", "tlbi=state-bits run=sweep break=stamp",
             verdicts=("fail",), shows=CONVICTED),
    # What proves nothing.
    BootCase("a break that breaks nothing here", "tlbi=immediate run=sweep break=drain",
             verdicts=ERROR, shows=(r"break=drain was not convicted",)),
    BootCase("canaries that are never warm", "tlbi=immediate run=sweep break=fill",
             verdicts=ERROR, shows=(r"the canary was warm in 0 of [1-9]",)),
    BootCase("a position that there is not", "tlbi=immediate run=sweep,at=entry+5000",
             verdicts=ERROR, shows=(r"no step",)),
    BootCase("a claim that is not shown", "tlbi=state-bits run=sweep,exact=1,scenario=A",
             verdicts=ERROR, shows=(r"claim N4 \(nmi, stale\) was not shown",)),
    BootCase("2 CPUs are too few", "run=sweep", dict(cpus=2), verdicts=("refused",),
             shows=(r"run=sweep needs 3 CPUs",)),
    BootCase("a place without a zone", "run=sweep,at=7", verdicts=("refused",),
             shows=(r"valid: entry\+N, kernel\+N, exit\+N",)),
)
