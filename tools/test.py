#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The driver of `make test`: a table of suites, run by tools/bench.py.

Options: -l lists the cases, -g GROUP and -k TEXT choose some. The boots come from the tables in
tests/machine; adding a case is adding a row there. The last line says how many passed and failed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/machine"))

# pylint: disable=wrong-import-position
import facts                                                    # noqa: E402
import tap                                                      # noqa: E402
import trace_facts                                              # noqa: E402
from bench import (SKIPPED, Bench, Case, command_point, run_command,  # noqa: E402
                   tap_points)
from boot import boot                                           # noqa: E402
from builds import BUILDS, folder_of                            # noqa: E402
from case import BootCase                                       # noqa: E402
from convictions import CONVICTIONS                             # noqa: E402
from crashes import CRASHES                                     # noqa: E402
from cpus import CPU_MODELS                                       # noqa: E402
from crosscheck import crosscheck_points                        # noqa: E402
from crusty import CRUSTY                                       # noqa: E402
from exactness import exactness_points                          # noqa: E402
from experiments import EXPERIMENTS                             # noqa: E402
from explorations import exploration_points                         # noqa: E402
from faults import FAULTS, fault_points                         # noqa: E402
from firmware import FIRMWARE                                   # noqa: E402
from handover import HANDOVERS, points as handover_points       # noqa: E402
from hostile import HOSTILE                                     # noqa: E402
from kernel_suites import KERNEL_SUITES                         # noqa: E402
from machine import Machine                                     # noqa: E402
from matrix import MATRIX                                       # noqa: E402
from mutations import mutation_points                           # noqa: E402
from mkiso import make_iso                                      # noqa: E402
from refusals import REFUSALS                                   # noqa: E402
from power import points as power_points                        # noqa: E402
from replays import replay_points                               # noqa: E402
from run import conclude, fresh_folder                          # noqa: E402
from screens import Screens                                     # noqa: E402
from stacks import STACKS                                       # noqa: E402
from sweep import SWEEPS                                        # noqa: E402
from tap import Point                                           # noqa: E402
from tracing import TRACES                                      # noqa: E402
from violations import VIOLATIONS                               # noqa: E402
from zone import ZONES                                          # noqa: E402
from zone_storm import ZONE_STORMS                              # noqa: E402

PYTHON = "/usr/bin/python3"
FUZZ_LIMITS = ("-runs=20000", "-max_total_time=15", "-timeout=5", "-rss_limit_mb=1024")
COUNTED_POLICIES = "immediate+state-bits+generation+ledger"
TOOL_TESTS = ("test_tools", "test_checks", "test_new_policy", "test_mutants", "test_results",
              "test_report", "test_peer", "test_experiments", "test_zone",
              "test_zone_patched", "test_usb", "test_sweep", "test_convict")
BASELINE = "tools/counts.baseline"
BUSY_CPUS = 3                   # guests with as many busy CPUs get the machine for themselves
ASKED_FOR = ("zone-storm",)     # groups that are too slow to run unasked


