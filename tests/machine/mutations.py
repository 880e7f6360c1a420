# SPDX-License-Identifier: MIT
"""A small form of `make mutate`: some mutants of some policies, all killed; and that it fails."""
from __future__ import annotations

import subprocess
from pathlib import Path

from tap import Point

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 400.0
# Name, policies, words of tools/mutate.py, whether it passes, what it says.
MUTATIONS: tuple[tuple[str, str, str, bool, str], ...] = (
    ("all are killed", "watching+generation+cr3-pending+quarantine", "--bounds st", True,
     "(100.0 %)"),
    ("bounds that see nothing", "watching", "--bounds u --targets=", False,
     "of the small form every mutant has to be killed"),
    ("a policy that is not sound", "posted-v4", "", False, "no sound policy that defers; valid: "),
)


def mutation_points(build: Path, folder: Path) -> list[Point]:
    """All of the table."""
    points = []
    for number, (name, policies, words, passes, text) in enumerate(MUTATIONS):
        done = subprocess.run(
            ["make", "--no-print-directory", f"BUILD={build}", "mutate", f"POLICY={policies}",
             f"ARGS=--small --no-sweep --larger= --results {folder}/mutate-{number}.json {words}"],
            cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
        output = done.stdout + done.stderr
        (folder / f"output-{number}.txt").write_text(output)
        good = (done.returncode == 0) == passes and text in output
        points.append(Point(name, "pass" if good else "fail",
                            "" if good else f"status {done.returncode}: {output[-400:]}"))
    return points
