# SPDX-License-Identifier: MIT
"""gdb commands for the kernel; `make gdb` loads them. They need a stopped machine and symbols.

lf-attach PORT  connects to QEMU and stops at the kernel's first instruction
lf-cpus         each CPU: where it is, its task, its context word, what it owes
lf-policy       the policy in force, its claims, its words on each CPU
lf-areas [MAX]  the vmalloc areas: live, freed but not flushed, held
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import gdb  # pylint: disable=import-error

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

from count import symbol_at, symbols_of  # noqa: E402  pylint: disable=wrong-import-position

ENTRIES = ("pvh_start", "multiboot_start")
CONTEXTS = ("KERNEL", "IDLE", "USER", "GUEST")
WORK_START, WORK_BITS, COUNTER_START = 2, 14, 16
WORK_NAMES = {0: "SYNC", 1: "TLBI"}
# Policies whose shared word is a struct context_tracking.
TRACKING = ("state-bits",)
MAX_CPUS = 256


def constant(header: str, name: str) -> int:
    """A #define of one number from a header; debug information does not hold it."""
    text = (ROOT / header).read_text()
    match = re.search(rf"^#define\s+{name}\s+(0x[0-9a-fA-F]+|[0-9]+)U?L*\s*(?:/\*.*)?$", text,
                      re.MULTILINE)
    if not match:
        raise gdb.GdbError(f"no number {name} in {header}")
    return int(match[1], 0)


def lookup(type_name: str) -> gdb.Type:
    """A type by name."""
    return gdb.lookup_type(type_name)


def value(expression: str) -> gdb.Value:
    """The value of a C expression; an error names it."""
    try:
        found = gdb.parse_and_eval(expression)
        found.fetch_lazy()
        return found
    except gdb.MemoryError:
        raise gdb.GdbError("the kernel's memory is not mapped yet: let it run on, for example to "
                           "`hbreak kernel_main`") from None
    except gdb.error as error:
        raise gdb.GdbError(f"{expression}: {error}") from None


def text_of(pointer: gdb.Value) -> str:
    """A C string, "" for NULL."""
    return pointer.string() if int(pointer) else ""


def blocks() -> Iterator[gdb.Value]:
    """The per-CPU block of every CPU that is set up."""
    base = constant("arch/x86_64/layout.h", "CPU_AREA_BASE")
    stride = constant("arch/x86_64/cpu_area.h", "CPU_AREA_STRIDE")
    pointer = lookup("struct percpu").pointer()
    found = False
    for cpu in range(MAX_CPUS):
        block = gdb.Value(base + cpu * stride).cast(pointer).dereference()
        try:
            if not block["online"]:
                break
        except gdb.MemoryError:
            break
        found = True
        yield block
    if not found:
        raise gdb.GdbError("no CPU is set up yet: let the kernel run on, for example to "
                           "`hbreak entry_SYSCALL_64`")


def context_word(word: int) -> str:
    """The context-tracking word in Linux's terms."""
    bits = word >> WORK_START & (1 << WORK_BITS) - 1
    names = [WORK_NAMES.get(bit, f"bit{bit}") for bit in range(WORK_BITS) if bits >> bit & 1]
    return (f"{CONTEXTS[word & 3]:<6} work={'+'.join(names) or 'none'} "
            f"count={word >> COUNTER_START}")


@functools.cache
def symbols(kernel: str) -> tuple[list[int], list[str]]:
    """Read once."""
    return symbols_of(Path(kernel))


def place_of(pc: int) -> str:
    """An address as symbol and distance; ring 3 has no symbols here."""
    if not pc >> 63 and "No symbol" in gdb.execute(f"info symbol {pc:#x}", to_string=True):
        return f"ring 3 {pc:#x}"
    name, distance = symbol_at(symbols(gdb.current_progspace().filename), pc)
    return f"{name}+{distance}" if distance else name


def places() -> dict[int, str]:
    """Where each CPU is: QEMU's thread N + 1 is CPU N."""
    found = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        found[thread.num - 1] = place_of(gdb.newest_frame().pc())
    return found


class SameThread:
    """Goes back to the thread that was selected."""

    def __enter__(self) -> None:
        self.thread = gdb.selected_thread()
        if self.thread is None:
            raise gdb.GdbError("no machine: `lf-attach PORT` first")

    def __exit__(self, *unused: object) -> None:
        self.thread.switch()


class Attach(gdb.Command):
    """lf-attach PORT: connects to QEMU's stub and stops at the first instruction of the kernel."""

    def __init__(self) -> None:
        super().__init__("lf-attach", gdb.COMMAND_RUNNING)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """The command."""
        gdb.execute("set architecture i386:x86-64", to_string=True)
        gdb.execute(f"target remote 127.0.0.1:{int(argument)}", to_string=True)
        stops = [gdb.Breakpoint(f"*{entry}", gdb.BP_HARDWARE_BREAKPOINT, internal=True)
                 for entry in ENTRIES]
        gdb.execute("continue", to_string=True)
        for stop in stops:
            stop.delete()
        pc = int(value("(unsigned long)$pc"))
        print(f"lf: first instruction of the kernel: {place_of(pc)} at {pc:#x}")


