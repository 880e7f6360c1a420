# SPDX-License-Identifier: MIT
"""Panics and refusals that no command line reaches: memory that is too short, a CPU that does not
do what another waits for. QEMU's gdb stub makes one call fail: the instruction is skipped and RAX
has what the function would have returned. For a limit, tsc_passed() says that time is over; from
`hold` on, no CPU but the waiter runs until then, so that nobody is quicker.

tools/check_panics.py reads this table too.
"""

from __future__ import annotations

import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from boot import judge
from count import symbols_of
from gdb_remote import Remote, RemoteError
from interfere import boot_interfered, run_to
from tap import Point

CALL = re.compile(r"^ *([0-9a-f]+):\s+call\s+[0-9a-f]+ <([A-Za-z0-9_]+)[.a-z0-9]*>$", re.MULTILINE)
CALL_SIZE = 5
ENOMEM, EEXIST = (1 << 64) - 12, (1 << 64) - 17     # negative, as functions return them
BOOT_CPU = 0                    # the one that waits
Call = tuple[str, str]          # a function, and one that calls it


@dataclass(frozen=True)
class Fault:
    """One end. text: on a line of the report. fails: calls that fail, one after the other, with
    VALUE: a number, or for an error's text any string of the kernel."""
    text: str
    cmdline: str
    fails: tuple[Call, ...]
    hold: Call | str | None = None  # a call, or the entry of a function
    value: int | str = 0
    word: str = "panic"
    cpus: int = 3


def late(text: str, cmdline: str, waiter: str, hold: Call | str, cpus: int = 3) -> Fault:
    """A limit that is reached."""
    return Fault(text, cmdline, (("tsc_passed", waiter),), hold, 1, cpus=cpus)


COMPARE = "tlbi=immediate pti=off"
NO_PAGE = (("map_page", "map_new_page"),)       # for a program
STACKS = "tlbi=watching pti=off run=stacks"
HARMED = "tlbi=watching pti=off run=hostile,ops=2,plant="
SMALL_SWEEP = "tlbi=immediate pti=off run=sweep,door=syscall,scenario=C"

