# SPDX-License-Identifier: MIT
"""`make convict` on a few policies, and that it fails where it has to: policies from outside the
tree (NEW=) that are wrong and say nothing, that claim too much, that are no policies."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tap import Point

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 240.0
# Name, folder below the build folder, words for tools/convict.py, exit status, what a line shows.
CONVICTIONS: tuple[tuple[str, str, list[str], int, str], ...] = (
    ("exactly the claims", "", ["--policy", "N7+watching"], 0,
     r"^convict: exact .2 policies, 4 rows: 4 exact."),
    ("what the sweep cannot show is named", "", ["--policy", "cr3-drain"], 0,
     r"sweep cannot show R10 .process, stale."),
    ("cut short is no pass", "", ["--policy", "watching", "--engine", "explorer", "--states",
                                  "1000"], 4, r"^  short: not to the end of bounds tu"),
    ("no such policy", "", ["--policy", "nonsense"], 2, r"nonsense: no such policy; valid: "),
    ("new, wrong, claims nothing", "new/forgets_silently", ["--policy", "forgets-silently"], 5,
     r"explorer new .* differ$"),
    ("new, claims too much", "new/claims_too_much",
     ["--policy", "claims-too-much", "--engine", "explorer"], 5,
     r"claimed and not found: N5 .process, lost."),
)
# A change of tests/policies/claims_too_much.c, and the message that it has to bring.
NO_POLICIES: tuple[tuple[str, str, str, str], ...] = (
    ("an unknown defect", '"N5"', '"N42"', r"claims N42; valid: N1"),
    ("an unknown effect", '"lost"', '"gone"', r"claims N5 .process, gone.; valid: "),
    ("another name", '"claims-too-much"', '"other"', r'valid: "claims-too-much"'),
    ("no reset", ".reset = modest_reset,", ".missing = (void *)modest_reset,",
     r"lacks one of .lineage, .reset"),
    ("a door without hooks", ".doors_two = POLICY_DOORS_TWO(modest),",
     ".doors_two = {.enter = modest_enter_two, .exit = modest_exit_two,"
     " .nmi_enter = modest_nmi_enter_two},\n\t.stop_tracking = (void *)modest_nmi_exit_two,",
     r"\.doors_two, which lack a hook"),
)


def make(build: Path, new: Path, *words: str) -> tuple[int, str]:
    """A run of make with NEW=; status and output."""
    done = subprocess.run(["make", "--no-print-directory", f"BUILD={build}", f"NEW={new}", *words],
                          cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stdout + done.stderr


def point(name: str, got: int, status: int, text: str, pattern: str) -> Point:
    """Passes if the status is right and a line matches."""
    wrong = (f"status {got}, not {status}: {text.strip()[-200:]}" if got != status else
             "" if re.search(pattern, text, re.MULTILINE) else f"no line matches {pattern!r}")
    return Point(name, "fail" if wrong else "pass", wrong)


def refusal_points(build: Path, folder: Path) -> list[Point]:
    """Files that are no policies: the build ends with a message."""
    points = []
    source = (ROOT / "tests/policies/claims_too_much.c").read_text()
    changed = folder / "claims_too_much.c"
    for name, old, new, pattern in NO_POLICIES:
        assert source.count(old) == 1, old
        changed.write_text(source.replace(old, new))
        got, text = make(build, changed, "explore", "ARGS=-l")
        points.append(point(f"refused: {name}", got, 2, text, pattern))
    return points


def exactness_points(build: Path, folder: Path) -> list[Point]:
    """All of both tables. The kernel and the explorer of BUILD are there."""
    for new, target in (("forgets_silently", "all"), ("claims_too_much", "explorer")):
        got, text = make(build, ROOT / f"tests/policies/{new}.c", target, "explorer")
        if got:
            return [Point(f"{new} is built in", "fail", text[-500:])]
    points = []
    for name, below, words, status, pattern in CONVICTIONS:
        results = folder / re.sub("[^a-z]+", "-", name) / "convict.json"
        results.parent.mkdir(parents=True, exist_ok=True)
        kernel = build / below / "lateflush.elf"
        done = subprocess.run(
            [sys.executable, "tools/convict.py", "--small", "--explorer",
             str(build / below / "explorer/explore"), "--kernel", str(kernel), "--results",
             str(results), *words], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT,
            check=False)
        text = done.stdout + done.stderr
        (results.parent / "output.txt").write_text(text)
        points.append(point(name, done.returncode, status, text, pattern))
    return points + refusal_points(build, folder)
