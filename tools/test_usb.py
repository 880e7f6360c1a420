#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of tools/usb.sh, printed as TAP: each disk that it has to refuse, each answer that is not
"yes", and the write itself on a loop device.

What lsblk and /sys say of a disk is put in the place of what the machine says. So is dd, but for
the write itself: a disk of this machine that were not refused would still not be written to. A test
of a refusal holds that dd was not called.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import unittest
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from taprun import run_as_tap

USB = Path(__file__).resolve().parent / "usb.sh"
IMAGE_BYTES = 3 * 512 * 1024 + 2048     # no multiple of dd's block size
LOOP_BYTES = 8 << 20

# Answers by the columns asked for. The list of candidates has one removable disk, one that is not.
LSBLK = """#!/bin/bash
case "$*" in
*NAME,SIZE,RM*) echo "sdy 7.5G 1 usb Stick"; echo "sdx 1T 0 sata Disk" ;;
*KNAME*) echo sdx ;;
*TYPE*) echo "$FAKE_TYPE" ;;
*MOUNTPOINT*) printf '%b' "$FAKE_MOUNTS" ;;
*NAME,SIZE,MODEL*) echo "NAME SIZE MODEL LABEL"; echo "sdx 7.5G Stick of the test" ;;
*) exit 9 ;;
esac
"""
DD = """#!/bin/bash
echo "$*" >>"$FAKE_DD"
"""


@dataclass(frozen=True)
class Disk:
    """What lsblk and /sys tell of the disk."""
    type: str = "disk"
    mounts: str = "\\n"
    removable: str = "1"
    read_only: str = "0"
    sectors: int = LOOP_BYTES // 512


STICK = Disk()


def a_block_device() -> str:
    """Some block device's node, which is only looked at; "" if there is none."""
    for path in sorted(Path("/dev").iterdir()):
        if path.is_block_device():
            return str(path)
    return ""


class UsbTest(unittest.TestCase):
    """A folder with commands, a /sys and an image for each test."""

    def setUp(self) -> None:
        folder = TemporaryDirectory(prefix="lateflush-")  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.image = self.folder / "test.iso"
        self.image.write_bytes(random.Random(7).randbytes(IMAGE_BYTES))
        self.dd_calls = self.folder / "dd-calls"
        (self.folder / "bin").mkdir()
        self.command("lsblk", LSBLK)

    def command(self, name: str, text: str) -> None:
        """A command that goes before the machine's own."""
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run_usb(self, device: str, disk: Disk, answer: str = "yes\n",
                image: str = "") -> subprocess.CompletedProcess[str]:
        """The script on DEVICE, of which DISK is said."""
        block = self.folder / "sys/block/sdx"
        block.mkdir(parents=True, exist_ok=True)
        for name, text in (("removable", disk.removable), ("ro", disk.read_only),
                           ("size", str(disk.sectors))):
            (block / name).write_text(text + "\n")
        environment = os.environ | {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "SYSFS": f"{self.folder}/sys",
            "FAKE_TYPE": disk.type, "FAKE_MOUNTS": disk.mounts, "FAKE_DD": str(self.dd_calls)}
        return subprocess.run([str(USB), device, image or str(self.image)], input=answer,
                              env=environment, capture_output=True, text=True, timeout=60,
                              check=False)


