# SPDX-License-Identifier: MIT
"""The plots of `make report`: from a result file to the text of an SVG element.

Every plot of one kind has the same axes, so that two machines or revisions can be compared by eye.
Text in a plot is text: it is searched and scaled with the page. Nothing depends on the date.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from results import Json, Result

matplotlib.rcParams.update({
    "svg.fonttype": "none", "text.parse_math": False, "font.size": 10, "axes.grid": True,
    "grid.color": "#dddddd", "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False})
WIDTH, HEIGHT = 4.7, 3.1        # inches; the page scales
BAR_HEIGHT = 0.21               # inches for each bar
ROWS_APART = 8                  # more lines than this cannot be told apart
PALETTE = [*matplotlib.colormaps["tab10"].colors, *matplotlib.colormaps["Set2"].colors]

Row = tuple[str, int]           # a policy and its number of roots
Draw = Callable[[Axes], None]


def row_name(row: Row) -> str:
    """How a row is called on the page."""
    return row[0] + (", two roots" if row[1] == 2 else "")


def row_of(record: Json) -> Row:
    """The row that a record or a policy is of."""
    return str(record.get("policy") or record["name"]), record["roots"]


def key(axes: Axes) -> str:
    """Which line is which, as HTML: it wraps where a legend in the plot would not."""
    handles, labels = axes.get_legend_handles_labels()
    items = "".join(
        f'<li><i style="border-top: 3px {"solid" if line.get_linestyle() == "-" else "dashed"} '
        f'{to_hex(line.get_color())}"></i>{html.escape(label)}</li>'
        for line, label in zip(handles, labels) if isinstance(line, Line2D))
    return f"<ul class=key>{items}</ul>" if items else ""


def svg(draw: Draw, title: str, salt: str, height: float = HEIGHT) -> str:
    """An SVG element of what DRAW draws, behind its key. SALT sets its ids apart."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    matplotlib.rcParams["svg.hashsalt"] = salt
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", text[text.index("<svg"):])
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head = f'<svg role="img" aria-label="{html.escape(title, quote=True)}"'
    opening, rest = text.split(">", 1)
    return key(axes) + head + re.sub(r'^<svg| (height|width)="[^"]*"', "", opening) + ">" + rest


def series_of(records: Iterable[Json], x: str, y: str) -> dict[Row, dict[int, int]]:
    """For each row its values by X, in the order of X."""
    found: dict[Row, dict[int, int]] = {}
    for record in sorted(records, key=lambda r: int(r[x])):
        values = found.setdefault(row_of(record), {})
        values[record[x]] = values.get(record[x], 0) + record[y]
    return found


def most(values: Iterable[int]) -> int:
    """The largest, at least 1."""
    return max([1, *values])


def ipi_plot(groups: dict[str, list[tuple[int, int]]], limit: int) -> Draw:
    """IPIs on one isolated CPU against purges. groups: label, points (purges, IPIs)."""
    def draw(axes: Axes) -> None:
        for number, (label, points) in enumerate(groups.items()):
            purges, ipis = max(points)
            axes.plot([0, purges], [0, ipis], marker="o", markersize=4, linewidth=2,
                      label=label, color=PALETTE[number % len(PALETTE)], clip_on=False)
        axes.set(xlabel="purges", ylabel="flush IPIs on an isolated CPU",
                 xlim=(0, limit * 1.02), ylim=(0, limit * 1.05))
    return draw


def quiet_rows(result: Result) -> list[Row]:
    """The rows whose isolated CPUs took no flush interrupt, if there are more than can be told
    apart in one plot; else none."""
    noise = result.records("noise")
    rows = list(dict.fromkeys(map(row_of, noise)))
    loud = {row_of(record) for record in noise if record["flush_ipi"]}
    return [row for row in rows if row not in loud] if len(rows) > ROWS_APART else []