class Cpus(gdb.Command):
    """lf-cpus: each CPU's place, task, context word and pending work."""

    def __init__(self) -> None:
        super().__init__("lf-cpus", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """The command."""
        with SameThread():
            where = places()
            policy = text_of(value("flush_policy")["name"])
            print(f"purges issued: {int(value('issued'))}, "
                  f"completed: {int(value('tlb_gen_newest_completed'))}")
            print(f"{'CPU':>3} {'APIC':>4} {'isolated':<8} {'task':<8} {'flushed to':>10} "
                  f"{'queue':<5} context ({policy}), where")
            for block in blocks():
                self.show(block, where, policy)

    def show(self, block: gdb.Value, where: dict[int, str], policy: str) -> None:
        """One line."""
        cpu = int(block["cpu"])
        mask = value("isolated_cpus")
        task = block["current"]
        name = text_of(task["program"]["name"]) if int(task) else "-"
        words = block["policy_shared"]
        context = "-"
        if policy in TRACKING:
            tracking = words.address.cast(lookup("struct context_tracking").pointer())
            context = context_word(int(tracking["state"]))
        isolated = "yes" if is_set(mask, cpu) else "no"
        queue = "full" if int(block["call_queue"]) else "empty"
        print(f"{cpu:>3} {int(block['apic_id']):>4} {isolated:<8} {name:<8} "
              f"{int(block['tlb_gen']['covered']):>10} {queue:<5} {context}, {where.get(cpu, '?')}")


def is_set(mask: gdb.Value, bit: int) -> bool:
    """A bit of a struct cpumask."""
    words = mask[mask.type.fields()[0].name]
    width = words.type.target().sizeof * 8
    return bool(int(words[bit // width]) >> bit % width & 1)


class Policy(gdb.Command):
    """lf-policy: the flush policy in force, what it claims, and its words on each CPU."""

    def __init__(self) -> None:
        super().__init__("lf-policy", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """The command."""
        policy = value("flush_policy")
        print(f"policy {text_of(policy['name'])} ({text_of(policy['lineage'])}), "
              f"{'defers' if policy['defers'] else 'never defers'}, roots {int(policy['roots'])}")
        for index in range(int(policy["nr_claims"])):
            claim = policy["claims"][index]
            print(f"claim {text_of(claim['id'])}: {text_of(claim['effect'])} in "
                  f"{text_of(claim['context'])} context")
        doors = value("doors")
        for field in doors.type.fields():
            print(f"door {field.name:<10} {str(doors[field.name]).split(' ', 1)[-1]}")
        for block in blocks():
            shared = bytes(int(block["policy_shared"][i]) for i in range(16)).hex(" ", 4)
            own = bytes(int(block["policy_own"][i]) for i in range(16)).hex(" ", 4)
            print(f"CPU {int(block['cpu']):>3} shared {shared}  own {own}")


def in_order(node: gdb.Value) -> Iterator[gdb.Value]:
    """The nodes of an area tree, by address, without recursion."""
    stack: list[gdb.Value] = []
    while stack or int(node):
        while int(node):
            stack.append(node)
            node = node["child"][0]
        node = stack.pop()
        yield node
        node = node["child"][1]


class Areas(gdb.Command):
    """lf-areas [MAX]: the vmalloc areas by address.

    Lazy ones are freed but not flushed yet, held ones not by every CPU (one tree a purge)."""

    KINDS = ("vmalloc", "vmap", "vm_map_ram", "block")
    SHOWN = 40

    def __init__(self) -> None:
        super().__init__("lf-areas", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """The command."""
        most = int(argument or self.SHOWN)
        pointer = lookup("struct vmap_area").pointer()
        print(f"{'state':<5} {'from':<18} {'to, guard page too':<18} {'pages':>6} {'kind':<10} "
              "made by")
        for state, tree in self.trees():
            for number, node in enumerate(in_order(tree["root"])):
                if number == most:
                    print(f"{state:<5} ... {int(tree['count']) - most} more: "
                          f"`lf-areas {int(tree['count'])}` shows all")
                    break
                # The node is the first field of its area.
                self.show(state, node.cast(pointer))
            print(f"{state}: {int(tree['count'])} areas")

    def trees(self) -> Iterator[tuple[str, gdb.Value]]:
        """Every tree of areas that are in use or wait."""
        yield "live", value("vmap_area_root")
        yield "lazy", value("purge_vmap_area_root")
        held, first = value("held"), int(value("held_first"))
        for index in range(int(value("held_nr"))):
            yield "held", held[(first + index) % (held.type.range()[1] + 1)]["areas"]

    def show(self, state: str, area: gdb.Value) -> None:
        """One line."""
        start, end = int(area["node"]["start"]), int(area["node"]["end"])
        caller = str(area["caller"]).split(" ", 1)[-1]
        print(f"{state:<5} {start:#018x} {end:#018x} {int(area['nr_pages']):>6} "
              f"{self.KINDS[int(area['kind'])]:<10} {caller}")


Attach()
Cpus()
Policy()
Areas()
