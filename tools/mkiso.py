#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the boot image: one hybrid ISO for BIOS and UEFI, for a CD and for a USB stick.

Needs GRUB's grub-mkrescue with its BIOS and UEFI modules, xorriso and mtools.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

PROGRAMS = ("spin", "bounce")
DEFAULT_TITLE = "Lateflush: compare the policies"
MULTIBOOT2_MAGIC = 0xe85250d6
ROOT = Path(__file__).resolve().parent.parent


class IsoError(Exception):
    """The image cannot be made."""


def quote(cmdline: str) -> str:
    """The command line as GRUB script: every word in single quotes, nothing in it is special."""
    bad = sorted({c for c in cmdline if c in "'\\\"" or not " " <= c <= "~"})
    if bad:
        raise IsoError(f"command line has {' '.join(map(repr, bad))}: GRUB cannot pass it on; "
                       "valid: printable ASCII without quotes and backslashes")
    return " ".join(f"'{word}'" for word in cmdline.split())


def without_framebuffer(image: bytes) -> bytes:
    """The kernel not asking for a framebuffer: its optional tag 5 becomes one that nobody knows.

    Where GRUB finds a graphics mode there is no other way to be started in VGA text.
    """
    begin = image.find(struct.pack("<I", MULTIBOOT2_MAGIC))
    tag = image.find(struct.pack("<HHI", 5, 1, 20), begin, begin + 4096)
    if begin < 0 or tag < 0:
        raise IsoError("the kernel has no multiboot2 header that asks for a framebuffer")
    return image[:tag] + struct.pack("<H", 0x7f05) + image[tag + 2:]


def make_iso(kernel: Path, programs: Path, out: Path, cmdline: str, timeout: int,
             framebuffer: bool = True, setup: str = "",
             files: Mapping[str, bytes] = MappingProxyType({})) -> None:
    """Writes OUT: the kernel, its ring-3 programs and the menu, whose first entry gets CMDLINE.

    SETUP: GRUB commands before it; FILES: more files of the image, by path.
    """
    mkrescue = shutil.which("grub-mkrescue") or shutil.which("grub2-mkrescue")
    if not mkrescue:
        raise IsoError("no grub-mkrescue; tools/prereq.sh run installs it")
    menu = (ROOT / "boot/grub.cfg").read_text()
    title = f"Lateflush: {' '.join(cmdline.split())[:60]}" if cmdline.strip() else DEFAULT_TITLE
    menu = menu.replace("@TIMEOUT@", str(timeout)).replace("@ARGS@", quote(cmdline))
    menu = menu.replace("@TITLE@", title).replace("@SETUP@", setup)
    with tempfile.TemporaryDirectory(prefix="iso-", dir=out.parent) as temporary:
        tree = Path(temporary)
        (tree / "boot/grub").mkdir(parents=True)
        (tree / "boot/grub/grub.cfg").write_text(menu)
        image = kernel.read_bytes()
        (tree / "boot/lateflush.elf").write_bytes(
            image if framebuffer else without_framebuffer(image))
        for name in PROGRAMS:
            shutil.copyfile(programs / f"{name}.elf", tree / f"boot/{name}.elf")
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        done = subprocess.run([mkrescue, "-o", str(out), "-volid", "LATEFLUSH", str(tree)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise IsoError(f"{mkrescue} ended with {done.returncode}:\n{done.stdout}")


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="make the boot image")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True, help="folder of the ELF programs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cmdline", default="", help="kernel command line of the first entry")
    parser.add_argument("--timeout", type=int, default=1, help="of the menu, in seconds")
    args = parser.parse_args()
    try:
        make_iso(args.kernel, args.programs, args.out, args.cmdline, args.timeout)
    except IsoError as error:
        print(f"mkiso: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
