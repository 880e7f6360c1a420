#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads what the kernel has on its screen, as text: a machine without a serial line has only that.

A framebuffer is read from a picture (PPM): every 8x16 cell is compared with the glyphs of the
kernel's own font, bit by bit, so a pixel that is off turns a letter into '?'. VGA text is read from
the memory at 0xb8000. Both come from QEMU's monitor (QMP, one JSON document a line).
"""

from __future__ import annotations

import json
import socket
import struct
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FONT = ROOT / "kernel/font/spleen-8x16.psf"
CELL_WIDTH, CELL_HEIGHT = 8, 16
VGA_TEXT, VGA_COLUMNS, VGA_ROWS = 0xb8000, 80, 25
MONITOR_LIMIT = 20.0
MIN_ROWS = 10                   # of text, for a screen to prove anything
SETTLING = 1.0                  # the serial line is a moment ahead of the screen


class ScreenError(Exception):
    """The screen cannot be read."""


class Monitor:
    """QEMU's monitor on a UNIX socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(MONITOR_LIMIT)
        end = time.monotonic() + MONITOR_LIMIT
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise ScreenError(f"no monitor on {path}") from None
                time.sleep(0.1)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """One command; what it returns."""
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                raise ScreenError(f"the emulator ended during {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise ScreenError(f"{command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]


def glyphs(psf: bytes) -> dict[bytes, str]:
    """The printable ASCII characters of a PSF1 font by their bitmaps, through its Unicode table."""
    magic, mode, size = struct.unpack_from("<HBB", psf)
    if magic != 0x0436 or size != CELL_HEIGHT or not mode & 2:
        raise ScreenError("not the 8x16 font with a Unicode table that was expected")
    count = 512 if mode & 1 else 256
    found: dict[bytes, str] = {}
    number = 0
    for (code,) in struct.iter_unpack("<H", psf[4 + count * size:]):
        if code == 0xffff:
            number += 1
        elif 32 <= code < 127:
            found[psf[4 + number * size:4 + (number + 1) * size]] = chr(code)
    return found


def read_ppm(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and pixels, three bytes each."""
    fields = data.split(maxsplit=4)
    if fields[0] != b"P6" or fields[3] != b"255":
        raise ScreenError("not a PPM picture")
    width, height = int(fields[1]), int(fields[2])
    return width, height, data[len(data) - width * height * 3:]


def text_of_picture(data: bytes, psf: bytes) -> list[str]:
    """The rows of text in a picture; paper is black."""
    width, height, pixels = read_ppm(data)
    table = glyphs(psf)
    rows = []
    for top in range(0, height - CELL_HEIGHT + 1, CELL_HEIGHT):
        lines = [pixels[(top + y) * width * 3:(top + y + 1) * width * 3]
                 for y in range(CELL_HEIGHT)]
        bits = ["".join("1" if line[x:x + 3] != b"\0\0\0" else "0"
                        for x in range(0, width * 3, 3)) for line in lines]
        row = ""
        for left in range(0, width - CELL_WIDTH + 1, CELL_WIDTH):
            cell = bytes(int(line[left:left + CELL_WIDTH], 2) for line in bits)
            row += table.get(cell, "?")
        rows.append(row.rstrip())
    return rows


def text_of_vga(memory: bytes) -> list[str]:
    """The rows of VGA text: a character and its colours, 80 times 25."""
    codes = memory[0:VGA_COLUMNS * VGA_ROWS * 2:2]
    text = "".join(chr(code) if 32 <= code < 127 else " " if code in (0, 32) else "?"
                   for code in codes)
    return [text[at:at + VGA_COLUMNS].rstrip() for at in range(0, len(text), VGA_COLUMNS)]


def grab(monitor: Path, work: Path, vga: bool) -> list[str]:
    """The rows of text on the screen of a running machine."""
    qemu = Monitor(monitor)
    time.sleep(SETTLING)
    path = work / ("vga-text.bin" if vga else "screen.ppm")
    if vga:
        qemu.execute("pmemsave", val=VGA_TEXT, size=VGA_COLUMNS * VGA_ROWS * 2, filename=str(path))
        return text_of_vga(path.read_bytes())
    qemu.execute("screendump", filename=str(path))
    return text_of_picture(path.read_bytes(), FONT.read_bytes())


def difference(printed: list[str], rows: list[str]) -> str:
    """Empty if the screen ends with what was printed last; else what is missing there.

    A line that is longer than a row goes on in the next one. Rows that scrolled away are not asked
    for, nor is what was printed before the kernel had a screen.
    """
    columns = max((len(row) for row in rows), default=0)
    shown = [row for row in rows if row]
    if len(shown) < MIN_ROWS:
        return f"only {len(shown)} of {len(rows)} rows hold text"
    expected = "".join(line.replace(" ", "") for line in printed if line)
    text = "".join(row.replace(" ", "") for row in shown)
    if not text or not expected.endswith(text):
        wrong = next((row for row in reversed(shown) if row.replace(" ", "") not in expected),
                     shown[-1] if shown else "")
        return f"the screen ({columns} columns) is not the end of what was printed, see: {wrong}"
    return ""
