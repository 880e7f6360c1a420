# SPDX-License-Identifier: MIT
"""The comparison under zone=trap and zone=stale, with NMIs, all policies, on both emulators, and
run=stacks with all of them: `make zone-storm`. `make test` has the small form (zone.py)."""

from case import BootCase

BOCHS: dict[str, object] = {"engine": "bochs", "media": "cd"}
QEMU: dict[str, object] = {"media": "kernel"}
ENGINES = (("QEMU", QEMU), ("Bochs", BOCHS))
POSTED = "tlbi=posted-v2+posted-v3+posted-v4 run=compare,nmi=on"
# One housekeeping CPU, which flushes for itself: posted-v3 loses flushes of the others too (N2),
# and under zone=stale they write to frames that are somebody else's by now.
ONE_HOUSEKEEPING = "nohz_full=1-3"


def convicted(effect: str) -> tuple[str, ...]:
    """What NMI handlers see of posted-v2 to -v4, with one root and with two."""
    return tuple(rf"{claim} \(nmi, {effect}\)" for claim in ("N4", "N5")) + (r"N2 \(process, lost",)


def storm(title: str, cmdline: str, engine: str, machine: dict[str, object],
          **expected: object) -> BootCase:
    """A row of this table."""
    return BootCase(f"{title}, {engine}", cmdline, machine, limit=900.0,
                    **expected)  # type: ignore


ZONE_STORMS = tuple(row for engine, machine in ENGINES for row in (
    storm("zone=trap, all sound policies", "zone=trap", engine, machine),
    storm("zone=stale, all sound policies", "zone=stale", engine, machine),
    storm("zone=trap, posted-v2 to -v4 under NMIs", f"{POSTED} zone=trap {ONE_HOUSEKEEPING}",
          engine, machine, shows=convicted("lost")),
    storm("zone=stale, posted-v2 to -v4 under NMIs", f"{POSTED} zone=stale {ONE_HOUSEKEEPING}",
          engine, machine, shows=convicted("stale")),
    storm("zone=stale, exit-flush", "tlbi=exit-flush zone=stale", engine, machine, counts="stale",
          shows=(r"as claimed: X1 \(process, stale\)",)),
    storm("zone=trap, stack=task", "tlbi=posted-v2+posted-v4 zone=trap stack=task", engine, machine,
          shows=(r"stack task \| zone trap, but",)),
    storm("zone=stale, stack=task", "tlbi=posted-v2+posted-v4 zone=stale stack=task", engine,
          machine, shows=(r"zone stale, but",)),
    storm("stacks, all sound policies", "run=stacks", engine, machine),
    storm("stacks, zone=trap", "run=stacks,rounds=16 zone=trap", engine, machine),
    storm("stacks, zone=stale", "run=stacks,rounds=16 zone=stale", engine, machine),
))
