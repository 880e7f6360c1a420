#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutation of the sound policies: do the engines convict a policy that has one thing wrong?

Each mutant (mutants.py) is explored within small bounds, by need_ipi() and by targets(); what that
does not convict is swept, small, and what is not convicted then either is compared with the
original. More cost is a conviction by the cost oracle: over all sequential schedules, or at the
most of a hook. What is left is explored within larger bounds, two initiators among them. The same
cost everywhere, and nothing found there either, means equivalent; anything else is swept at every
instruction (depth pairs), and if that sees nothing either it is a survivor. An engine that did not
come to its end (a timeout, a panic) leaves a mutant undecided: not killed, and counted; but a panic
that names a broken rule of docs/rules.md is the kernel's own conviction. Mutants of the same object
code as the original, or as another mutant, and those that do not compile are not counted.

Exit status: 0 the scores are reached, 5 they are not, 4 mutants are missing, 2 bad use.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from mutant_build import BuildError, MutantBuild, Toolchain, toolchain
from mutants import ROOT, Mutant, sound_policies
from mutate_score import (BAD_USE, DIFFER, EXACT, SHORT, WORDS, JoinError, Result, as_json, chosen,
                          joined, name_of, print_policy, verdict_of)

CPU_SECONDS = 600               # an explorer that needs more is not taken for a conviction
COSTS = ("locked", "cr3", "flush_all", "flush_page", "remote_lines", "shared_lines", "stores",
         "loads")
WILD = "touches an address that is none of its words"   # hook.c; a wild pointer, too, ends it
ABORTS = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGFPE)    # of a hook
ENDLESS = "a hook does not end, and carries out no operation"
RULE_PANIC = re.compile(r"panic: R[0-9]+: ")
SEQUENTIAL = "s"                # bounds in which whole schedules are counted


def limit_cpu() -> None:
    """A hook that loops without an operation would never end."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def explore(program: Path, policy: str, bounds: str, *more: str
            ) -> tuple[int, str, dict[str, object]]:
    """Explorer's status, its last words, its document. Ends at what no claim covers."""
    path = program.with_suffix(".json")
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [str(program), "-p", name_of(policy), "-b", bounds, "-e", *more, "-j",
         str(path)],
        capture_output=True, text=True, check=False, preexec_fn=limit_cpu)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    document = json.loads(path.read_text()) if done.returncode in (EXACT, DIFFER) else {}
    return done.returncode, lines[-1] if lines else "", document


def costs_of(document: dict[str, object]) -> dict[str, dict[str, object]]:
    """By "roots bounds hook"."""
    return {f"{part['roots']} {part['bounds']} {hook}": costs
            for part in document["explorations"]                    # type: ignore[attr-defined]
            for hook, costs in part["costs"].items()}


def total(costs: dict[str, dict[str, object]], cost: str) -> int:
    """Of all hooks over all sequential schedules."""
    return sum(entry[cost][2] for key, entry in costs.items()       # type: ignore[index]
               if key.split()[1] == SEQUENTIAL)


def cost_difference(old: dict[str, dict[str, object]],
                    new: dict[str, dict[str, object]]) -> tuple[str, str]:
    """How a mutant differs from the original: (the word of a result, where and by how much)."""
    for cost in COSTS:
        if total(new, cost) > total(old, cost):
            return "cost", (f"sequential schedules: {cost} {total(old, cost)} -> "
                            f"{total(new, cost)}")
    where = [key for key in {**old, **new}
             if old.get(key, {}).get("kinds") != new.get(key, {}).get("kinds")]
    for key in where:
        for cost in COSTS:
            before, after = (costs.get(key, {}).get(cost, (0, 0)) for costs in (old, new))
            if after[0] > before[0] or after[1] > before[1]:        # type: ignore[index]
                return "cost", f"{key}: {cost} {before} -> {after}"
    for key in where:
        for cost in COSTS:
            before, after = (costs.get(key, {}).get(cost, (0, 0)) for costs in (old, new))
            if before[:2] != after[:2]:                             # type: ignore[index]
                return "survivor", f"{key}: {cost} {before[:2]} -> {after[:2]}"  # type: ignore
    for cost in COSTS:
        if total(new, cost) < total(old, cost):
            return "survivor", (f"sequential schedules: {cost} {total(old, cost)} -> "
                                f"{total(new, cost)}")
    return "equivalent", (f"no oracle sees it, every cost is the same; another order or value in "
                          f"{where[0]}" if where else "the same operations in every hook")