FAULTS = (
    # Memory: the CPUs', the experiments'.
    Fault("memory: too short for the boot CPU's data", COMPARE,
          (("kernel_stack_alloc", "init_boot_cpu"),), word="refused"),
    Fault("CPU 1 (APIC id 1): memory is too short for its data", COMPARE,
          (("kernel_stack_alloc", "prepare_slot"),)),
    Fault("CPU 1 (APIC id 1): nested too deeply", COMPARE, (("cpu_area_map", "prepare_slot"),),
          value="nested too deeply"),
    Fault("memory: too short for the vmalloc area's tables", COMPARE, (("vmalloc_init", "run"),),
          word="refused"),
    Fault("trace=: memory is too short for the rings; valid: fewer records", "trace=all",
          (("trace_start", "init_trace"),), word="refused"),
    Fault("memory is too short for the storm's frames", COMPARE,
          (("storm_init", "start_workers"),)),
    Fault("no memory for the canaries", COMPARE, (("canaries_init", "bench_run"),)),
    Fault("no memory for the results of 3 CPUs", COMPARE,
          (("boot_alloc_frames", "alloc_cpu_results"),)),
    Fault("no memory for the storm page", COMPARE, (("boot_alloc_frames", "crew_page"),)),
    Fault("no address left in the vmalloc area", COMPARE,
          (("vmap_range", "canary_swap"), ("vmap", "canary_swap"))),
    Fault("stacks: no memory for the page of CPU 2", STACKS,
          (("boot_alloc_frames", "prepare"),), cpus=4),
    Fault("stacks: no memory for the oracle", STACKS, (("stack_oracle_init", "prepare"),),
          cpus=4),
    Fault("stacks: memory is too short for the storm's frames", STACKS,
          (("storm_init", "begin_storm"),), cpus=4),
    Fault("stacks: no memory for an IDT", STACKS + ",plant=idt",
          (("vmalloc", "collect_with_planted_idt"),), cpus=4),
    Fault("crusty: no memory for its page tables", "run=crusty",
          (("crusty_tables_init", "run_crusty"),)),
    Fault("violate: no memory for one page", "run=violate,rule=R10",
          (("vmap_range", "map_lonely_page"),)),
    Fault("run=alloc: memory is too short", "run=alloc", (("vmalloc", "run_alloc"),),
          word="refused"),
    Fault("run=flush: memory is too short", "run=flush", (("vmalloc", "run_flush"),),
          word="refused"),
    Fault("zone=trap: memory is too short", COMPARE + " zone=trap stack=task",
          (("map_page", "zone_trap_exempt"),), value=ENOMEM),
    Fault("zone=stale: memory is too short", COMPARE + " zone=stale",
          (("paging_make_tables", "copy_table"),)),
    Fault("break=table: no memory for the table", COMPARE + " break=table",
          (("vmalloc", "zone_break_init"),)),
    Fault("vmap: frame ", COMPARE, (("map_page", "vmap_frames"),), value=EEXIST),
    # Programs that cannot be loaded. (The comparison's is in matrix.py.)
    Fault("program null for CPU 2: ", "run=null", NO_PAGE, value=ENOMEM),
    Fault("program bounce for CPU 2: no such program", STACKS, (("task_create", "start_task"),),
          cpus=4),
    Fault("program step for CPU 2: ", "run=sweep", NO_PAGE, value=ENOMEM),
    Fault("crusty: ", "run=crusty,rounds=1", NO_PAGE, value=ENOMEM),
    Fault("hostile: ", "run=hostile", NO_PAGE, value=ENOMEM),
    # Its memory is looked for page by page; none is found.
    Fault("the victim has no data", HARMED + "victim", (("walk", "hostile_load_harm"),) * 256),
    # An assertion.
    Fault("BUG: !walk(kernel_root, ", COMPARE, (("walk", "cpu_area_user_page"),)),
    # A document that is none.
    Fault("JSON report: nested too deeply", COMPARE + " run=compare,flushes=1,phase2=1",
          (("report_json", "run_compare"),), value="nested too deeply"),
    Fault("JSON document: nested too deeply", "run=flush", (("json_finish", "exp_end"),),
          value="nested too deeply"),
    Fault("sweep's document: nested too deeply",
          "tlbi=immediate pti=off run=sweep,door=syscall,scenario=A,at=entry+0",
          (("json_finish", "sweep_json_end"),), value="nested too deeply"),
    # Programs that are gone, or seem so.
    Fault("CPU 2: spin ended before it began: ", COMPARE, (("cpu_work_done", "wait_settled"),),
          "task_run", 1),
    Fault("CPU 2: the stepped program has ended: ", "run=sweep",
          (("cpu_work_done", "stepper_wait"),), "task_run", 1),
    # CPUs that are late.
    late("CPU 1 (APIC id 1) started, but did not get ready within 5000 ms", COMPARE, "start_cpu",
         ("percpu_set_online", "ap_main")),
    late("CPU 2 did not reach ring 3 within", COMPARE, "wait_settled", "task_run"),
    late("CPU 2 has not finished within", "run=crusty", "cpu_work_wait", "crusty_probes_work"),
    late("CPU 2, round 1: no ", "run=crusty,rounds=1", "wait_for", "task_run"),
    late("of the stepped program was not carried out within", "run=sweep", "stepper_wait",
         "task_run"),
    # Nobody is held: the boot CPU purges while it waits, and the other one has to answer.
    Fault("has not ended within", "run=hostile", (("tsc_passed", "wait_for_operations"),), value=1),
    late("has taken no timer interrupt within", HARMED + "entry", "hostile_load_interrupt",
         ("apic_send_ipi", "hostile_load_interrupt")),
    late("CPU 2 has neither reached position", SMALL_SWEEP, "step_wait",
         ("stepper_order", "send_in")),
    late("sweep: CPU 2: not within 30000 ms:", SMALL_SWEEP, "await_handler",
         ("apic_send_nmi", "sweep_strike_begin")),
    late("of 2 other CPUs stopped within 60 s", COMPARE, "park",
         ("stop_cpus", "select_policy")),
)


