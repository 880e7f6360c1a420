#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small client of gdb's remote protocol, as QEMU's stub speaks it.

It steps one virtual CPU with all others stopped, which gdb itself cannot be made to do quickly:
some 7,500 steps a second. CPUs are numbered from 0 here; the protocol counts threads from 1. While
QEMU steps, interrupts and timers are held back. Every wait for an answer has a limit.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass

REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11",
             "r12", "r13", "r14", "r15", "rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs")
WIDE_REGISTERS = 17             # the first 17 have 64 bits, the others 32
ANSWER_LIMIT = 30.0
INTERRUPT = b"\x03"


class RemoteError(Exception):
    """The stub does not answer, or not as it should."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def checksum(text: bytes) -> bytes:
    """The two digits after a packet."""
    return b"%02x" % (sum(text) & 255)


def frame(text: bytes) -> bytes:
    """A packet around TEXT, which must not hold the protocol's own signs."""
    assert not set(text) & set(b"$#}*"), text
    return b"$" + text + b"#" + checksum(text)


def take_packet(buffer: bytearray) -> bytes | None:
    """Cuts the first complete packet out of BUFFER; None if there is none yet."""
    start = buffer.find(b"$")
    end = buffer.find(b"#", start)
    if start < 0 or end < 0 or len(buffer) < end + 3:
        return None
    text, digits = bytes(buffer[start + 1:end]), bytes(buffer[end + 1:end + 3])
    del buffer[:end + 3]
    if checksum(text) != digits:
        raise RemoteError(f"packet with a wrong checksum: {text[:40]!r}")
    return text


@dataclass(frozen=True)
class Stop:
    """Why the machine stopped and on which CPU."""
    signal: int
    cpu: int


class Remote:
    """One connection to a stub. The machine stops when it is made and goes on when it is closed."""

    def __init__(self, port: int, limit: float = 10.0) -> None:
        self.buffer = bytearray()
        self.running = False
        self.socket = self.connect(port, limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask(b"qSupported:multiprocess+;vContSupported+")
        if b"vCont" not in self.ask(b"vCont?"):
            raise RemoteError("the stub has no vCont")
        self.ask(b"?")

    @staticmethod
    def connect(port: int, limit: float) -> socket.socket:
        """The emulator may need a moment to listen."""
        end = time.monotonic() + limit
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=ANSWER_LIMIT)
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise RemoteError(f"nobody listens on port {port} after {limit:.0f} s"
                                      ) from None
                time.sleep(0.05)

    # --- Packets ---

    def send(self, text: bytes) -> None:
        """Sends one packet."""
        self.socket.sendall(frame(text))

    def receive(self, limit: float = ANSWER_LIMIT) -> bytes:
        """The next packet from the stub, acknowledged."""
        end = time.monotonic() + limit
        while True:
            packet = take_packet(self.buffer)
            if packet is not None:
                self.socket.sendall(b"+")
                return packet
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                raise RemoteError(f"no answer from the stub within {limit:.0f} s") from None
            if not piece:
                raise RemoteError("the emulator closed the connection")
            self.buffer += piece

    def ask(self, text: bytes) -> bytes:
        """One question and its answer.

        QEMU reports the stop that a new connection causes whenever it gets to it: skipped.
        """
        self.send(text)
        answer = self.receive()
        while answer.startswith(b"T") and text != b"?":
            answer = self.receive()
        if answer.startswith(b"E"):
            raise RemoteError(f"the stub refuses {text[:40]!r}: {answer!r}")
        return answer

    # --- State ---

    def select(self, cpu: int) -> None:
        """Registers and memory are CPU's from now on."""
        self.ask(b"Hgp1.%x" % (cpu + 1))

    def registers(self, cpu: int) -> dict[str, int]:
        """The general registers of a stopped CPU."""
        self.select(cpu)
        data = bytes.fromhex(self.ask(b"g").decode("ascii"))
        wide = struct.unpack_from(f"<{WIDE_REGISTERS}Q", data)
        narrow = struct.unpack_from(f"<{len(REGISTERS) - WIDE_REGISTERS}I", data,
                                    WIDE_REGISTERS * 8)
        return dict(zip(REGISTERS, wide + narrow))

    def rip(self, cpu: int) -> int:
        """Where a stopped CPU is."""
        return self.registers(cpu)["rip"]

    def set_register(self, cpu: int, name: str, value: int) -> None:
        """Writes one of the wide registers of a stopped CPU. QEMU has P, for one register, only
        for a debugger that asked for its XML; so all of them are read and written back."""
        self.select(cpu)
        data = bytearray.fromhex(self.ask(b"g").decode("ascii"))
        struct.pack_into("<Q", data, REGISTERS[:WIDE_REGISTERS].index(name) * 8, value)
        if self.ask(b"G" + data.hex().encode("ascii")) != b"OK":
            raise RemoteError(f"the stub does not write {name}")

    def memory(self, cpu: int, address: int, size: int) -> bytes:
        """SIZE bytes at a virtual address, through CPU's page tables."""
        self.select(cpu)
        data = bytearray()
        while len(data) < size:
            part = min(size - len(data), 1024)
            data += bytes.fromhex(self.ask(b"m%x,%x" % (address + len(data), part)).decode())
        return bytes(data)

    # --- Motion ---

    def parse_stop(self, packet: bytes) -> Stop:
        """T05thread:p01.02; and the like."""
        if packet[:1] not in (b"T", b"S"):
            raise RemoteError(f"not a stop: {packet[:60]!r}")
        thread = packet.partition(b"thread:p")[2].partition(b";")[0].rpartition(b".")[2]
        return Stop(int(packet[1:3], 16), int(thread, 16) - 1 if thread else 0)

    def step(self, cpu: int) -> Stop:
        """One instruction of CPU, everybody else stands still."""
        self.send(b"vCont;s:p1.%x" % (cpu + 1))
        return self.parse_stop(self.receive())

    def mask_interrupts(self, masked: bool) -> None:
        """Whether stepping leaves interrupts and timers out, as it does without being told."""
        self.ask(b"Qqemu.sstep=%x" % (7 if masked else 1))

    def resume(self, cpu: int | None = None) -> None:
        """Lets all CPUs run, or CPU alone. wait() tells when they stop."""
        self.send(b"vCont;c" if cpu is None else b"vCont;c:p1.%x" % (cpu + 1))
        self.running = True

    def wait(self, limit: float) -> Stop:
        """The next stop."""
        stop = self.parse_stop(self.receive(limit))
        self.running = False
        return stop

    def interrupt(self) -> Stop:
        """Stops a running machine."""
        self.socket.sendall(INTERRUPT)
        return self.wait(ANSWER_LIMIT)

    def breakpoint(self, address: int, insert: bool = True, hardware: bool = True) -> None:
        """Sets or removes one; a hardware one works before paging is set up."""
        self.ask(b"%s%d,%x,1" % (b"Z" if insert else b"z", 1 if hardware else 0, address))

    def close(self) -> None:
        """Detaches without a word: the machine is left as it is."""
        self.socket.close()
