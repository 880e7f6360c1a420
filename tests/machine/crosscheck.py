# SPDX-License-Identifier: MIT
"""Relacy and the explorer have to say the same of the same protocols."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

from explorations import explore
from tap import Point

# Relacy's model, the explorer's words for the policy; plain-store is a mutant, Relacy's alone.
SAME = (("cr3-flag", ["-p", "cr3-flag", "-b", "d"]), ("N7", ["-p", "N7", "-b", "d"]),
        ("generation", ["-p", "generation", "-b", "d"]))
ALONE = {"plain-store": "stale"}


def crosscheck_points(relacy: Path, explorer: Path, folder: Path) -> list[Point]:
    """A point for each model: clean or stale, by both."""
    done = subprocess.run([str(relacy)], capture_output=True, text=True, timeout=120, check=False)
    (folder / "relacy.txt").write_text(done.stdout + done.stderr)
    words = dict(re.findall(r"^(\S+) +(clean|stale) +[1-9]\d* interleavings$", done.stdout,
                            re.MULTILINE))
    points = []
    for name, arguments in SAME:
        _, text = explore(explorer, arguments, folder / f"{name}.txt")
        here = "stale" if re.search("^  process, stale", text, re.MULTILINE) else "clean"
        whole = re.search(r"^\S+ +[12] +d +\d+ ", text, re.MULTILINE)
        good = done.returncode == 0 and whole and words.get(name) == here
        points.append(Point(name, "pass" if good else "fail",
                            f"Relacy: {words.get(name)}, explorer: {here}"))
    for name, word in ALONE.items():
        points.append(Point(name, "pass" if words.get(name) == word else "fail",
                            f"Relacy: {words.get(name)}"))
    return points
