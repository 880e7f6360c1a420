# SPDX-License-Identifier: MIT
"""Building mutants: as the kernel's objects, as an explorer, as a kernel.

The compilers' words come from make. A changed file lies in a folder that is searched before the
tree, so that a changed header is found by all who include it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mutants import ROOT, Mutant, files_of

NO_SYMBOLS = "symbols0.o"       # of the kernel's first link, see the Makefile
QUIET = ("-w", "-g0")           # a warning is no verdict; without line numbers code can be compared


class BuildError(Exception):
    """The unchanged tree, or a step that cannot fail for a mutant's sake, did not build."""


@dataclass(frozen=True)
class Toolchain:
    """What the tree is built with: compilers with their flags, what is linked."""
    kernel_cc: list[str]
    kernel_ld: list[str]
    host_cc: list[str]
    build: Path

    def kernel_objects(self) -> list[Path]:
        """Of the whole kernel."""
        return [ROOT / word for word in (self.build / "objects.stamp").read_text().split()]

    def explorer_objects(self) -> list[Path]:
        """Of the whole explorer, its table among them."""
        folder = self.build / "explorer"
        return [*sorted(folder.rglob("*.c.o")), folder / "table.c"]


def toolchain(kernel_cc: str, kernel_ld: str, host_cc: str, build: Path) -> Toolchain:
    """From make's words."""
    return Toolchain(shlex.split(kernel_cc), shlex.split(kernel_ld), shlex.split(host_cc), build)


def succeeds(command: list[str]) -> bool:
    """Whether a compiler's run ended well."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


class MutantBuild:
    """One policy's sources, changed or not, in a folder of their own."""

    def __init__(self, tools: Toolchain, policy: str, folder: Path) -> None:
        self.tools = tools
        self.folder = folder
        self.files = files_of(policy)
        self.program = folder / "explore"
        self.sources = [path for path in self.files if path.endswith(".c")]

    def write(self, mutant: Mutant | None) -> None:
        """Copies the files, the changed one as the mutant has it."""
        for path in self.files:
            changed = mutant is not None and mutant.path == path
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(mutant.source if mutant and changed else (ROOT / path).read_text())

    def compile(self, compiler: list[str], kind: str) -> bool:
        """KIND.o for each source; False: the mutant is no C."""
        for path in self.sources:
            obj = self.object(path, kind)
            obj.parent.mkdir(parents=True, exist_ok=True)
            words = [compiler[0], f"-I{self.folder}", *compiler[1:], *QUIET,
                     f"-fmacro-prefix-map={self.folder}/=", "-c", str(self.folder / path),
                     "-o", str(obj)]
            if not succeeds(words):
                return False
        return True

    def object(self, path: str, kind: str) -> Path:
        """Where a source's object of KIND lies."""
        return self.folder / kind / f"{path}.o"

    def kernel_code(self) -> bytes | None:
        """The kernel's objects of these sources, None if they do not compile."""
        if not self.compile(self.tools.kernel_cc, "kernel"):
            return None
        return b"".join(self.object(path, "kernel").read_bytes() for path in self.sources)

    def replaced(self, objects: list[Path], kind: str) -> list[str]:
        """OBJECTS, with this policy's in the place of the tree's."""
        own = {path: str(self.object(path, kind)) for path in self.sources}
        found = []
        for obj in objects:
            match = re.search(r"(mm/policy/\w+\.c)\.o$", str(obj))
            found.append(own.pop(match[1]) if match and match[1] in own else str(obj))
        if own:
            raise BuildError(f"{', '.join(own)}: no such object in the build")
        return found

    def explorer(self) -> Path:
        """An explorer with this policy."""
        program = self.program
        if not (self.compile(self.tools.host_cc, "host") and succeeds(
                [*self.tools.host_cc, *QUIET, "-no-pie", "-o", str(program),
                 *self.replaced(self.tools.explorer_objects(), "host")])):
            raise BuildError(f"{self.folder}: compiles for the kernel and not for the explorer")
        return program

    def kernel(self) -> Path:
        """A kernel with this policy, without the table of symbols that panics print."""
        elf = self.folder / "lateflush.elf"
        if not succeeds([*self.tools.kernel_ld, "-o", str(elf), str(self.tools.build / NO_SYMBOLS),
                         *self.replaced(self.tools.kernel_objects(), "kernel")]):
            raise BuildError(f"{self.folder}: the kernel does not link")
        return elf
