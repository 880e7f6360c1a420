# SPDX-License-Identifier: MIT
"""Debian's Linux kernel and its headers, unpacked below the build folder: nothing is installed.

The packages are fetched by apt-get from the archive that this machine uses, and unpacked by
dpkg-deb. A module is built against the headers there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

META = "linux-headers-amd64"    # depends on the headers of the kernel that linux-image-amd64 is
TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "cpio", "gcc", "make")
FETCH_LIMIT, MAKE_LIMIT = 600.0, 300.0      # seconds


class LeftOut(Exception):
    """There is no Linux kernel to be had here; the text says why."""


class BuildError(Exception):
    """What is built of this project's own sources does not build."""


@dataclass(frozen=True)
class Packages:
    """An unpacked kernel."""
    root: Path
    release: str

    @property
    def kernel(self) -> Path:
        """Its bzImage."""
        return self.root / f"boot/vmlinuz-{self.release}"

    @property
    def headers(self) -> Path:
        """Where modules are built."""
        return self.root / f"usr/src/linux-headers-{self.release}"


def dependencies(text: str) -> list[str]:
    """The packages that `apt-cache depends` names as needed, of the kernel alone."""
    return re.findall(r"^\s*Depends: (linux-[a-z0-9.+-]+)$", text, re.MULTILINE)


def ask(arguments: list[str], folder: Path, limit: float, why: str,
        error: type[Exception] = LeftOut) -> str:
    """Runs a program; raises ERROR with WHY and its last line if it fails."""
    try:
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=limit,
                              stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        raise error(f"{why}: {arguments[0]} has not ended after {limit:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise error(f"{why}: {last[:200]}")
    return done.stdout


def release_of(folder: Path) -> str:
    """Which kernel the archive has: uname -r. Raises LeftOut."""
    why = f"the archive has no {META}"
    needed = dependencies(ask(["apt-cache", "depends", META], folder, FETCH_LIMIT, why))
    names = [name.removeprefix("linux-headers-") for name in needed]
    if not names:
        raise LeftOut(f"{why} that depends on a kernel's headers")
    return names[0]


def fetch(folder: Path) -> Packages:
    """Fetches and unpacks into FOLDER, unless it is there already. Raises LeftOut."""
    for tool in TOOLS:
        if not shutil.which(tool):
            raise LeftOut(f"no {tool} on this machine; Debian's kernel is fetched and built with "
                          f"{' '.join(TOOLS)}")
    folder.mkdir(parents=True, exist_ok=True)
    release = release_of(folder)
    packages = Packages(folder.resolve() / release, release)
    done = packages.root / "unpacked"
    if done.exists():
        return packages
    shutil.rmtree(packages.root, ignore_errors=True)
    packages.root.mkdir()
    headers = f"linux-headers-{release}"
    text = ask(["apt-cache", "depends", headers], folder, FETCH_LIMIT, f"no {headers}")
    names = [f"linux-image-{release}", headers,
             *[name for name in dependencies(text) if not name.startswith("linux-image")]]
    ask(["apt-get", "download", *names], packages.root, FETCH_LIMIT,
        f"cannot be fetched: {' '.join(names)}")
    for archive in packages.root.glob("*.deb"):
        ask(["dpkg-deb", "-x", str(archive), str(packages.root)], folder, FETCH_LIMIT,
            f"cannot be unpacked: {archive.name}")
        archive.unlink()
    makefile = packages.headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src", f"{packages.root}/usr/src"))
    done.touch()
    return packages


def build_module(packages: Packages, source: Path, folder: Path) -> Path:
    """Builds a module of one file. FOLDER is absolute. Raises BuildError."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / source.name)
    (folder / "Kbuild").write_text(f"obj-m := {source.stem}.o\n")
    ask(["make", "-C", str(packages.headers), f"M={folder.resolve()}", "CC=gcc", "modules"],
        folder, MAKE_LIMIT, "the module cannot be built", BuildError)
    return folder / f"{source.stem}.ko"


def build_initramfs(module: Path, program: Path, folder: Path) -> Path:
    """An initramfs of two files: the module, and the program as process 1. Raises BuildError."""
    tree, image = folder / "tree", folder / "initramfs"
    tree.mkdir(parents=True, exist_ok=True)
    ask(["gcc", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", str(tree / "init"),
         str(program)], folder, MAKE_LIMIT, "the program cannot be built", BuildError)
    shutil.copyfile(module, tree / module.name)
    with image.open("wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, stdout=out, check=True,
                       input=f"init\n{module.name}\n".encode())
    return image
