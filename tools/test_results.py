#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the result files: who ran it, what is refused, and the plotter's form of the noise
histogram. Printed as TAP. The samples in tests/report have invented figures, but for run.json and
peer.json."""

from __future__ import annotations

import copy
import json
import sys
import unittest
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boot
import jitter
import run
from host import compiler_of, first_match, host_of
from machine import Machine
from results import ResultError, complaint_of_record, load
from schemas import complaint_of
from taprun import run_as_tap

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests/report"
PLAIN = Machine(kernel=Path("kernel.elf"), media="kernel", cmdline="seed=7")


def sample(name: str) -> dict[str, Any]:
    """A sample's document."""
    found: dict[str, Any] = json.loads((SAMPLES / name).read_text())
    return found


class HostTest(unittest.TestCase):
    """The host object."""

    def test_kept(self) -> None:
        """What the kernel wrote is kept, who ran it is added, and the whole fits its schema."""
        kernels = sample("run.json")
        del kernels["host"]
        seen = boot.BootResult("qemu", ["qemu", "-smp", "4"], status=33,
                               lines=["lateflush: verdict: pass"], document=json.dumps(kernels))
        with TemporaryDirectory() as folder:
            self.assertEqual(run.conclude(seen, PLAIN, Path(folder)), boot.Outcome("pass"))
            written = json.loads(Path(folder, "run.json").read_text())
        host = written.pop("host")
        self.assertEqual(written, kernels)
        self.assertEqual((host["cmdline"], host["command"]), ("seed=7", ["qemu", "-smp", "4"]))
        self.assertEqual(complaint_of(kernels | {"host": host}, "run.schema.json"), "")

    def test_schema(self) -> None:
        """A host object that is wrong in one place is refused."""
        changes: tuple[Callable[[dict[str, Any]], object], ...] = (
            lambda h: h.pop("date"), lambda h: h.update(date="yesterday"),
            lambda h: h.update(revision="main"), lambda h: h.update(engine="vbox"),
            lambda h: h.update(cpus=0), lambda h: h.update(command=[]),
            lambda h: h.update(compiler=""), lambda h: h.update(extra=1))
        for number, change in enumerate(changes):
            document = sample("run.json")
            change(document["host"])
            with self.subTest(number):
                self.assertIn("host", complaint_of(document, "run.schema.json"))

    def test_unknown(self) -> None:
        """What cannot be found out is null."""
        host = host_of(PLAIN, ["qemu"])
        self.assertIsNone(host["compiler"])
        self.assertEqual(complaint_of(sample("run.json") | {"host": host}, "run.schema.json"), "")
        self.assertIsNone(compiler_of(Path(__file__)))
        self.assertEqual(first_match(r"^b(.)$", "a\nbc\n"), "c")

    def test_collected(self) -> None:
        """The last document of each experiment is kept, an invalid one is not."""
        with TemporaryDirectory() as folder:
            results = Path(folder, "results")
            for name, text in (("run.json", "1"), ("noise.json", "2"), ("run.json", "3"),
                               ("run.json.invalid", "4")):
                run.fresh_folder(results)
                (results / name).write_text(text)
                run.collect(results)
            kept = {path.name: path.read_text() for path in Path(folder, "results.all").iterdir()}
        self.assertEqual(kept, {"run.json": "3", "noise.json": "2"})


class LoadTest(unittest.TestCase):
    """Reading result files."""

    def refused(self, text: str | None) -> str:
        """The message for a file of this text; None: no such file."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "x.json")
            if text is not None:
                path.write_text(text)
            with self.assertRaises(ResultError) as caught:
                load(path)
        message = str(caught.exception)
        self.assertTrue(message.startswith(str(path)) and "\n" not in message, message)
        return message

    def test_samples(self) -> None:
        """What each sample is."""
        kinds = {path.name: load(path).kind for path in SAMPLES.glob("*.json")}
        for name in ("noise.json", "ipi.json", "scale.json", "purge.json"):
            self.assertEqual(kinds[name], "experiment")
        self.assertEqual(kinds["run.json"], "comparison")
        self.assertEqual(len(load(SAMPLES / "ipi.json").records("round_trip")), 12)
        self.assertEqual(load(SAMPLES / "run.json").records("bucket"), [])

    def test_refused(self) -> None:
        """Each broken file gets one line with its name."""
        self.assertIn("cannot be read", self.refused(None))
        self.assertIn("no JSON", self.refused('{"schema": 1,'))
        self.assertIn("no object", self.refused("[]"))
        self.assertIn("no result of", self.refused("{}"))
        self.assertIn("no result of", self.refused('{"policies": [], "peer": {}}'))
        document = sample("run.json")
        document["policies"][0]["cpus"][0]["lost"] = "none"
        self.assertIn("policies/0/cpus/0/lost", self.refused(json.dumps(document)))

    def test_records(self) -> None:
        """A record that something reads has all that is read, in the right form."""
        good = sample("noise.json")
        at = [record["record"] for record in good["records"]].index("bucket")
        for field, value in (("count", None), ("count", -1), ("count", "7"), ("count", True),
                             ("policy", ""), ("policy", 3), ("cpu", 256)):
            document = copy.deepcopy(good)
            document["records"][at][field] = value
            with self.subTest(f"{field}: {value}"):
                self.assertIn(f"record {at + 1} (bucket): {field}",
                              self.refused(json.dumps(document)))
        slope = sample("scale.json")["records"][-1]
        self.assertEqual(complaint_of_record(slope), "")
        self.assertIn("instructions", complaint_of_record(slope | {"instructions": "9"}))


class JitterTest(unittest.TestCase):
    """What jitterdebugger's plotter gets."""

    def test_sample(self) -> None:
        """Read as the plotter does: CPUs from 0 on until one is missing, keys that are integers."""
        with TemporaryDirectory() as folder:
            folders = jitter.convert(SAMPLES / "noise.json", Path(folder))
            self.assertEqual([f.name for f in folders], ["immediate-1", "watching-1"])
            document = json.loads((folders[0] / "results.json").read_text())
        cpus: list[dict[int, int]] = []
        while str(len(cpus)) in document["cpu"]:
            cpu = document["cpu"][str(len(cpus))]
            cpus.append({int(key): int(count) for key, count in cpu["histogram"].items()})
        self.assertEqual(cpus, [{}, {}, {0: 983200, 1: 610, 2: 12, 8: 1},
                                {0: 982300, 1: 605, 2: 9, 4: 2}])
        self.assertEqual(document["cpu"]["2"]["count"], 983823)
        self.assertEqual((document["cpu"]["3"]["min"], document["cpu"]["3"]["max"]), (0, 4))

    def test_average(self) -> None:
        """Of the lower bounds, each as often as it was counted; of nothing it is 0."""
        cpu = jitter.cpu_of(Counter({2: 3, 6: 1, 9: 0}))
        self.assertEqual((cpu["avg"], cpu["min"], cpu["max"], cpu["count"]), (3.0, 2, 6, 4))
        self.assertEqual(jitter.cpu_of(Counter())["avg"], 0)

    def test_other_results(self) -> None:
        """A file without a histogram is named, and nothing is written."""
        with TemporaryDirectory() as folder:
            with self.assertRaises(ResultError) as caught:
                jitter.convert(SAMPLES / "run.json", Path(folder))
            self.assertIn("make run RUN=noise", str(caught.exception))
            self.assertEqual(list(Path(folder).iterdir()), [])


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
