#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots the kernel once, shows its report, keeps the results and ends with the verdict.

Exit status: 0 pass, 4 error (the run proves nothing), 5 failure (a promise was broken), 6 crash
(panic, reset, no verdict), 7 refused (bad command line or machine), 8 time limit, 2 bad usage.
The results folder gets serial.log, run.json (of an experiment that measures: its NAME.json) once it
is complete and valid, and trace.json (trace=).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
from pathlib import Path

import trace_export
from boot import BootResult, Outcome, boot, judge
from host import host_of
from machine import Machine, MachineError, check, parse_cpus, parse_mem
from schemas import complaint_of

ROOT = Path(__file__).resolve().parent.parent
RUN_SCHEMA = "run.schema.json"
# Experiments with a document of their own, which names them.
OTHER_SCHEMAS = {"crusty": "crusty.schema.json"}
EXIT_STATUS = {"pass": 0, "error": 4, "fail": 5, "panic": 6, "crash": 6, "refused": 7, "timeout": 8,
               "emulator": 2}
# Experiments that write no document.
SILENT_EXPERIMENTS = ("sweep", "test", "null", "violate", "crash", "hostile",
                      "stacks")
# Experiments that measure: they write the document of docs/experiment.schema.json.
MEASUREMENTS = ("purge", "scale", "noise", "entry", "ipi", "flush", "hold", "alloc")


def experiment_of(cmdline: str) -> str:
    """The NAME of run=NAME[,key=value...], "" for the default experiment."""
    for word in cmdline.split():
        if word.startswith("run="):
            return word[len("run="):].split(",")[0]
    return ""


def document_of(experiment: str) -> tuple[str, str]:
    """Name of an experiment's document, and of its schema."""
    if experiment in MEASUREMENTS:
        return experiment, "experiment.schema.json"
    if experiment in OTHER_SCHEMAS:
        return experiment, OTHER_SCHEMAS[experiment]
    return "run", RUN_SCHEMA


def complain_about_document(text: str, verdict: str, experiment: str = "") -> str:
    """What is wrong with the document that came out of port 0xe9; "" if nothing is."""
    if not text.strip():
        return "no JSON came out of port 0xe9"
    try:
        document = json.loads(text)
    except ValueError as error:
        return f"the JSON from port 0xe9 cannot be read: {error}"
    complaint = complaint_of(document, document_of(experiment)[1])
    if complaint:
        return complaint
    if document.get("verdict") != verdict:
        return f"the JSON says {document.get('verdict')}, the verdict line {verdict}"
    if document.get("experiment", experiment) != experiment:
        return f"the JSON is of {document['experiment']}, not of {experiment}"
    return ""


def with_host(text: str, m: Machine, arguments: list[str]) -> str:
    """The kernel's document with the host object added; what is no document stays as it is."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return text
    return json.dumps(document | {"host": host_of(m, arguments)}, indent=1) + "\n"


def conclude(result: BootResult, m: Machine, results: Path) -> Outcome:
    """judge(), and the document has to be there, valid and of the same opinion.

    RESULTS gets the document, with who ran M: as NAME.json if it is (document_of()), else as
    NAME.json.invalid. With trace= it gets trace.json too, and what cannot be one is an error.
    """
    outcome = judge(result)
    traced = any(word.startswith("trace=") for word in m.cmdline.split())
    if traced and outcome.word not in ("refused", "timeout", "crash", "emulator"):
        fault = trace_export.write(result.trace, results / "trace.json")
        if fault:
            return Outcome("error" if outcome.word == "pass" else outcome.word, fault)
    if outcome.word not in ("pass", "fail", "error") or outcome.why:
        return outcome
    experiment = experiment_of(m.cmdline)
    if experiment in SILENT_EXPERIMENTS:
        return outcome
    text = with_host(result.document, m, result.arguments)
    complaint = complain_about_document(text, outcome.word, experiment)
    name = document_of(experiment)[0] + (".json.invalid" if complaint else ".json")
    (results / name).write_text(text)
    if not complaint:
        return outcome
    return Outcome("error" if outcome.word == "pass" else outcome.word, complaint)


def fresh_folder(folder: Path) -> None:
    """An empty results folder; what was in it is kept beside it as NAME.old."""
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    folder.mkdir(parents=True)


def collect(results: Path) -> None:
    """Keeps the valid documents of a results folder in NAME.all, where the last of each experiment
    waits for `make report`; those of other experiments stay there."""
    kept = results.with_name(results.name + ".all")
    for document in results.glob("*.json"):
        kept.mkdir(exist_ok=True)
        shutil.copyfile(document, kept / document.name)


class Screen:
    """Shows lines as they come; of several empty ones in a row, and of the first ones, none."""

    def __init__(self) -> None:
        self.blank = True

    def show(self, line: str) -> None:
        """One line."""
        if line.strip() or not self.blank:
            print(line, flush=True)
        self.blank = not line.strip()


def parse_arguments() -> argparse.Namespace:
    """The command line of this tool; make passes its variables through it."""
    parser = argparse.ArgumentParser(description="boot the kernel once and judge it")
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--iso", type=Path)
    parser.add_argument("--engine", default="qemu")
    parser.add_argument("--cpus", default="4")
    parser.add_argument("--mem", default="256")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--firmware", default="bios")
    parser.add_argument("--media", default="kernel")
    parser.add_argument("--accel", default="tcg")
    parser.add_argument("--thread", default="", help="of TCG: multi, or single")
    parser.add_argument("--cpu", default="", help="the emulator's CPU model and flags")
    parser.add_argument("--cmdline", default="", help="what the kernel is told, as in the image")
    parser.add_argument("--timeout", default="120", help="seconds")
    parser.add_argument("--results", type=Path, default=ROOT / "build/results")
    return parser.parse_args()


def parse_timeout(text: str) -> float:
    """Seconds of a run."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) == 0:
        raise MachineError(f"TIMEOUT={text}: not a limit; valid: whole seconds, 1 to 999999")
    return float(text)


def main() -> int:
    """Command line of this tool."""
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        m = Machine(kernel=args.kernel, iso=args.iso, engine=args.engine,
                    cpus=parse_cpus(args.cpus), mem=parse_mem(args.mem), machine=args.machine,
                    firmware=args.firmware, media=args.media, accel=args.accel, cpu=args.cpu,
                    thread=args.thread,
                    cmdline=args.cmdline)
        check(m)
        fresh_folder(args.results)
        work = args.results / "machine"
        work.mkdir()
        result = boot(m, work, parse_timeout(args.timeout), args.results / "serial.log",
                      on_line=Screen().show)
    except KeyboardInterrupt:
        print("\nrun: interrupted", file=sys.stderr)
        return 130
    except MachineError as error:
        print(f"run: {error}", file=sys.stderr)
        return 2
    except FileNotFoundError as error:
        print(f"run: cannot start {error.filename}: not there; tools/prereq.sh run installs it",
              file=sys.stderr)
        return 2
    outcome = conclude(result, m, args.results)
    collect(args.results)
    if outcome.why:
        print(f"run: {outcome.word}: {outcome.why}", file=sys.stderr)
    return EXIT_STATUS[outcome.word]


if __name__ == "__main__":
    sys.exit(main())
