# SPDX-License-Identifier: MIT
"""Command lines that must be refused before any experiment starts, with a message that names the
word and what would be valid."""

from case import BootCase

REFUSED = ("refused",)


def refusal(cmdline: str, *shows: str, cpus: int = 4) -> BootCase:
    """One refused command line; it boots without an image, so any character is possible."""
    return BootCase(cmdline if cpus == 4 else f"{cmdline} on {cpus} CPUs", cmdline, dict(cpus=cpus),
                    verdicts=REFUSED, shows=shows, limit=30)


REFUSALS = (
    refusal("frobnicate", "frobnicate", "valid"),
    refusal("tlbi=nosuch", "nosuch", "immediate", "state-bits"),
    refusal("tlbi=immediate+nosuch", "nosuch", "immediate", "state-bits"),
    refusal("tlbi=immediate+immediate", "immediate", "once"),
    refusal("tlbi=immediate+state-bits run=null", "tlbi=immediate\\+state-bits", "one policy"),
    refusal("run=compare,nmi=maybe", "maybe", "auto"),
    refusal("run=compare,detail=2", "detail=2", "off, on"),
    refusal("run=nosuch", "nosuch", "test"),
    refusal("run=test,only=nosuch", "run=test,only=: no suite of that name"),
    refusal("break=everything", "everything", "drain"),
    refusal("pti=maybe", "maybe", "on"),
    refusal("maxcpus=0", "maxcpus"),
    refusal("zone=all", "zone=all", "off, trap, stale"),
    refusal("zone=trap run=test", "zone=trap", "zone=off"),
    refusal("loglevel=99", "loglevel"),
    refusal("nohz_full=0", "nohz_full", "0"),
    refusal("nohz_full=0-3", "nohz_full"),
    refusal("nohz_full=7", "nohz_full", "7"),
    refusal("nohz_full=3-1", "nohz_full"),
    refusal("nohz_full=x", "nohz_full", "x"),
    refusal("nohz_full=1", "nohz_full", cpus=1),
    refusal("trace=purge+frob", "frob", "purge, ask, ipi, entry, drain, all"),
    refusal("trace=all,records=100", "records=100", "a power of two"),
    refusal("trace=all run=sweep", "run=sweep", "with another experiment"),
    refusal("tripwire=ipi run=null", "run=null", "run=compare"),
    refusal("tripwire=nmi", "nmi", "ipi, ring3"),
    refusal("run=stacks vmap_stack=off", "run=stacks: vmap_stack=off leaves no stack"),
    refusal("run=scale", "2 isolated CPUs", cpus=2),
    refusal("run=purge,pages=x", "pages=x", "a number"),
    refusal("run=purge,page=1", "page", "pages, books"),
    refusal("run=purge,books=1", "books=1", "off, on"),
    refusal("run=violate", "rule=", "R1, R2, R8, R10"),
    refusal("run=violate,rule=R3", "R3", "R10"),
    refusal("run=violate,rule=R2,page=none", "none", "user", "root"),
    refusal("run=violate,rule=R8,page=root", "page=", "R2"),
)