class Suites:
    """Makes the cases; knows where things are built."""

    def __init__(self, build: Path) -> None:
        self.build = build
        self.image_lock = threading.Lock()
        self.images: dict[tuple[object, ...], Path] = {}

    # --- Programs on the host ---

    def spelled(self, path: Path) -> str:
        """A path below the build folder as make spells it: from the root if it lies in there."""
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    def make(self, name: str, *words: str, limit: float = 300.0) -> Callable[[Path], list[Point]]:
        """A run of make as one point."""
        command = ["make", "--no-print-directory", f"BUILD={self.build}", *words]
        return lambda folder: command_point(command, folder, limit, ROOT, name)

    def build_case(self, name: str) -> Case:
        """One variant of the kernel."""
        variant = BUILDS[name]

        def run(folder: Path) -> list[Point]:
            if variant.tool and not shutil.which(variant.tool):
                return [Point("", "skip", f"no {variant.tool} on this machine")]
            words = [f"{key}={value}" for key, value in variant.variables.items()]
            return command_point(["make", "--no-print-directory", "all", "-j2",
                                  f"BUILD={folder_of(name, self.build)}", *words],
                                 folder, 300, ROOT, name)
        return Case("build", name, run, weight=2)

    def host_cases(self) -> list[Case]:
        """Unit tests and fuzzers; a program that does not compile fails alone."""
        cases = []
        for source in sorted((ROOT / "tests/host").glob("test_*.c")):
            program = self.build / "host" / source.stem

            def run_test(folder: Path, program: Path = program) -> list[Point]:
                built = self.make("compiles", self.spelled(program))(folder)
                if built[0].word != "pass":
                    return built
                return tap_points([str(program)], folder, 90, ROOT,
                                  {"CMOCKA_MESSAGE_OUTPUT": "TAP"})
            cases.append(Case("host", source.stem.removeprefix("test_"), run_test))
        for source in sorted((ROOT / "tests/host").glob("fuzz_*.c")):
            program = self.build / "host" / source.stem
            name = source.stem.removeprefix("fuzz_")

            def run_fuzzer(folder: Path, program: Path = program, name: str = name) -> list[Point]:
                built = self.make("compiles", self.spelled(program))(folder)
                if built[0].word != "pass":
                    return built
                return self.fuzz(program, ROOT / "tests/host/corpus" / name, folder)
            cases.append(Case("fuzz", name, run_fuzzer))
        return cases

    def fuzz(self, program: Path, corpus: Path, folder: Path) -> list[Point]:
        """A bounded run from the committed corpus, which it must not grow."""
        fresh = folder / "corpus"
        fresh.mkdir(exist_ok=True)
        if not corpus.is_dir() or not any(corpus.iterdir()):
            return [Point("corpus", "fail", f"no corpus in {corpus.relative_to(ROOT)}")]
        return command_point([str(program), *FUZZ_LIMITS, f"-artifact_prefix={folder}/",
                              str(fresh), str(corpus)], folder, 60, ROOT, "bounded run")

    def explorer_cases(self) -> list[Case]:
        """Interleavings on the host."""
        def compare(folder: Path) -> list[Point]:
            built = self.make("compiles", self.spelled(self.build / "relacy/crosscheck"))(folder)
            if built[0].word != "pass":
                return built
            return built + crosscheck_points(self.build / "relacy/crosscheck",
                                             self.build / "explorer/explore", folder)
        program = self.build / "explorer/explore"
        # Made once, before either: two makes at a time would write the same files.
        return [Case("build", "explorer", self.make("compiles", "explorer")),
                Case("explore", "small bounds",
                     lambda folder: exploration_points(program, folder), needs="build: explorer",
                     slow=True),
                Case("explore", "Relacy", compare, needs="build: explorer")]

    def exactness_cases(self) -> list[Case]:
        """Both engines, findings against claims; mutants of the sound policies."""
        def run(folder: Path) -> list[Point]:
            built = self.make("compiles", "explorer")(folder)
            if built[0].word != "pass":
                return built
            return built + exactness_points(self.build, folder)
        return [Case("convict", "both engines", run, weight=2, needs="build: default"),
                Case("mutate", "small form",
                     lambda folder: mutation_points(self.build, folder), weight=2,
                     needs="build: default")]

    def tool_cases(self) -> list[Case]:
        """The tools' own tests."""
        return [Case("tools", name, lambda folder, n=name: tap_points(
            [PYTHON, f"tools/{n}.py"], folder, 180, ROOT)) for name in TOOL_TESTS]

    def zone_cases(self) -> list[Case]:
        """The danger zone, proved from the binary; the controls have to be caught."""
        return [Case("zone", "proved from the binary", lambda folder: command_point(
            [PYTHON, "tools/zone.py", str(self.build / "lateflush.elf")], folder, 600, ROOT),
            needs="build: default")]

    def check_cases(self) -> list[Case]:
        """What `make check` looks at: the text of the project."""
        table = (
            ("include direction", [PYTHON, "tools/check_includes.py"], 30),
            ("text", [PYTHON, "tools/check_text.py"], 30),
            ("panics and refusals", [PYTHON, "tools/check_panics.py"], 30),
            ("headers compile alone", ["tools/check_headers.sh", "gcc", "clang"], 180),
            ("formatting", ["tools/check_format.sh"], 60),
            ("shell scripts", ["tools/check_shell.sh"], 60),
            ("static analysis", ["tools/check_static.sh"], 240),
        )
        return [Case("check", name,
                     lambda folder, a=arguments, s=limit, n=name: command_point(a, folder, s, ROOT))
                for name, arguments, limit in table]

    # --- Boots ---

    def image_of(self, build: str, cmdline: str, framebuffer: bool = True, setup: str = "",
                 files: Mapping[str, bytes] = MappingProxyType({})) -> Path:
        """The boot image of a variant with a command line; each is made once."""
        with self.image_lock:
            key = (build, cmdline, framebuffer, setup, tuple(sorted(files.items())))
            if key not in self.images:
                folder = folder_of(build, self.build)
                images = self.build / "test-images"
                images.mkdir(exist_ok=True)
                image = images / f"{build}-{len(self.images)}.iso"
                make_iso(folder / "lateflush.elf", folder / "user", image, cmdline, 0,
                         framebuffer, setup, files)
                self.images[key] = image
            return self.images[key]

    def boot_case(self, group: str, row: BootCase) -> Case:
        """One row of a table."""
        fields = {"media": "kernel"} | row.machine
        # Bochs runs all its CPUs on one thread, as the sweep has them; a refused guest never gets
        # busy.
        heavy = (int(str(fields.get("cpus", 4))) >= BUSY_CPUS and "refused" not in row.verdicts
                 and fields.get("engine") != "bochs" and "run=sweep" not in row.cmdline)

        def run(folder: Path) -> list[Point]:
            return self.run_boot(row, fields, folder)
        return Case(group, row.name, run, weight=2 if heavy else 1, needs=f"build: {row.build}",
                    slow=fields.get("engine") == "bochs")

    def run_boot(self, row: BootCase, fields: dict[str, object], folder: Path) -> list[Point]:
        """Boots a row's machine and compares what came of it with the row."""
        kernel = folder_of(row.build, self.build) / "lateflush.elf"
        iso = None if fields["media"] == "kernel" else self.image_of(
            row.build, row.cmdline, setup=row.grub, files=row.files)
        m = Machine(kernel=kernel, iso=iso, cmdline=row.cmdline, **fields)  # type: ignore
        result = boot(m, folder, row.limit, folder / "serial.log")
        outcome = conclude(result, m, folder)
        faults = []
        if outcome.word not in row.verdicts:
            faults.append(f"verdict {outcome.word}, expected {' or '.join(row.verdicts)}")
        elif outcome.why and outcome.word != "crash":
            faults.append(outcome.why)
        for pattern in row.shows:
            if not any(re.search(pattern, line) for line in result.lines):
                faults.append(f"no line matches {pattern!r}; last line: {result.last_line[:100]}")
        if (row.facts or row.counts or row.check) and not faults:
            faults += self.document_faults(row, json.loads(result.document))
        if row.trace and not faults:
            faults += trace_facts.faults_of(result.trace, json.loads(result.document))[:20]
        points = tap.parse(result.lines) if row.ktap else []
        if faults or not points:
            points.append(Point("", "fail" if faults else "pass", "\n".join(faults)))
        return points

    def document_faults(self, row: BootCase, document: dict[str, object]) -> list[str]:
        """What the document says against the row."""
        faults = facts.faults_of(document) if row.facts else []
        faults += row.check(document) if row.check else []
        if row.counts and not facts.total_of(document, row.counts):
            faults.append(f"{row.counts} is 0 on every isolated CPU: not seen by that oracle")
        return faults

    # --- All ---

    def cases(self) -> list[Case]:
        """Every case, in the order in which they are run: what is quick and basic first."""
        boots = [self.boot_case(group, row) for group, rows in (
            ("kernel", KERNEL_SUITES), ("convict", CONVICTIONS), ("sweep", SWEEPS),
            ("zone", ZONES), ("zone-storm", ZONE_STORMS), ("stacks", STACKS),
            ("trace", TRACES), ("crash", CRASHES),
            ("hostile", HOSTILE), ("crusty", CRUSTY), ("measure", EXPERIMENTS),
            ("violate", VIOLATIONS),
            ("refuse", REFUSALS), ("firmware", FIRMWARE), ("cpus", CPU_MODELS),
            ("machine", MATRIX)) for row in rows]
        builds = [self.build_case(name) for name in BUILDS]
        return (self.tool_cases() + self.check_cases() + builds + self.zone_cases() +
                self.host_cases() +
                self.explorer_cases() + self.exactness_cases() + boots +
                self.power_cases() + self.fault_cases() + self.handover_cases() +
                self.screen_cases() + self.debugger_cases())

    def power_cases(self) -> list[Case]:
        """end=: behind the verdict the machine goes off, or boots again."""
        return [Case("power", f"{action}, {machine}",
                     lambda folder, a=action, m=machine: power_points(
                         self.build / "lateflush.elf", a, folder, m), needs="build: default")
                for action, machine in (("poweroff", "pc"), ("poweroff", "q35"), ("reboot", "pc"))]

    def fault_cases(self) -> list[Case]:
        """Panics and refusals that a call has to fail for."""
        return [Case("fault", fault.text.rstrip(" :"),
                     lambda folder, f=fault: fault_points(self.build / "lateflush.elf", f, folder),
                     needs="build: default") for fault in FAULTS]

    def handover_cases(self) -> list[Case]:
        """What a loader may leave behind and none here does."""
        return [Case("firmware", row[0],
                     lambda folder, n=number: handover_points(self.build / "lateflush.elf", n,
                                                              folder), needs="build: default")
                for number, row in enumerate(HANDOVERS)]

    def screen_cases(self) -> list[Case]:
        """What is on the screen."""
        return Screens(self.build / "lateflush.elf", lambda cmdline, framebuffer: self.image_of(
            "default", cmdline, framebuffer)).cases()

    def compare_counts(self, folder: Path) -> list[Point]:
        """The kernel's own stepping (run=sweep, column Null) and gdb's count the same."""
        kernel = self.build / "lateflush.elf"
        m = Machine(kernel=kernel, media="kernel", cpus=3,
                    cmdline=f"run=sweep,at=entry+0 pti=off tlbi={COUNTED_POLICIES}")
        lines = boot(m, folder, 120, folder / "serial.log").lines
        rows = [line.split() for line in lines]
        inside = {row[0]: int(row[3]) for row in rows if len(row) > 4 and row[3].isdigit()}
        points = command_point(
            [PYTHON, "tools/count.py", "--kernel", str(kernel), "--results", str(folder),
             "--baseline", BASELINE, "--max", "200", "--max-over-immediate", "15", *inside],
            folder, 300, ROOT, "baseline and limits")
        written = folder / "counts.json"
        document = json.loads(written.read_text()) if written.exists() else {"counts": []}
        outside = {count["policy"]: count["instructions"] for count in document["counts"]
                   if count["operation"] == "system call"}
        same = inside and inside == outside
        return points + [Point("inside and outside", "pass" if same else "fail",
                               f"inside {inside}, outside {outside}")]

    def planted_counts(self, folder: Path) -> list[Point]:
        """A kernel that takes more instructions (its checks for undefined behaviour) must not pass
        for the one of the baseline."""
        kernel = folder_of("ubsan", self.build) / "lateflush.elf"
        status, text = run_command(
            [PYTHON, "tools/count.py", "--kernel", str(kernel), "--results", str(folder),
             "--baseline", BASELINE, "immediate"], folder, 300, ROOT)
        if status == SKIPPED:
            return [Point("", "skip", text.strip().splitlines()[-1])]
        seen = status == 1 and re.search(r"immediate with one root: system call: \d+ instr", text)
        return [Point("", "pass" if seen else "fail", f"status {status}: {text[-300:]}")]

    def debugger_cases(self) -> list[Case]:
        """What needs QEMU's gdb stub."""
        kernel = str(self.build / "lateflush.elf")
        return [
            Case("debug", "counts: baseline, inside and outside", self.compare_counts, weight=2,
                 needs="build: default"),
            Case("debug", "counts: a planted change", self.planted_counts, needs="build: ubsan"),
            Case("sweep", "a finding, from start to gdb",
                 lambda folder: replay_points(Path(kernel), folder), weight=2,
                 needs="build: default"),
            Case("debug", "gdb commands",
                 lambda folder: tap_points(
                     [PYTHON, "tools/debug.py", "--kernel", kernel, "--work", str(folder),
                      "--self-test"], folder, 120, ROOT),
                 needs="build: default"),
        ]


