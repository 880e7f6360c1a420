# SPDX-License-Identifier: MIT
"""trace=: every count of the report found again among the records, what is lost said, the newest
records on the console and in a panic, and doors that record and still keep R3."""

from case import BootCase

SMALL = "run=compare,flushes=500"
RECORD = r"^ *(hk|iso)-\d+ +\[\d{3}\] +\d+\.\d{6}: "
WHOLE = r"^# overwritten: 0, not whole: 0, shown: the newest 32$"

TRACES = (
    BootCase("all records agree with the report", f"{SMALL} tlbi=immediate+watching pti=off "
             "trace=all,records=65536", trace=True, shows=(
                 WHOLE, RECORD + r"mark: phase 2 ends: watching, roots=1",
                 RECORD + r"exit: exits=\d+")),
    # Drains of ranges, and both roots: recorded behind the switch of the root.
    BootCase("two roots, zone=trap", f"{SMALL} tlbi=ledger+cr3-flag pti=on zone=trap "
             "trace=all,records=65536", trace=True, shows=(WHOLE,)),
    BootCase("what is overwritten is counted", f"{SMALL} tlbi=watching pti=off "
             "trace=purge+ask,records=64,show=3",
             shows=(r"^# entries-in-buffer/entries-written: 1\d\d/\d{4,}   #P:4$",
                    r"^# overwritten: \d{4,}, not whole: 0, shown: the newest 3$",
                    RECORD + r"tlb_purge_end: \d+$")),
    BootCase("a panic shows what led to it", "run=violate,rule=R1 trace=all,show=8",
             dict(cpus=2), verdicts=("panic",),
             shows=(r"^panic on CPU 0: R1: ", RECORD + r"tlb_purge: \d+ .* by \w+\+0x")),
)
