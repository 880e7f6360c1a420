# SPDX-License-Identifier: MIT
"""The comparison under zone=trap and zone=stale, with NMIs, all policies, on both emulators, and
run=stacks with all of them: `make zone-storm`. `make test` has the small form (zone.py)."""

from case import BootCase
from zone import POSTED, posted_convicted

BOCHS: dict[str, object] = {"engine": "bochs", "media": "cd"}
QEMU: dict[str, object] = {"media": "kernel"}
ROUNDS = {"QEMU": 40, "Bochs": 10}
ENGINES = (("QEMU", QEMU), ("Bochs", BOCHS))


def storm(title: str, cmdline: str, engine: str, machine: dict[str, object],
          **expected: object) -> BootCase:
    """A row of this table."""
    return BootCase(f"{title}, {engine}", cmdline, machine, limit=900.0,
                    **expected)  # type: ignore


ZONE_STORMS = tuple(row for engine, machine in ENGINES for row in (
    storm("zone=trap, all sound policies", "run=compare,every=2 zone=trap", engine, machine),
    storm("zone=stale, all sound policies", "run=compare,every=2 zone=stale", engine, machine),
    storm("zone=stale, posted-v2 and -v4 under NMIs", f"{POSTED} zone=stale", engine, machine,
          check=posted_convicted("stale")),
    storm("zone=stale, exit-flush", "tlbi=exit-flush zone=stale", engine, machine, counts="stale",
          shows=(r"as claimed: X1 \(process, stale\)",)),
    storm("zone=trap, stack=task", "tlbi=posted-v2+posted-v4 zone=trap stack=task", engine, machine,
          shows=(r"stack task \| zone trap, but",)),
    storm("zone=stale, stack=task", "tlbi=posted-v2+posted-v4 zone=stale stack=task", engine,
          machine, shows=(r"zone stale, but",)),
    *(storm(f"stacks, {zone}", f"run=stacks,rounds={ROUNDS[engine]} {zone}", engine, machine)
      for zone in ("zone=off", "zone=trap", "zone=stale")),
)) + (
    # On QEMU alone. N4 and N5 need a purge that ends while an NMI's handler runs. Bochs runs its
    # CPUs in step, and without the copies of zone=stale a handler is too short for that. Of the
    # sweep only SYSCALL's door comes out the same each time there.
    storm("zone=trap, posted-v2 and -v4 under NMIs", f"{POSTED} zone=trap", "QEMU", QEMU,
          check=posted_convicted("lost")),
    storm("zone=stale, posted-v3 in the sweep",
          "run=sweep,exact=1 zone=stale tlbi=posted-v3 pti=off", "QEMU", QEMU,
          shows=(r"process, stale, claimed as N2", r"nmi, stale, claimed as N4")),
)
