# SPDX-License-Identifier: MIT
"""A boot in which QEMU's gdb stub changes something, beside the boot's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from boot import BootResult, boot
from gdb_remote import Remote, RemoteError, Stop, free_port
from machine import Machine

LIMIT = 120.0

Act = Callable[[Remote], None]


def run_to(gdb: Remote, addresses: list[int], cpu: int | None = None) -> Stop:
    """Lets all CPUs run, or CPU alone, until one is at one of ADDRESSES, before it is executed."""
    for address in addresses:
        gdb.breakpoint(address)
    gdb.resume(cpu)
    stop = gdb.wait(LIMIT)
    for address in addresses:
        gdb.breakpoint(address, insert=False)
    return stop


def boot_interfered(kernel: Path, folder: Path, cmdline: str, cpus: int,
                    act: Act) -> tuple[BootResult, str]:
    """Boots the kernel without a loader. ACT gets the stub before the first instruction, and all
    run on when it returns. The text says why it could not do what it wanted; "": it could."""
    m = Machine(kernel=kernel, media="kernel", cpus=cpus, cmdline=cmdline, gdb_port=free_port(),
                frozen=True)
    faults: list[str] = []

    def interfere() -> None:
        try:
            gdb = Remote(m.gdb_port)
            act(gdb)
            gdb.resume()
            gdb.close()
        except (RemoteError, OSError) as error:
            faults.append(f"not changed: {error}")

    thread = threading.Thread(target=interfere)
    thread.start()
    result = boot(m, folder, LIMIT, folder / "serial.log")
    thread.join()
    return result, "\n".join(faults)