class Policy:
    """One sound policy: the original's code and costs, and its mutants' fates."""

    def __init__(self, args: argparse.Namespace, tools: Toolchain, name: str) -> None:
        self.args = args
        self.tools = tools
        self.name = name
        self.folder = args.work / name
        self.lock = threading.Lock()
        original = MutantBuild(tools, name, self.folder / "original")
        original.write(None)
        code = original.kernel_code()
        if code is None:
            raise BuildError(f"{name}: the original does not compile")
        self.known = {hashlib.sha256(code).digest(): "same code"}
        self.program = original.explorer()
        self.costs: dict[str, dict[str, object]] = {}

    def original_costs(self) -> dict[str, dict[str, object]]:
        """Of the original, within the same bounds; explored when first asked for."""
        with self.lock:
            if not self.costs:
                status, words, costs = self.explored(self.program)
                if status != EXACT:
                    raise BuildError(f"{self.name}: the original is convicted: {words}")
                self.costs = costs
            return self.costs

    def explored(self, program: Path) -> tuple[int, str, dict[str, dict[str, object]]]:
        """By need_ipi() and, in bounds of its own, by targets(): the worse status and its words,
        the costs of both."""
        status, words, document = explore(program, self.name, self.args.bounds)
        if status != EXACT or not self.args.targets:
            return status, words, costs_of(document) if document else {}
        status, words, asked = explore(program, self.name, self.args.targets, "-m")
        return status, words, costs_of(document) | (costs_of(asked) if asked else {})

    def fate(self, number: int, mutant: Mutant) -> Result:
        """Builds and tries one mutant."""
        started = time.monotonic()
        build = MutantBuild(self.tools, self.name, self.folder / str(number))
        build.write(mutant)
        code = build.kernel_code()
        if code is None:
            return Result(mutant, "no C")
        key = hashlib.sha256(code).digest()
        with self.lock:
            before = self.known.get(key)
            self.known.setdefault(key, "duplicate")
        if before:
            return Result(mutant, before)
        result = self.tried(mutant, build)
        result.seconds = time.monotonic() - started
        return result

    def tried(self, mutant: Mutant, build: MutantBuild) -> Result:
        """Explorer, sweep, costs, in this order."""
        status, words, costs = self.explored(build.explorer())
        if status == DIFFER:
            return Result(mutant, "explorer", words)
        if ENDLESS in words or WILD in words or status in ABORTS:
            return Result(mutant, "explorer", f"the explorer aborts: {words}")
        if status != EXACT:
            return Result(mutant, "undecided", f"explorer ended with {status}: {words}")
        if not self.args.no_sweep:
            swept = self.swept(mutant, build, ["--small"])
            if swept:
                return swept
        return self.compared(mutant, build, costs)

    def compared(self, mutant: Mutant, build: MutantBuild, costs: dict[str, dict[str, object]]
                 ) -> Result:
        """What becomes of a mutant that the small forms of both engines do not convict."""
        word, why = cost_difference(self.original_costs(), costs)
        if word != "cost" and self.args.larger:
            status, words, _ = explore(build.program, self.name, self.args.larger)
            if status == DIFFER:
                return Result(mutant, "explorer", words)
            if status != EXACT:
                return Result(mutant, "undecided", f"explorer ended with {status}: {words}")
        if word == "survivor" and not self.args.no_sweep:
            swept = self.swept(mutant, build, [])
            if swept:
                return swept
        return Result(mutant, word, why)

    def swept(self, mutant: Mutant, build: MutantBuild, depth: list[str]) -> Result | None:
        """The result if the sweep convicts the mutant, or did not come to its end, which shows
        nothing either way; None if it was carried out and saw nothing."""
        path = build.folder / "sweep.json"
        path.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "tools/sweep.py", "--kernel", str(build.kernel()), "--policy",
             name_of(self.name), "--results", str(path), *depth], cwd=ROOT, capture_output=True,
            text=True, check=False)
        if done.returncode == EXACT:
            return None
        if done.returncode == DIFFER:
            return Result(mutant, "sweep", str(json.loads(path.read_text())["why"]))
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = words[-1].strip() if words else ""
        if RULE_PANIC.search(last):
            return Result(mutant, "sweep", last)
        return Result(mutant, "undecided", f"sweep ended with {done.returncode}: {last}")

    def results(self, pool: concurrent.futures.Executor) -> list[Result]:
        """Every chosen mutant's, in order."""
        jobs = [(number, pool.submit(self.fate, number, mutant))
                for number, mutant in chosen(self.name, self.args.small, self.args.most,
                                             self.args.slice)]
        return [replace(job.result(), number=number) for number, job in jobs]


