#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make gdb`: starts QEMU, stopped before its first instruction, and gdb on it.

gdb stops at the kernel's first instruction and has the commands of tools/lateflush-gdb.py. The
kernel's serial output goes to a file. With --self-test gdb runs a script instead, and what it shows
is checked and printed as TAP.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from pathlib import Path

import machine
from boot import end_process
from gdb_remote import free_port
from machine import Machine, MachineError, parse_cpus, parse_mem
from replay import INITIATOR, NESTED, Schedule, ScheduleError, read_schedule

TOOLS = Path(__file__).resolve().parent
BATCH_LIMIT = 90.0
# The doors, the areas and the policy at the first system call of a ring-3 program, and later.
SCRIPT = (
    "thbreak entry_SYSCALL_64", "continue",
    "echo [stopped]\\n", "print $pc == entry_SYSCALL_64", "thread",
    "echo [cpus]\\n", "lf-cpus",
    "echo [policy]\\n", "lf-policy",
    "echo [areas]\\n", "lf-areas",
    "echo [end]\\n", "kill",
)


def gdb_command(kernel: Path, port: int) -> list[str]:
    """gdb with the kernel's symbols, connected."""
    return ["gdb", "-q", "-nx", str(kernel), "-ex", "set pagination off", "-ex", "set confirm off",
            "-ex", "set width 0", "-x", str(TOOLS / "lateflush-gdb.py"), "-ex", f"lf-attach {port}"]


def section(text: str, name: str) -> str:
    """What the script printed between [NAME] and the next mark."""
    match = re.search(rf"^\[{name}\]\n(.*?)(?=^\[[a-z]+\]$|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def checks(text: str, cpus: int) -> list[tuple[str, bool]]:
    """What the self test looks for, computed from the machine that was asked for."""
    rows = [line for line in section(text, "cpus").splitlines() if re.match(r"\s*[0-9]+ ", line)]
    thread = re.search(r"Current thread is ([0-9]+)", section(text, "stopped"))
    cpu = int(thread[1]) - 1 if thread else -1
    here = rows[cpu] if 0 <= cpu < len(rows) else ""
    return [
        ("stops at the first instruction, by its symbol",
         bool(re.search(r"^lf: first instruction of the kernel: (pvh|multiboot)_start at ", text,
                        re.MULTILINE))),
        ("stops at the entry stub", "$1 = 1\n" in section(text, "stopped")),
        ("on an isolated CPU (the upper half)", cpu >= cpus // 2),
        ("lf-cpus has one row for each CPU", len(rows) == cpus),
        ("isolated are those of the default nohz_full",
         [" yes " in row for row in rows] == [n >= cpus // 2 for n in range(cpus)]),
        ("the entering CPU's word still says USER", "USER" in here),
        ("its task has a name", bool(re.search(r" yes +[a-z]+ ", here))),
        ("lf-policy names the policy", section(text, "policy").startswith("policy state-bits")),
        ("lf-policy knows the doors", "state_bits_enter" in section(text, "policy")),
        ("lf-areas lists areas", bool(re.search(r"0xffffc9[0-9a-f]{10}", section(text, "areas")))),
    ]


def replay_test(command: list[str], schedule: Schedule, log: Path, serial: Path) -> int:
    """gdb stands at the finding's instruction, and behind it the kernel finds the same again."""
    then = " || ".join(f"step_states[{track}].rip == {schedule.then_rip or 0:#x}"
                       for track in (NESTED, INITIATOR))
    text = run_gdb(command, ("echo [here]\\n", f"print $pc == {schedule.rip:#x} || "
                             f"*(unsigned long *)$rsp == {schedule.rip:#x}", "lf-cpus",
                             "echo [then]\\n", f"print {then}", "echo [end]\\n", "continue"), log)
    lines = serial.read_text(errors="replace")
    found = re.escape(schedule.headline.split(": ")[1].split(", breaks")[0])
    two = [("the other track has been stopped where the finding says",
            "$2 = 1\n" in section(text, "then"))] if schedule.then_rip else []
    return print_points(text, log, two + [
        ("gdb stands at the instruction, or where #MC has struck it",
         "$1 = 1\n" in section(text, "here")),
        ("the CPU is named", bool(re.search(r"^lf: CPU [0-9]+ is about to execute:$", text,
                                            re.MULTILINE))),
        ("the other commands work there", " yes " in section(text, "here")),
        ("the kernel finds the same behind it",
         bool(re.search(rf"^  {found}, ", lines, re.MULTILINE))),
    ])


def self_test(command: list[str], cpus: int, log: Path) -> int:
    """Runs the script and prints TAP."""
    text = run_gdb(command, SCRIPT, log)
    return print_points(text, log, checks(text, cpus))


def run_gdb(command: list[str], script: tuple[str, ...], log: Path) -> str:
    """What gdb printed while it carried out SCRIPT."""
    for words in script:
        command += ["-ex", words]
    try:
        done = subprocess.run(command + ["-batch"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=BATCH_LIMIT, check=False)
        text = done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace")
        print(f"# gdb did not end within {BATCH_LIMIT:.0f} s")
    log.write_text(text)
    return text


def print_points(text: str, log: Path, found: list[tuple[str, bool]]) -> int:
    """TAP, and the end of gdb's output if anything fails."""
    print(f"1..{len(found)}")
    if not all(holds for _, holds in found):
        print(f"# gdb's output is in {log}; it ends with: {text.strip()[-200:]!r}")
    for number, (name, holds) in enumerate(found, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - {name}")
    return 0 if all(holds for _, holds in found) else 1


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="debug the kernel with gdb")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cpus", default="4")
    parser.add_argument("--mem", default="256")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--cmdline", default="")
    parser.add_argument("--replay", type=Path, help="a finding's schedule: stop there")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    args.work.mkdir(parents=True, exist_ok=True)
    port = free_port()
    cmdline = "tlbi=state-bits" if args.self_test else args.cmdline
    schedule = None
    try:
        if args.replay:
            schedule = read_schedule(args.replay, args.kernel)
            cmdline = schedule.cmdline
        m = Machine(kernel=args.kernel, media="kernel", cpus=parse_cpus(args.cpus),
                    mem=parse_mem(args.mem), machine=args.machine, cmdline=cmdline,
                    gdb_port=port, frozen=True)
        command = machine.command(m, args.work)
    except (MachineError, ScheduleError) as error:
        print(f"gdb: {error}", file=sys.stderr)
        return 2
    serial = args.work / "serial.log"
    with serial.open("wb") as output:
        # A session of its own: Ctrl-C in gdb stops the kernel, not the emulator.
        emulator = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=subprocess.STDOUT, start_new_session=True)
        try:
            gdb = gdb_command(args.kernel, port)
            if schedule:
                print("\n".join([schedule.headline, *schedule.lines]), flush=True)
                gdb += ["-x", str(TOOLS / "lateflush-replay.py"), "-ex", schedule.command]
            if args.self_test and schedule:
                return replay_test(gdb, schedule, args.work / "gdb.log", serial)
            if args.self_test:
                return self_test(gdb, m.cpus, args.work / "gdb.log")
            print(f"serial output: {serial}; commands: help lf-cpus, lf-policy, lf-areas")
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return subprocess.call(gdb,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        finally:
            end_process(emulator)


if __name__ == "__main__":
    sys.exit(main())
