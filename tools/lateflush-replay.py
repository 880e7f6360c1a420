# SPDX-License-Identifier: MIT
"""gdb command for `make gdb REPLAY=FILE`.

lf-replay RIP TRACK  lets the kernel carry out the step of a finding, and stops the CPU that was
                     stepped (0: the target, 2: the initiator) at its instruction, once the others
                     have done what they do there; where #MC strikes, in the first instruction of
                     its door
"""

from __future__ import annotations

import gdb  # pylint: disable=import-error

# Of arch/x86_64/step.asm: what the door keeps above RSP, in bytes, and its flag.
FRAME_RIP, FRAME_RFLAGS = 32, 48
RFLAGS_TF = 1 << 8
STEP_TO_THE_END = (1 << 64) - 2 # of arch/x86_64/step.h; below it are places to stop at
IRETQ = 0xcf48                  # its bytes
MOST_STEPS = 40                 # from step_resumes to the IRET's target


def word(address: int) -> gdb.Value:
    """Eight bytes of the kernel's memory."""
    pointer = gdb.lookup_type("unsigned long").pointer()
    return gdb.Value(address).cast(pointer).dereference()


def register(name: str) -> int:
    """Of the selected CPU."""
    return int(gdb.parse_and_eval(f"(unsigned long)${name}"))


def run_to(place: str, condition: str = "1") -> None:
    """Until a CPU is at PLACE, "*SYMBOL", and CONDITION holds."""
    spot = gdb.Breakpoint(place, type=gdb.BP_HARDWARE_BREAKPOINT)
    spot.condition = condition
    gdb.execute("continue")
    spot.delete()
    if register("pc") != int(gdb.parse_and_eval(f"(unsigned long)&{place[1:]}")):
        raise gdb.GdbError(f"the machine has not come to {place[1:]} where {condition}")


def return_to(rip: int, by_hand: bool) -> None:
    """Along the selected CPU's way out of the door. BY_HAND: gdb carries out the IRET, since RIP
    has the breakpoint that the track begins with, and QEMU, single-stepping, does not heed RF."""
    for _ in range(MOST_STEPS):
        if register("pc") == rip:
            return
        if by_hand and word(register("pc")) & 0xffff == IRETQ:
            frame = register("rsp")
            for place, name in enumerate(("rip", "cs", "eflags", "rsp", "ss")):
                if name != "cs":        # of the same ring, so the same
                    gdb.execute(f"set var ${name} = {int(word(frame + 8 * place)):#x}")
            return
        gdb.execute("stepi", to_string=True)
    raise gdb.GdbError(f"the door does not return to {rip:#x}")


class Replay(gdb.Command):
    """lf-replay RIP TRACK: carries out a step of the sweep and stops at its instruction."""

    def __init__(self) -> None:
        super().__init__("lf-replay", gdb.COMMAND_RUNNING)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Called by gdb. The machine stands at its first instruction."""
        del from_tty
        words = gdb.string_to_argv(argument)
        if len(words) != 2:
            raise gdb.GdbError("lf-replay RIP TRACK")
        rip, track = int(words[0], 0), int(words[1])
        # Before, the target may have been stopped there only to see the others' paths.
        run_to("*sweep_step")
        state = f"(&step_states[{track}])"
        run_to("*step_resumes", f"*(unsigned long *)($rsp + {FRAME_RIP}) == {rip:#x} "
                                f"&& $rbx == (unsigned long){state}")
        stops_again = int(gdb.parse_and_eval(f"{state}->wanted")) < STEP_TO_THE_END
        if not stops_again:     # so stepping ends: the controller takes it for the track's end
            flags = register("rsp") + FRAME_RFLAGS
            gdb.execute(f"set var *(unsigned long *){flags:#x} = "
                        f"{int(word(flags)) & ~RFLAGS_TF:#x}")
            gdb.execute(f"set var {state}->active = 0")
            gdb.execute(f"set var {state}->ended = 1")
        gdb.execute("set scheduler-locking on")
        struck = int(gdb.parse_and_eval(f"{state}->door_rip"))
        return_to(struck or rip, rip == int(gdb.parse_and_eval(f"{state}->route.begin")))
        gdb.execute("set scheduler-locking off")
        if struck:
            print(f"lf: #MC has struck before {rip:#x}, by whose address its door will go:")
            gdb.execute(f"info line *{rip:#x}")
        print(f"lf: CPU {gdb.selected_thread().num - 1} is about to execute:")
        gdb.execute("x/i $pc")
        gdb.execute("info line *$pc")
        if stops_again:
            print("lf: the kernel steps it on to another stop: stepi leads into step_door; break "
                  "further on instead")


Replay()
