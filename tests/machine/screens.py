# SPDX-License-Identifier: MIT
"""What is on the screen, where a machine without a serial line has all of it: the text that the
serial line got too, and at the end the QR code, which has to hold the document of the same run."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import qr
import screen
from bench import Case
from boot import BootResult, boot, how_it_ended
from machine import Machine
from tap import Point

LIMIT = 120
TEXT_RUN = "run=test,only=paging"
VGA_RUN = "run=ipi"
QR_RUNS = ("run=compare,flushes=500 tlbi=state-bits+cr3-flag", "run=ipi",
           "run=crusty,rounds=9,survival=2,looks=99")
NO_QR = "QR code: none: this screen shows text only"
UEFI: dict[str, object] = {"firmware": "uefi", "machine": "q35"}

Image = Callable[[str, bool], Path]     # of a command line, with a framebuffer or without


class Screens:
    """Boots that are looked at before they end."""

    def __init__(self, kernel: Path, image: Image) -> None:
        self.kernel = kernel
        self.image = image

    def read(self, cmdline: str, fields: dict[str, object], framebuffer: bool,
             folder: Path) -> tuple[BootResult, list[str]]:
        """Boots a machine that stays on after the verdict, and reads its screen."""
        rows: list[str] = []
        with tempfile.TemporaryDirectory(prefix="lateflush-") as short:
            socket = Path(short, "monitor")
            m = Machine(kernel=self.kernel, iso=self.image(cmdline, framebuffer), monitor=socket,
                        endless=True, **fields)  # type: ignore
            result = boot(m, folder, LIMIT, folder / "serial.log", until="lateflush: verdict: ",
                          then=lambda: rows.extend(screen.grab(socket, folder, not framebuffer)))
        (folder / "screen.txt").write_text("\n".join(rows) + "\n")
        return result, rows

    def text(self, cmdline: str, fields: dict[str, object], framebuffer: bool,
             folder: Path) -> list[Point]:
        """The screen's text against the serial line's. VGA text says that it has no QR code."""
        result, rows = self.read(cmdline, fields, framebuffer, folder)
        if not result.stopped:
            return [Point("", "fail", how_it_ended(result))]
        fault = screen.difference(result.lines, rows)
        if not framebuffer and NO_QR not in rows:
            fault += f"\nno line: {NO_QR}"
        return [Point("", "fail" if fault else "pass", fault)]

    def code(self, cmdline: str, folder: Path) -> list[Point]:
        """The QR code on the screen against the document of the same run."""
        result, _ = self.read(cmdline, {}, True, folder)
        if not result.stopped:
            return [Point("", "fail", how_it_ended(result))]
        document = json.loads(result.document)
        try:
            found = qr.read_text(qr.read_picture(folder / "screen.ppm"))
        except qr.QrError as error:
            return [Point("", "fail", str(error))]
        if "experiment" in document:
            same = found == document
            return [Point("", "pass" if same else "fail", f"{found}\nis not\n{document}")]
        faults = qr.faults_of(found, document)
        return [Point("", "fail" if faults else "pass", "\n".join(faults))]

    def cases(self) -> list[Case]:
        """Framebuffers of GRUB, VGA text, QR codes."""
        table: tuple[tuple[str, str, dict[str, object], bool], ...] = (
            ("VGA text", VGA_RUN, {}, False), ("framebuffer, BIOS", TEXT_RUN, {}, True),
            ("framebuffer, UEFI", TEXT_RUN, UEFI, True))
        texts = [Case("screen", name, functools.partial(self.text, cmdline, fields, framebuffer),
                      needs="build: default") for name, cmdline, fields, framebuffer in table]
        return texts + [Case("screen", f"QR code, {words.partition(',')[0]}",
                             functools.partial(self.code, words), needs="build: default")
                        for words in QR_RUNS]
