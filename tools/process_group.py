# SPDX-License-Identifier: MIT
"""A program with all that it starts, as one: it ends as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

GRACE = 10.0                    # for a program that is asked to end, in seconds
stop_all = threading.Event()    # this tool is being ended, and what it runs with it


def end_group(process: subprocess.Popen[str]) -> None:
    """Ends PROCESS, the head of a group of its own, and all that it started: politely, then for
    sure. A machine that is left alone would run on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_group(command: list[str], cwd: Path, limit: float) -> tuple[int | None, str, str]:
    """Runs COMMAND in a process group of its own: its status (None: no end within LIMIT seconds,
    or stop_all), and what it printed."""
    ends = time.monotonic() + limit
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        try:
            while time.monotonic() < ends and not stop_all.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    output, errors = process.communicate(timeout=0.5)
                    return process.returncode, output, errors
        finally:
            if process.returncode is None:
                end_group(process)
    return None, "", ""
