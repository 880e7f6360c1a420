#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of `make report` on the samples in tests/report, and on broken ones. Printed as TAP."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import unittest
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matplotlib.figure import Figure

import report
import report_plots as plots
from report_sections import side_by_side, Source
from results import Result, load
from taprun import run_as_tap

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests/report"
EMPTY = {"meta", "br"}          # elements of HTML without an end tag


class Page(HTMLParser):
    """Reads a page back: whether it is well-formed, its cells, its ids, what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.cells: list[list[str]] = []
        self.plots: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[key] for key in ("src", "href", "xlink:href") if key in values]
        if tag == "tr":
            self.cells.append([])
        if tag == "svg":
            self.plots.append(values.get("aria-label", ""))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1].append(data)


@functools.cache
def page_of_all() -> str:
    """The page of all samples, drawn once."""
    return report.page(samples())


def samples(*names: str) -> list[Path]:
    """Their paths; without names, of all."""
    return [SAMPLES / name for name in names] or sorted(SAMPLES.glob("*.json"))


def changed(name: str, **more: Any) -> Result:
    """A sample with other values at its top."""
    good = load(SAMPLES / name)
    return Result(good.path, good.kind, good.document | more)


class PageTest(unittest.TestCase):
    """The page as a whole."""

    def test_all(self) -> None:
        """Every section has its plots; well-formed, self-contained, ids that are one of a kind."""
        text = page_of_all()
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual(sorted(set(page.ids)), sorted(page.ids))
        self.assertEqual([link for link in page.links
                          if not link.startswith(("#", "data:image/png;base64,"))], [])
        self.assertNotIn("url(http", text)
        self.assertEqual(page.plots, ["IPIs against purges", "noise", "cost of a purge",
                                      "cost of a purge", "cost of a purge", "system call",
                                      "interrupt", "purge of 1 page", "IPI round trips",
                                      "lines written by a purge of one page", "flush and refill",
                                      "pages held back", "vmalloc and vfree", "broadcasts"])
        self.assertNotIn("in these files", text)

    def test_same_twice(self) -> None:
        """Nothing depends on when or where it is drawn."""
        self.assertEqual(report.page(samples()), page_of_all())

    def test_figures(self) -> None:
        """The tables have the documents' figures."""
        document = json.loads((SAMPLES / "run.json").read_text())
        rows = Page(page_of_all()).cells
        for policy in document["policies"]:
            row = next(row for row in rows
                       if row[:2] == [policy["name"], str(policy["roots"])] and len(row) == 10)
            if policy["verdict"] == "skip":
                self.assertEqual(row[2:], ["skip"] + ["n/a"] * 7)
                continue
            cpu = policy["cpus"][2]
            stale = "n/a" if cpu["stale"] is None else str(cpu["stale"])
            self.assertEqual(row[2:5] + row[8:], ["pass", str(policy["flushes"]),
                             str(cpu["tlbi_ipis"]), stale, str(cpu["lost"])])
        self.assertIn(["Linux 6.1.0-56-amd64", "1", "no verdict", "1000", "1000",
                       *["n/a"] * 5], rows)
        self.assertIn(["1", "no", "1484", "1.48", "0"], rows)
        self.assertIn(["watching", "15.00"], rows)
        self.assertIn(["immediate", "500", "0", "500", "500", "0", "500", "500"], rows)
        self.assertIn(["CR3 write", "4", "32 of 32", "6044", "9974"], rows)
        self.assertIn(["3", "3", "20", "60", "60"], rows)

    def test_doors(self) -> None:
        """A column for each door and what is owed; what was not measured is n/a."""
        records = [{"record": "entry", "policy": "p", "roots": roots, "door": "nmi",
                    "owed": owed, "instructions": number} for roots, owed, number in
                   ((1, "nothing", 90), (1, "full", 230), (2, "full", 240))]
        with TemporaryDirectory() as folder:
            path = Path(folder, "entry.json")
            path.write_text(json.dumps({"records": records}))
            text = report.page([path])
        self.assertEqual(Page(text).cells[-3:], [
            ["policy", "nmi, nothing owed", "nmi, full owed"], ["p", "90", "230"],
            ["p, two roots", "n/a", "240"]])
        self.assertNotIn("make counts", text)

    def test_missing(self) -> None:
        """What is not there is said, with the command that makes it."""
        text = report.page(samples("ipi.json"))
        for words in ("no comparison in these files: <code>make run<",
                      "no noise result in these files: <code>make run RUN=noise<",
                      "no purge or scale result in these files: <code>make run RUN=purge<",
                      "no counted instructions in these files: <code>make counts<",
                      "no flush result in these files: <code>make run RUN=flush<",
                      "no hold result in these files: <code>make run RUN=hold<",
                      "no alloc result in these files: <code>make run RUN=alloc<",
                      "no purge result with cache lines in these files: <code>make run RUN=purge<",
                      "no row of a Linux kernel in these files: <code>make peer<"):
            self.assertIn(words, text)
        self.assertNotIn("RUN=ipi", text)

    def test_times(self) -> None:
        """Called meaningless under an emulator, and only there."""
        self.assertIn("meaningless", report.page(samples("noise.json")))
        with TemporaryDirectory() as folder:
            document = json.loads((SAMPLES / "noise.json").read_text())
            document["machine"]["emulated"] = False
            path = Path(folder, "noise.json")
            path.write_text(json.dumps(document))
            self.assertNotIn("meaningless", report.page([path]))
            del document["machine"]
            path.write_text(json.dumps(document))
            self.assertIn("meaningless", report.page([path]))

    def test_text_is_text(self) -> None:
        """Nothing in a file becomes markup, neither HTML nor of a formula."""
        with TemporaryDirectory() as folder:
            document = json.loads((SAMPLES / "scale.json").read_text())
            for record in document["records"]:
                record["policy"] = "<b>$x_1$ & \"y\""
            document["host"]["cmdline"] = "<script>"
            path = Path(folder, "scale.json")
            path.write_text(json.dumps(document))
            text = report.page([path])
        self.assertNotIn("<script>", text)
        self.assertNotIn("<b>$", text)
        self.assertIn("&lt;b&gt;$x_1$ &amp; &quot;y&quot;", text)

    def test_broken(self) -> None:
        """A broken file among good ones: one line that names it, status 1, no page."""
        with TemporaryDirectory() as folder:
            torn = Path(folder, "torn.json")
            torn.write_text((SAMPLES / "run.json").read_text()[:5000])
            out = Path(folder, "report.html")
            cases: tuple[list[Path], ...] = (
                [SAMPLES / "run.json", torn], [Path(folder, "absent.json")], [])
            for files in cases:
                done = subprocess.run([sys.executable, "tools/report.py", "--out", str(out),
                                       *map(str, files)], cwd=ROOT, capture_output=True, text=True,
                                      check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(str(files[-1]) if files else "RESULTS=", done.stderr)
                self.assertFalse(out.exists())


class SideTest(unittest.TestCase):
    """Two files of one kind."""

    def test_verdicts(self) -> None:
        """What both ran with different ends comes first; what one did not run does not differ."""
        policies = json.loads((SAMPLES / "run.json").read_text())["policies"][:3]
        policies[1].update(verdict="fail", reason="x")
        other = changed("run.json", policies=policies)
        rows = Page(side_by_side([Source("A", load(SAMPLES / "run.json")),
                                  Source("B", other)])).cells[1:]
        self.assertEqual([row[0] for row in rows],
                         ["state-bits", "immediate", "ledger, two roots", "broadcast"])
        self.assertEqual([row[1] for row in rows if len(row) > 5], ["differs"])
        self.assertEqual(rows[0][3::2], ["pass", "fail"])
        self.assertIn("not run", rows[-1])

    def test_scales(self) -> None:
        """Plots of one kind have the axes of the largest."""
        with TemporaryDirectory() as folder:
            document = json.loads((SAMPLES / "purge.json").read_text())
            for record in document["records"]:
                record["instructions"] *= 10
            path = Path(folder, "purge.json")
            path.write_text(json.dumps(document))
            text = report.page([SAMPLES / "purge.json", path])
        ticks = [sorted(re.findall(r">(\d+)</text>", figure)) for figure in
                 re.findall(r"<figure>.*?</figure>", text, re.DOTALL) if "1 page" in figure]
        self.assertEqual(len(ticks), 2)
        self.assertEqual(ticks[0], ticks[1])


class PlotTest(unittest.TestCase):
    """What is drawn is what the records say."""

    def test_lines(self) -> None:
        """A line for each row, its points in order, repeated ones summed."""
        records = [{"policy": "p", "roots": 1, "isolated": n, "instructions": i}
                   for n, i in ((8, 80), (2, 20), (2, 1))]
        axes = Figure().add_subplot()
        plots.cost_plot(records, (8, 80))(axes)
        self.assertEqual([(list(line.get_xdata()), list(line.get_ydata()), line.get_label())
                          for line in axes.get_lines()], [([2, 8], [21, 80], "p")])

    def test_histogram(self) -> None:
        """Both isolated CPUs together, bucket by bucket."""
        axes = Figure().add_subplot()
        plots.noise_plot(load(SAMPLES / "noise.json"), (8000, 2000000))(axes)
        immediate = axes.get_lines()[0]
        self.assertEqual(list(immediate.get_xdata()), [100, 500, 1000, 2000, 4000, 8000, 16000])
        self.assertEqual(list(immediate.get_ydata()), [1963200, 2300, 1215, 21, 2, 1, 0])

    def test_many_rows(self) -> None:
        """Rows without an interrupt are one band as soon as there are many; others stay lines."""
        noise = load(SAMPLES / "noise.json").document["records"]
        one = [r for r in noise if (r["policy"], r["cpu"]) == ("watching", 2)]
        loud = [r for r in noise if r["policy"] == "immediate"]
        for rows, expected in ((plots.ROWS_APART - 1, plots.ROWS_APART), (plots.ROWS_APART, 2)):
            records = loud + [r | {"policy": f"p{n}"} for n in range(rows) for r in one]
            axes = Figure().add_subplot()
            plots.noise_plot(changed("noise.json", records=records), (10**6, 10**6))(axes)
            self.assertEqual(len(axes.lines), expected, rows)

    def test_bars(self) -> None:
        """Each bar carries its figure; the first name is on top."""
        axes = Figure().add_subplot()
        draw, _ = plots.bar_plot({"a": 111, "b": 123}, "instructions", 123)
        draw(axes)
        self.assertEqual([text.get_text() for text in axes.texts], ["123", "111"])


if __name__ == "__main__":
    sys.exit(run_as_tap(sys.modules["__main__"]))