class RefusalTest(UsbTest):
    """What must not be written to."""

    def setUp(self) -> None:
        super().setUp()
        self.command("dd", DD)
        self.device = a_block_device()

    def need_device(self) -> None:
        """Most refusals come after the look whether the device is one."""
        if not self.device:
            self.skipTest("no block device in /dev to be looked at")

    def expect(self, device: str, disk: Disk, said: str) -> None:
        """Refused for this reason, with what would be valid, before the question."""
        ended = self.run_usb(device, disk)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        first, *rest = ended.stderr.splitlines()
        self.assertEqual(first, f"usb: {said}")
        self.assertIn("a whole removable disk that is not mounted", rest[0])
        self.assertEqual(rest[1:], ["  /dev/sdy 7.5G 1 usb Stick"])
        self.assertEqual(ended.stdout, "")
        self.assertFalse(self.dd_calls.exists())

    def test_no_device_given(self) -> None:
        """DEV= is empty."""
        self.expect("", STICK, "no DEV given")

    def test_not_a_block_device(self) -> None:
        """A file, a folder, a character device, and what is not there."""
        for device in (str(self.image), str(self.folder), "/dev/null", "/dev/no-such-disk"):
            with self.subTest(device=device):
                self.expect(device, STICK, f"{device} is no block device")

    def test_not_a_whole_disk(self) -> None:
        """A partition, a loop device, a CD drive, a mapping."""
        self.need_device()
        for kind in ("part", "loop", "rom", "crypt", ""):
            with self.subTest(kind=kind):
                self.expect(self.device, replace(STICK, type=kind),
                            f"{self.device} is no whole disk")

    def test_not_removable(self) -> None:
        """A disk that stays in the machine."""
        self.need_device()
        self.expect(self.device, replace(STICK, removable="0"), f"{self.device} is not removable")

    def test_write_protected(self) -> None:
        """A stick with its switch set."""
        self.need_device()
        self.expect(self.device, replace(STICK, read_only="1"), f"{self.device} is write-protected")

    def test_mounted(self) -> None:
        """A mounted disk, a mounted partition of it, swap on it."""
        self.need_device()
        for mounts, named in (("/media/stick\\n", "/media/stick"),
                              ("\\n\\n/mnt/b\\n", "/mnt/b"), ("\\n[SWAP]\\n", "[SWAP]")):
            with self.subTest(mounts=mounts):
                ended = self.run_usb(self.device, replace(STICK, mounts=mounts))
                self.assertEqual(ended.returncode, 1)
                self.assertRegex(ended.stderr.splitlines()[0], f"^usb: {self.device} is mounted: ")
                self.assertIn(named, ended.stderr.splitlines()[0])
                self.assertFalse(self.dd_calls.exists())

    def test_too_small(self) -> None:
        """One sector less than the image."""
        self.need_device()
        enough = IMAGE_BYTES // 512
        self.expect(self.device, replace(STICK, sectors=enough - 1),
                    f"{self.device} is too small")
        self.assertEqual(self.run_usb(self.device, replace(STICK, sectors=enough)).returncode, 0)
        self.assertTrue(self.dd_calls.exists())

    def test_lsblk_fails(self) -> None:
        """What cannot be found out is not taken for good."""
        self.need_device()
        self.command("lsblk", "#!/bin/bash\nexit 1\n")
        ended = self.run_usb(self.device, STICK)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"usb: lsblk fails on {self.device}", ended.stderr)
        self.assertFalse(self.dd_calls.exists())

    def test_no_image(self) -> None:
        """The image is named."""
        ended = self.run_usb(self.device or "/dev/null", STICK, image="/no/such.iso")
        self.assertEqual((ended.returncode, ended.stderr), (1, "usb: no image /no/such.iso\n"))

    def test_answers(self) -> None:
        """Only the word "yes" is one; the disk was shown before."""
        self.need_device()
        for answer in ("", "\n", "no\n", "y\n", "YES\n", "yes please\n", "n\nyes\n"):
            with self.subTest(answer=answer):
                ended = self.run_usb(self.device, STICK, answer)
                self.assertEqual((ended.returncode, ended.stderr),
                                 (1, "usb: nothing was written\n"))
                self.assertIn("Stick of the test", ended.stdout)
                self.assertFalse(self.dd_calls.exists())

    def test_yes(self) -> None:
        """With "yes" the image is written to that device, and a write that fails is told."""
        self.need_device()
        ended = self.run_usb(self.device, STICK)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertIn("usb: done", ended.stdout)
        calls = self.dd_calls.read_text().splitlines()
        self.assertEqual(len(calls), 1)
        self.assertIn(f"if={self.image} of={self.device} ", calls[0])
        self.command("dd", "#!/bin/bash\nexit 1\n")
        ended = self.run_usb(self.device, STICK)
        self.assertEqual(ended.returncode, 1)
        self.assertNotIn("usb: done", ended.stdout)


class WriteTest(UsbTest):
    """The write, by the machine's own dd. Only the loop device made here is ever its target."""

    def loop_device(self, file: Path) -> str:
        """A loop device on FILE, or a skip."""
        try:
            made = subprocess.run(["losetup", "--find", "--show", str(file)], capture_output=True,
                                  text=True, timeout=20, check=False)
        except FileNotFoundError:
            self.skipTest("no losetup on this machine")
        if made.returncode:
            self.skipTest(f"no loop device here: {made.stderr.strip()}")
        device = made.stdout.strip()
        self.addCleanup(lambda: subprocess.run(["losetup", "--detach", device], check=True,
                                               timeout=20))
        return device

    def test_write(self) -> None:
        """All of the image is there, and what lies behind it is as it was."""
        file = self.folder / "disk"
        before = random.Random(8).randbytes(LOOP_BYTES)
        file.write_bytes(before)
        device = self.loop_device(file)
        ended = self.run_usb(device, STICK, "no\n")
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(Path(device).read_bytes(), before)
        ended = self.run_usb(device, STICK)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(file.read_bytes(), self.image.read_bytes() + before[IMAGE_BYTES:])


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules[__name__]))