@functools.lru_cache(maxsize=1)
def calls_of(kernel: Path) -> dict[str, list[int]]:
    """The addresses of the instructions that call each function."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(kernel)],
                          capture_output=True, text=True, check=True).stdout
    found: dict[str, list[int]] = {}
    for address, callee in CALL.findall(text):
        found.setdefault(callee, []).append(int(address, 16))
    return found


@functools.lru_cache(maxsize=None)
def sites_of(kernel: Path, call: Call) -> list[int]:
    """Where a call stands; inlining does not hide the caller (DWARF)."""
    callee, caller = call
    addresses = [hex(address) for address in calls_of(kernel).get(callee, [])]
    text = subprocess.run(["addr2line", "-afie", str(kernel), *addresses], capture_output=True,
                          text=True, check=True).stdout if addresses else ""
    # Of each address itself, then a function and its place by turns, the innermost first.
    sites = [int(part.partition("\n")[0], 16) for part in re.split(r"^0x", text, flags=re.M)[1:]
             if caller in part.split("\n")[1::2]]
    if not sites:
        raise RemoteError(f"{caller}() does not call {callee}()")
    return sites


def string_at(kernel: Path, gdb: Remote, cpu: int, text: str) -> int:
    """The address of one of the kernel's own strings."""
    at = kernel.read_bytes().find(b"\0" + text.encode() + b"\0")
    headers = subprocess.run(["readelf", "-lW", str(kernel)], capture_output=True, text=True,
                             check=True).stdout
    for offset, address, size in re.findall(
            r"LOAD +(0x[0-9a-f]+) (0x[0-9a-f]+) 0x[0-9a-f]+ (0x[0-9a-f]+)", headers):
        if int(offset, 16) <= at < int(offset, 16) + int(size, 16):
            place = int(address, 16) + at + 1 - int(offset, 16)
            if gdb.memory(cpu, place, len(text)) == text.encode():
                return place
    raise RemoteError(f"the kernel has no string {text!r}")


def fault_points(kernel: Path, fault: Fault, folder: Path) -> list[Point]:
    """Boots with the fault; the end and its text have to be the expected ones."""
    def act(gdb: Remote) -> None:
        if fault.hold:
            run_to(gdb, [dict(zip(*reversed(symbols_of(kernel))))[fault.hold]]
                   if isinstance(fault.hold, str) else sites_of(kernel, fault.hold))
        for call in fault.fails:
            sites = sites_of(kernel, call)
            stop = run_to(gdb, sites, BOOT_CPU if fault.hold else None)
            rip = gdb.rip(stop.cpu)
            if rip not in sites:
                raise RemoteError(f"stopped at {rip:x}, not at a call of {call[0]}()")
            value = (string_at(kernel, gdb, stop.cpu, fault.value)
                     if isinstance(fault.value, str) else fault.value)
            gdb.set_register(stop.cpu, "rip", rip + CALL_SIZE)
            gdb.set_register(stop.cpu, "rax", value)

    result, why = boot_interfered(kernel, folder, fault.cmdline, fault.cpus, act)
    faults = [why] if why else []
    outcome = judge(result)
    if outcome.word != fault.word:
        faults.append(f"verdict {outcome.word}, expected {fault.word}; {outcome.why}")
    if not any(fault.text in line for line in result.lines):
        faults.append(f"no line has {fault.text!r}; last: {result.last_line[:100]}")
    return [Point("", "fail" if faults else "pass", "\n".join(faults))]