def noise_plot(result: Result, limits: tuple[int, int]) -> Draw:
    """Log histogram of the gaps in ring 3, all isolated CPUs together. limits: ns, samples. Many
    rows that are alike are one band, from the least of them to the most."""
    series = series_of(result.records("bucket"), "from_ns", "count")
    alike = quiet_rows(result)
    band = [series.pop(row) for row in alike if row in series]

    def draw(axes: Axes) -> None:
        if band:
            bounds = sorted({bound for counts in band for bound in counts})
            columns = [[counts.get(bound, 0) for counts in band] for bound in bounds]
            at = [*(max(bound, 100) for bound in bounds), max(bounds[-1], 100) * 2]
            low, high = ([*map(end, columns), 0] for end in (min, max))
            axes.fill_between(at, low, high, step="post", color="#999999", alpha=0.35)
            axes.step(at, high, where="post", color="#666666",
                      label=f"{len(band)} rows without an interrupt, least to most")
        for number, (row, counts) in enumerate(series.items()):
            bounds = [max(bound, 100) for bound in counts]
            axes.step([*bounds, bounds[-1] * 2], [*counts.values(), 0], where="post",
                      label=row_name(row), color=PALETTE[number % len(PALETTE)],
                      linestyle="--" if row[1] == 2 else "-")
        axes.set(xscale="log", yscale="symlog")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set(xlabel="gap in ring 3, ns (lower bound)",
                 ylabel="gaps", xlim=(100, limits[0] * 3), ylim=(0, limits[1] * 3))
    return draw


def cost_plot(records: list[Json], limits: tuple[int, int]) -> Draw:
    """The initiator's instructions for a purge against the number of isolated CPUs."""
    series = series_of(records, "isolated", "instructions")

    def draw(axes: Axes) -> None:
        for number, (row, values) in enumerate(series.items()):
            axes.plot(list(values), list(values.values()), marker="o", markersize=3,
                      label=row_name(row), color=PALETTE[number % len(PALETTE)],
                      linestyle="--" if row[1] == 2 else "-")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="isolated CPUs", ylabel="instructions of the initiator",
                 xlim=(0, limits[0] * 1.05), ylim=(0, limits[1] * 1.05))
    return draw


def bar_plot(bars: dict[str, float], label: str, limit: float) -> tuple[Draw, float]:
    """Horizontal bars with their figures, and the height that they need."""
    def draw(axes: Axes) -> None:
        names = list(bars)[::-1]
        drawn = axes.barh(names, [bars[name] for name in names], color=PALETTE[0], height=0.7)
        axes.bar_label(drawn, padding=3, fmt="%d")
        axes.grid(axis="y", visible=False)
        axes.set(xlabel=label, xlim=(0, limit * 1.15))
    return draw, 0.6 + BAR_HEIGHT * len(bars)


def matrix_plot(records: list[Json], limit: int) -> Draw:
    """Round trips of IPIs: senders down, receivers across, the figure in each field if they fit."""
    cpus = sorted({record[end] for record in records for end in ("sender", "receiver")})
    cells: list[list[Any]] = [[None] * len(cpus) for _ in cpus]
    for record in records:
        cells[cpus.index(record["sender"])][cpus.index(record["receiver"])] = record["tsc_min"]

    def draw(axes: Axes) -> None:
        grid = [[float("nan") if cell is None else cell for cell in line] for line in cells]
        image = axes.imshow(grid, cmap="Blues", vmin=0, vmax=limit)
        axes.figure.colorbar(image, ax=axes, label="TSC ticks, least", shrink=0.8)
        step = 1 + (len(cpus) - 1) // 12
        axes.set_xticks(range(0, len(cpus), step), [str(cpu) for cpu in cpus[::step]])
        axes.set_yticks(range(0, len(cpus), step), [str(cpu) for cpu in cpus[::step]])
        axes.set(xlabel="receiver, CPU", ylabel="sender, CPU")
        axes.grid(visible=False)
        if len(cpus) > 8:
            return
        for y, line in enumerate(cells):
            for x, cell in enumerate(line):
                if cell is not None:
                    axes.text(x, y, str(cell), ha="center", va="center", fontsize=7,
                              color="white" if cell * 2 > limit else "black")
    return draw


def curve_plot(curves: dict[str, dict[float, float]], labels: tuple[str, str],
               limits: tuple[float, float], log: str = "") -> Draw:
    """One line for each of CURVES. labels: of the two axes; log: "x" or "xy", which are
    logarithmic."""
    def draw(axes: Axes) -> None:
        for number, (name, values) in enumerate(curves.items()):
            axes.plot(list(values), list(values.values()), marker="o", markersize=3, label=name,
                      color=PALETTE[number % len(PALETTE)], clip_on=False)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlim=(0, limits[0] * 1.05), ylim=(0, limits[1] * 1.05))
        if log:
            axes.set(xscale="log", xlim=(1, limits[0] * 1.5))
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        if log == "xy":
            axes.set(yscale="log", ylim=(1, limits[1] * 1.5))
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    return draw
