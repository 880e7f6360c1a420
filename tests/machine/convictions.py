# SPDX-License-Identifier: MIT
"""Broken controls: each takes away one thing that a verdict rests on, and must be convicted, by the
oracle that is there for it: `shows` is its reason, `counts` its column in the document."""

from case import BootCase

FAIL = ("fail",)                # the kernel is broken, and that was seen
ERROR = ("error",)              # the run proves nothing, and says so

CONVICTIONS = (
    BootCase("state-bits without its drain", "tlbi=state-bits break=drain", verdicts=FAIL,
             counts="stale", shows=(r"canaries read an old translation",)),
    BootCase("immediate without its IPIs", "tlbi=immediate break=ipi", verdicts=FAIL,
             counts="stale", shows=(r"canaries read an old translation",)),
    BootCase("undercounted IPIs", "tlbi=immediate break=undercount", verdicts=FAIL,
             shows=(r"callbacks were requested, [0-9]+ were run",)),
    BootCase("a gap without a cause", "tlbi=state-bits break=gap", verdicts=FAIL,
             counts="unexplained", shows=(r"whose cause no door recorded",)),
    BootCase("canaries that are never warm", "tlbi=state-bits break=fill", verdicts=ERROR,
             shows=(r"too little work: CPU [0-9]+ had 0 canaries proved warm",)),
    BootCase("generations stamped without a flush", "tlbi=state-bits break=stamp",
             verdicts=FAIL, counts="lost",
             shows=(r"found a completed purge that it has not flushed",)),
    BootCase("a CPU that does not come up", "tlbi=state-bits break=ap", verdicts=FAIL,
             shows=(r"APIC id 1 did not answer within [0-9]+ ms", r"1 of 4 CPUs did not come up")),
    # What is convicted by nobody must not be a pass either.
    BootCase("a break that breaks nothing here", "tlbi=immediate break=drain", verdicts=ERROR,
             shows=(r"drain was not convicted",)),
    # An engine that keeps global entries over a CR3 write, as hardware does, and one that does not.
    BootCase("a drain that keeps global entries, QEMU", "tlbi=cr3-drain"),
    BootCase("a drain that keeps global entries, Bochs", "tlbi=cr3-drain",
             dict(engine="bochs", media="cd"), verdicts=FAIL, counts="stale",
             shows=(r"canaries read an old translation",)),
    BootCase("a flush on the way out", "tlbi=exit-flush", counts="lost",
             shows=(r"as claimed: .*X1",)),
    BootCase("a posted defect in the storm", "tlbi=posted-v2 pti=off",
             shows=(r"as claimed: .*N1",)),
    BootCase("a defect in a corrected base", "defect=N1 pti=off", verdicts=FAIL,
             shows=(r"as claimed: .*N1",)),
)