def choose(cases: list[Case], groups: list[str], text: str) -> list[Case]:
    """The cases of these groups whose title holds TEXT, and the builds that they need."""
    known = {case.group for case in cases}
    for group in groups:
        if group not in known:
            sys.exit(f"test: no group {group}; there are: {' '.join(sorted(known))}")
    chosen = [case for case in cases
              if (case.group in groups or not groups and case.group not in ASKED_FOR)
              and text.lower() in case.title.lower()]
    if not chosen:
        sys.exit(f"test: no case holds {text!r}; -l lists them")
    needed = {case.needs for case in chosen}
    return [case for case in cases if case in chosen or case.title in needed]


def main() -> int:
    """Command line of the test driver."""
    parser = argparse.ArgumentParser(description="run the tests")
    parser.add_argument("-g", "--group", action="append", default=[], help="only this group")
    parser.add_argument("-k", "--filter", default="", help="only cases whose title holds this")
    parser.add_argument("-l", "--list", action="store_true", help="list the cases")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    build = args.build.resolve()
    cases = choose(Suites(build).cases(), args.group, args.filter)
    if args.list:
        print("\n".join(case.title for case in cases))
        return 0
    results = build / "results"
    fresh_folder(results)
    suites = Bench(results).run_all(cases)
    tap.write_junit(results / "junit.xml", suites)
    points = [point for found in suites.values() for point in found]
    for title, found in suites.items():
        for point in found:
            if point.word == "skip":
                name = f": {point.name}" if point.name else ""
                print(f"skipped: {title}{name}: {point.why}"[:200])
    for title, found in suites.items():
        if tap.count(found)["fail"]:
            print(f"failed: {title}")
    print(tap.summary(points), flush=True)
    return tap.exit_status(points)


if __name__ == "__main__":
    sys.exit(main())
