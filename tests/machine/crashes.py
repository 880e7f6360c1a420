# SPDX-License-Identifier: MIT
"""Ends that must be noticed, each provoked by run=crash: one readable report of a panic, the CPU
that is stuck named with where it is, and a triple fault that nothing can take for a pass."""

from case import BootCase

ONE_REPORT = r"^panic on CPU [0-9]: "
IDLE = r"^  CPU   1   secondary_main\+0x"
BOCHS = dict(engine="bochs", media="cd")


def crash(how: str, *shows: str, verdict: str = "panic", watchdog: int = 5,
          **machine: object) -> BootCase:
    """One way, on 3 CPUs: one ends, one is met, one idles."""
    name = " ".join([how] + [f"{value}" for value in machine.values()])
    return BootCase(name, f"run=crash,how={how} watchdog={watchdog}", dict(cpus=3) | machine,
                    verdicts=(verdict,), shows=shows, limit=400)


CRASHES = (
    crash("panic", r"^panic on CPU 0: run=crash,how=panic", r"^  [0-9a-f]+ crash_panic\+0x", IDLE),
    crash("two", r"^panic on CPU [012]: run=crash,how=two", r"^  [0-9a-f]+ panic_here\+0x"),
    crash("nested", r"^#PF page fault on CPU 0 at [0-9a-f]+, in the middle of this report"),
    crash("overflow", r"^panic on CPU 2: #DF double fault in ring 0",
          r"^address [0-9a-f]+: guard page of the kernel stack", r"^  [0-9a-f]+ dig"),
    # Stuck: seen by whoever waits, by the watchdog where nobody does, with where it is by NMI.
    crash("stuck", r"^error: cross-call: CPU 2 has not answered", IDLE,
          r"^panic on CPU 0: cross-call of .*: 1 CPUs have not answered within 5 s",
          r"^  CPU   2 ! crash_spin_forever\+0x[0-9a-f]+ < spin_here",
          r"^CPU 2, at [0-9a-f]+, flags", r"^rax [0-9a-f]{16}  rbx"),
    crash("stuck", r"^  CPU   2 ! crash_spin_forever\+0x", watchdog=1, **BOCHS),
    crash("deaf", r"^error: cross-call: CPU 2 has not answered", r"^  CPU   2  takes no NMI"),
    crash("boot", r"^panic on CPU 1: watchdog: CPU 0 has taken no interrupt for 5 s",
          r"^  CPU   0 ! crash_spin_forever\+0x"),
    crash("triple", r"^crash: triple", verdict="crash"),
    crash("triple", r"^crash: triple", verdict="crash", **BOCHS),
    BootCase("no way named", "run=crash", verdicts=("refused",),
             shows=(r"how= is missing; valid",)),
    BootCase("an unknown way", "run=crash,how=softly", verdicts=("refused",), shows=("softly",)),
    BootCase("1 CPU", "run=crash,how=stuck", dict(cpus=1), verdicts=("refused",),
             shows=(r"run=crash needs 2 CPUs",)),
    BootCase("watchdog=3601", "watchdog=3601", verdicts=("refused",), shows=(r"watchdog=3601",)),
    BootCase("end=never", "end=never", verdicts=("refused",), shows=(r"halt, reboot, poweroff",)),
)
