# SPDX-License-Identifier: MIT
"""What is watched while it happens. trace=: every count of the report found again among the
records, what is lost said, the newest records on the console and in a panic, and doors that record
and still keep R3. tripwire=: what trips it, what does not, and what is said then."""

from case import BootCase

SMALL = "run=compare,flushes=500"
RECORD = r"^ *(hk|iso)-\d+ +\[\d{3}\] +\d+\.\d{6}: "
TRIPPED = r"^panic on CPU [01]: tripwire: flush IPI to isolated CPU [23] under "
CALLED_BY = r"^  .*"
TARGET = r"^  CPU +[23] +!? *"
PANIC = ("panic",)
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
             dict(cpus=2), verdicts=PANIC,
             shows=(r"^panic on CPU 0: R1: ", RECORD + r"tlb_purge: \d+ .* by \w+\+0x")),
    BootCase("tripwire=ipi, immediate", "tlbi=immediate pti=off tripwire=ipi", verdicts=PANIC,
             shows=(TRIPPED + "immediate$", r"^reason: this policy never defers: no word$",
                    CALLED_BY + "flush_tlb_kernel_range_deferrable", CALLED_BY + "storm_operation",
                    TARGET + r"ring 3 at 0x4[0-9a-f]+$")),
    # Not in phase 1, 500 purges long, while all sit in ring 3; then when the target is met inside.
    BootCase("tripwire=ipi, watching", f"{SMALL} tlbi=watching pti=off tripwire=ipi",
             verdicts=PANIC, shows=(
                 TRIPPED + "watching$", r"^purge ([5-9]\d\d|\d{4,}): asked about CPU [23], ",
                 r"^reason: in the kernel, or on its way: context=\w+ work=\w+ watching=yes count=",
                 CALLED_BY + "on_each_cpu_cond", TARGET + r"(\w+\+0x|ring 3 at 0x4)")),
    BootCase("tripwire=ring3, watching", f"{SMALL} tlbi=watching pti=off tripwire=ring3"),
    BootCase("tripwire=ring3, immediate", f"{SMALL} tlbi=immediate pti=off tripwire=ring3",
             verdicts=PANIC, shows=(TRIPPED + "immediate$", TARGET + "ring 3 at 0x4")),
    BootCase("tripwire=ipi, a flush that is never deferred", "tripwire=ipi", build="no-ct-work",
             verdicts=PANIC, shows=(TRIPPED, r"^reason: the policy was not asked: ")),
)
