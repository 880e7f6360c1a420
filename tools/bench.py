#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs many test cases, two at a time at most, each within its own limit, and keeps their results.

A case is a function that returns points (tools/tap.py). What raises, runs out of time or returns
nothing is a failed point: no case can vanish.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boot
import tap
from tap import Point

CORES = 2
SHOWN_FAULTS = 12
SKIPPED = 77                    # exit status of a check that says why it cannot be made


@dataclass(frozen=True)
class Case:
    """weight: how many of the CORES it needs. needs: cases ("group: name") that come before it.
    slow: it is begun before others of its weight, so that it does not go on alone in the end."""
    group: str
    name: str
    run: Callable[[Path], list[Point]]
    weight: int = 1
    needs: str = ""
    slow: bool = False

    @property
    def title(self) -> str:
        """How lists and options name it."""
        return f"{self.group}: {self.name}"


class Tokens:
    """Counts free cores. First come, first served: a heavy case is not overtaken for ever."""

    def __init__(self, count: int) -> None:
        self.free = count
        self.changed = threading.Condition()
        self.queue: list[object] = []

    def take(self, count: int) -> None:
        """Waits for COUNT cores; it ends because every holder has a limit of its own."""
        ticket = object()
        with self.changed:
            self.queue.append(ticket)
            while self.queue[0] is not ticket or self.free < count:
                self.changed.wait()
            self.queue.pop(0)
            self.free -= count
            self.changed.notify_all()

    def give(self, count: int) -> None:
        """Gives them back."""
        with self.changed:
            self.free += count
            self.changed.notify_all()


def slug(text: str) -> str:
    """A file name from a title."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:80] or "case"


def run_command(arguments: list[str], folder: Path, limit: float, cwd: Path,
                environment: dict[str, str] | None = None) -> tuple[int | None, str]:
    """Runs a program to its end or LIMIT seconds: its status (None: limit), all that it printed.

    It is started as the head of a process group of its own, which ends with it.
    """
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env=os.environ | (environment or {}))
        status: int | None = None
        ends = time.monotonic() + limit
        try:
            while status is None and time.monotonic() < ends and not boot.stop_all.is_set():
                try:
                    status = process.wait(0.5)
                except subprocess.TimeoutExpired:
                    pass
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return status, log.read_text(errors="replace")


def command_point(arguments: list[str], folder: Path, limit: float, cwd: Path, name: str = "",
                  environment: dict[str, str] | None = None) -> list[Point]:
    """A program as one point: passed if it ends with 0 in time, skipped if with 77 and a reason."""
    status, text = run_command(arguments, folder, limit, cwd, environment)
    if status == 0:
        return [Point(name, "pass")]
    if status == SKIPPED and text.strip():
        return [Point(name, "skip", text.strip().splitlines()[-1])]
    end = f"no end after {limit:.0f} s" if status is None else f"exit status {status}"
    tail = [line for line in text.splitlines() if line.strip()][-SHOWN_FAULTS:]
    return [Point(name, "fail", "\n".join([end] + tail))]


def tap_points(arguments: list[str], folder: Path, limit: float, cwd: Path,
               environment: dict[str, str] | None = None) -> list[Point]:
    """A program that prints TAP: its points, and one more failure if its end belies them."""
    status, text = run_command(arguments, folder, limit, cwd, environment)
    points = tap.parse(text.splitlines())
    if status is None:
        points.append(Point("limit", "fail", f"no end after {limit:.0f} s"))
    elif status and not tap.count(points)["fail"]:
        tail = [line for line in text.splitlines() if line.strip()][-SHOWN_FAULTS:]
        points.append(Point("exit status", "fail", "\n".join([f"exit status {status}"] + tail)))
    return points


class Bench:
    """Takes cases, runs them, prints one line for each as it ends."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.tokens = Tokens(CORES)
        self.lock = threading.Lock()
        self.done: dict[str, list[Point]] = {}
        self.ended: dict[str, threading.Event] = {}

    def run_all(self, cases: list[Case]) -> dict[str, list[Point]]:
        """Runs CASES; the results of each under its title, in the order of CASES.

        First what others need, then all that take one core, then what takes both: between a light
        case and a heavy one a core stands idle, and so this happens once.
        """
        self.ended = {case.title: threading.Event() for case in cases}
        assert len(self.ended) == len(cases), "two cases have one title"
        with ThreadPoolExecutor(max_workers=CORES) as pool:
            try:
                needed = {case.needs for case in cases}
                order = sorted(cases, key=lambda case: (case.title not in needed, case.weight,
                                                        not case.slow))
                for future in [pool.submit(self.run_one, case) for case in order]:
                    future.result()
            except BaseException:
                boot.stop_all.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return {case.title: self.done[case.title] for case in cases}

    def run_one(self, case: Case) -> None:
        """Runs one case, after the one that it needs."""
        if case.needs in self.ended:
            self.ended[case.needs].wait()
        points, seconds = self.points_of(case)
        for point in points:
            point.seconds = seconds / len(points)
        with self.lock:
            self.done[case.title] = points
            self.show(case, points, seconds)
        self.ended[case.title].set()

    def points_of(self, case: Case) -> tuple[list[Point], float]:
        """The case's points, never none; a needed case that gave no pass decides for it."""
        needed = [p for p in self.done.get(case.needs, []) if p.word != "pass"]
        if needed:
            return [Point("", needed[0].word, f"{case.needs}: {needed[0].why}"[:300])], 0.0
        folder = self.results / slug(case.group) / slug(case.name)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokens.take(case.weight)
        started = time.monotonic()
        try:
            points = case.run(folder) or [Point("", "fail", "no result")]
        except Exception as error:  # pylint: disable=broad-except
            points = [Point("", "fail", f"{type(error).__name__}: {error}")]
        finally:
            self.tokens.give(case.weight)
        return points, time.monotonic() - started

    def show(self, case: Case, points: list[Point], seconds: float) -> None:
        """One line for the case, and below it what failed."""
        counts = tap.count(points)
        word = "FAIL" if counts["fail"] else "ok" if counts["pass"] else "skip"
        parts = [f"{counts[key]} {text}" for key, text in
                 (("pass", "passed"), ("fail", "failed"), ("skip", "skipped")) if counts[key]]
        print(f"{word:<5}{case.title:<58.58} {seconds:6.1f} s  {', '.join(parts)}", flush=True)
        for point in [p for p in points if p.word == "fail"][:SHOWN_FAULTS]:
            lines = (f"{point.name}: " if point.name else "") + point.why
            for line in lines.splitlines():
                print(f"       {line[:93]}", flush=True)
        if counts["fail"]:
            print(f"       see {self.results / slug(case.group) / slug(case.name)}", flush=True)
