# SPDX-License-Identifier: MIT
"""What emulators' TLBs keep of a changed translation (run=crusty): answers that are known, so that
a different one on hardware is the hardware's. Global pages tell the two engines apart; that nothing
is filled unasked, and no paging structure cached, is true of both and of no real machine."""

from case import BootCase

FAIL = ("fail",)
ERROR = ("error",)
REFUSED = ("refused",)
BOCHS = dict(engine="bochs", media="cd", cpus=2)
RUN = "run=crusty,rounds=200,survival=10"


def row(name: str, old: int) -> str:
    """The line of a probe that was asked 200 times."""
    seen = {0: "not seen in 200 rounds", 200: "seen each time"}[old]
    return rf"^{name} .* {old} {seen}$"


def unasked(name: str, why: str) -> str:
    """The line of a probe that this machine lacks something for."""
    return rf"^{name} .* - not asked: {why}$"


GONE = tuple(row(name, 0) for name in (
    "invlpg", "cr3", "global-invlpg", "global-pge", "pde-invlpg", "pde-cr3", "absent"))
BOTH = GONE + tuple(row(name, 0) for name in (
    "pde", "pdpte", "pml4e", "untouched", "prefetch", "branch", "neighbour", "read-only",
    "branch-accessed")) + tuple(row(name, 200) for name in (
        "none", "invlpg-beside", "writable")) + (r"^ +0 +10 +10 +20000( +0){7}$",)

CRUSTY = (
    BootCase("QEMU: drops global pages, too, at a CR3 write", RUN,
             shows=BOTH + (row("global-cr3", 0), unasked("pcid-other", "no PCID"),
                           unasked("global-invpcid", "no INVPCID"))),
    BootCase("Bochs: keeps global pages, tags nothing by PCID", RUN, BOCHS, limit=600,
             shows=BOTH + tuple(row(name, 200) for name in (
                 "global-cr3", "global-invpcid", "global-pcid-other")) + tuple(
                     row(name, 0) for name in (
                         "invpcid-addr", "global-invpcid-all", "pcid-other", "pcid-back",
                         "pcid-back-flush", "pcid-invlpg"))),
    BootCase("a processor without global pages", RUN, dict(cpus=2, cpu="max,pge=off"),
             shows=(unasked("global-cr3", "no PGE"), row("none", 200), row("cr3", 0))),
    # What is left out on purpose.
    BootCase("plant=flush", f"{RUN},plant=flush", dict(cpus=2), verdicts=FAIL,
             shows=(r"^fail: invlpg: the old translation was used 200 times, the SDM says never",)),
    BootCase("plant=cold", f"{RUN},plant=cold", dict(cpus=2), verdicts=ERROR,
             shows=(r"^error: none: nothing was kept without a flush",)),
    BootCase("1 CPU", "run=crusty", dict(cpus=1), verdicts=REFUSED,
             shows=(r"run=crusty needs 2 CPUs or more",)),
    BootCase("with break=", "run=crusty break=drain", dict(cpus=2), verdicts=REFUSED,
             shows=(r"no policy is looked at; valid: plant=",)),
)