def slice_of(text: str) -> tuple[int, int]:
    """2/3: the second of three parts."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text}: valid: K/N, K from 1 to N")
    return int(part), int(parts)


def parse_arguments() -> argparse.Namespace:
    """The command line of this tool."""
    parser = argparse.ArgumentParser(description="mutants of the sound policies")
    for option in ("--kernel-cc", "--kernel-ld", "--host-cc"):
        parser.add_argument(option, required=True, help="with its flags")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--policy", default="", help="these alone, A+B")
    parser.add_argument("--bounds", default="dst", help="of the explorer (%(default)s)")
    parser.add_argument("--targets", default="m",
                        help="the same, where a purge asks targets() (%(default)s)")
    parser.add_argument("--larger", default="av",
                        help="of what nothing has convicted so far (%(default)s)")
    parser.add_argument("--most", type=int, default=0, help="so many mutants of a policy (all)")
    parser.add_argument("--slice", type=slice_of, default=(1, 1), metavar="K/N",
                        help="every Nth of these, from the Kth on")
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE",
                        help="runs nothing: the score of these results together")
    parser.add_argument("--small", action="store_true", help="a few of each policy, all killed")
    parser.add_argument("--no-sweep", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.slice != (1, 1) and args.small:
        parser.error("--small has no parts")
    if args.join and any(getattr(args, name) != parser.get_default(name)
                         for name in ("bounds", "targets", "larger", "most", "slice", "small",
                                      "no_sweep")):
        parser.error("--join: what was run is said by the files, and by no other option")
    args.build = args.build.resolve()
    args.work = args.build / "mutate"
    return args


def tried(args: argparse.Namespace, policies: list[str]) -> list[Result]:
    """Every chosen mutant of these policies; prints each policy when it is through."""
    tools = toolchain(args.kernel_cc, args.kernel_ld, args.host_cc, args.build)
    results: list[Result] = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for policy in policies:
            found = Policy(args, tools, policy).results(pool)
            print_policy(policy, found)
            results += found
    return results


def main() -> int:
    """Command line of this tool."""
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    known = sound_policies()
    policies = args.policy.replace("-", "_").split("+") if args.policy else known
    for policy in policies:
        if policy not in known:
            print(f"mutate: POLICY={name_of(policy)}: no sound policy that defers; valid: "
                  f"{' '.join(map(name_of, known))}", file=sys.stderr)
            return BAD_USE
    print(f"{'Policy':<14}{'Mutants':>8}{'Explorer':>9}{'Sweep':>6}{'Cost':>6}{'Equivalent':>11}"
          f"{'Survivors':>10}{'Not counted':>12}{'Seconds':>9}", flush=True)
    settings = {"small": args.small, "bounds": args.bounds, "targets": args.targets,
                "larger": args.larger,
                "swept": not args.no_sweep, "most": args.most}
    slices = ["{}/{}".format(*args.slice)]
    try:
        if args.join:
            settings, slices, results = joined(args.join, policies)
            for policy in policies:
                print_policy(policy, [one for one in results if one.mutant.policy == policy])
        else:
            results = tried(args, policies)
    except JoinError as error:
        print(f"mutate: {error}", file=sys.stderr)
        return BAD_USE
    except BuildError as error:
        print(f"mutate: {error}", file=sys.stderr)
        return SHORT
    args.results.parent.mkdir(parents=True, exist_ok=True)
    wanted = {(policy, number) for policy in policies
              for number, _ in chosen(policy, settings["small"], settings["most"])}
    status = verdict_of(results, wanted, settings["small"])
    args.results.write_text(json.dumps(
        {"schema": 1, **settings, "slices": slices, "verdict": WORDS[status],
         "mutants": [as_json(result) for result in results]}, indent=1) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
