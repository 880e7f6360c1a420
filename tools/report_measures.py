# SPDX-License-Identifier: MIT
"""More sections of `make report`, see report_sections.py: cache lines, flushes, what is held back,
allocation, broadcasts. Whatever is a time says that it is one."""

from __future__ import annotations

import math
from collections.abc import Callable

import report_plots as plots
from report_sections import TIMES, Source, figure, grid, missing, table, with_records
from results import Json

Curves = dict[str, dict[float, float]]
# Ways to flush, in the words of the SDM.
WAYS = {"nothing": "nothing", "invlpg": "INVLPG, one page", "cr3": "CR3 write",
        "pge": "CR4.PGE off and on", "invpcid_addr": "INVPCID, one page",
        "invpcid_single": "INVPCID, one context", "invpcid_all": "INVPCID, all and global"}


def curve_grid(found: list[Source], curves_of: Callable[[Source], Curves], labels: tuple[str, str],
               title: str, log: str = "") -> str:
    """A plot for each source, all with the same axes."""
    drawn = [(source, curves_of(source)) for source in found]
    points = [point for _, curves in drawn for values in curves.values()
              for point in values.items()]
    limits = (max([1.0, *(x for x, _ in points)]), max([1.0, *(y for _, y in points)]))
    return grid([figure(plots.svg(plots.curve_plot(curves, labels, limits, log), title,
                                  f"{title}-{source.letter}"), source.label)
                 for source, curves in drawn])


def felt(sources: list[Source]) -> str:
    """What isolated CPUs got of purges: of each row, the CPU that got most."""
    found = with_records(sources, "noise")
    if not found:
        return missing("noise result", "make noise")
    columns = ("purges", "deferred", "requests", "tlbi_callbacks", "forced")
    text = ""
    for source in found:
        most: dict[plots.Row, list[int]] = {}
        for r in source.result.records("noise"):
            interrupts = sum(r[cause] for cause in ("flush_ipi", "other_ipi", "timer", "nmi",
                                                    "exception"))
            counts = [*(r[name] for name in columns), interrupts, r["entries"] - 1]
            row = plots.row_of(r)
            most[row] = list(map(max, counts, most.get(row, counts)))
        text += figure_title(source) + table(
            ["policy", "flushes", "deferred", "requests", "flushes run", "forced", "interrupts",
             "kernel entries"],
            [[plots.row_name(row), *map(str, counts)] for row, counts in most.items()], 1)
    return text


def lines_of(source: Source) -> Curves:
    """Lines that a purge of one page writes; policies that write the same are one line."""
    by_policy: dict[str, dict[float, float]] = {}
    for r in source.result.records("purge"):
        if r["pages"] == 1 and r["remote_lines"] is not None:
            by_policy.setdefault(plots.row_name(plots.row_of(r)), {})[r["isolated"]] = (
                r["remote_lines"] + r["shared_lines"])
    names_of: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, values in by_policy.items():
        names_of.setdefault(tuple(sorted(values.items())), []).append(name)
    return {", ".join(names): dict(values) for values, names in names_of.items()}


def lines(sources: list[Source]) -> str:
    """Cache lines that a purge takes from other CPUs."""
    found = [source for source in with_records(sources, "purge") if lines_of(source)]
    if not found:
        return missing("purge result with cache lines", "make run RUN=purge")
    return curve_grid(found, lines_of, ("isolated CPUs in ring 3", "cache lines written"),
                      "lines written by a purge of one page")


def flush_cells(record: Json) -> list[str]:
    """A way to flush."""
    return [WAYS.get(record["way"], record["way"]), str(record["instructions"]),
            f"{record['dropped']} of {record['pages']}", str(record["tsc_min"]),
            str(record["refill_tsc_min"])]


def flushes(sources: list[Source]) -> str:
    """Each way to flush: what it drops, and its time beside that of touching the pages again."""
    found = with_records(sources, "flush")
    if not found:
        return missing("flush result", "make run RUN=flush")
    text, figures = "", []
    limit = plots.most(r["tsc_min"] + r["refill_tsc_min"]
                       for source in found for r in source.result.records("flush"))
    for source in found:
        records = source.result.records("flush")
        text += figure_title(source) + table(
            ["way", "instructions", "global pages dropped", "flush, TSC ticks",
             "refill, TSC ticks"], map(flush_cells, records), 1)
        draw, height = plots.bar_plot(
            {WAYS.get(r["way"], r["way"]): r["tsc_min"] + r["refill_tsc_min"] for r in records},
            "TSC ticks, flush and refill", limit)
        figures.append(figure(plots.svg(draw, "flush and refill", f"flush-{source.letter}", height),
                              source.label, TIMES if source.result.emulated else ""))
    return text + grid(figures)


def figure_title(source: Source) -> str:
    """The heading of a source's table."""
    return f"<h3>{plots.html.escape(source.label)}</h3>"


def held_of(source: Source) -> Curves:
    """Pages of address space held, by the size of each purge, while the CPUs sleep."""
    curves: Curves = {}
    for r in source.result.records("hold"):
        if not r["awake"] and r["held_pages"]:
            name = f"{r['pages']} page{'s' if r['pages'] > 1 else ''} a purge"
            curves.setdefault(name, {})[r["purges"]] = r["held_pages"]
    return curves


def holds(sources: list[Source]) -> str:
    """What quarantine holds back, and how often it had to force CPUs."""
    found = with_records(sources, "hold")
    if not found:
        return missing("hold result", "make run RUN=hold")
    text = curve_grid(found, held_of, ("purges that the CPUs sleep through", "pages held"),
                      "pages held back", "xy")
    for source in found:
        forced = [r for r in source.result.records("hold") if r["forced"]]
        text += figure_title(source) + (table(
            ["pages a purge", "purges", "CPUs forced to flush, times"],
            [[str(r["pages"]), str(r["purges"]), str(r["forced"])] for r in forced], 0)
            if forced else "<p>No CPU had to be forced to flush: memory never ran short.</p>")
    return text


def alloc_of(source: Source) -> Curves:
    """Instructions by live areas, and what log n would allow from 100 areas on."""
    records = source.result.records("alloc")
    curves: Curves = {name: {r["areas"]: r[f"{name}_instructions"] for r in records}
                      for name in ("vmalloc", "vfree")}
    both = {r["areas"]: r["vmalloc_instructions"] + r["vfree_instructions"] for r in records}
    curves["both"] = both
    if 100 in both:
        curves["both, if it grew like log n from 100 on"] = {
            n: both[100] * math.log(n) / math.log(100) for n in both if n >= 100}
    return curves


def allocations(sources: list[Source]) -> str:
    """vmalloc and vfree beside many areas."""
    found = with_records(sources, "alloc")
    if not found:
        return missing("alloc result", "make run RUN=alloc")
    return curve_grid(found, alloc_of, ("areas that are there already", "instructions"),
                      "vmalloc and vfree", "x")


def broadcasts(sources: list[Source]) -> str:
    """A call to all other CPUs at once."""
    found = with_records(sources, "broadcast")
    if not found:
        return missing("ipi result", "make run RUN=ipi")
    text, figures = "", []
    limit = plots.most(r["tsc_min"] for s in found for r in s.result.records("broadcast"))
    for source in found:
        records = source.result.records("broadcast")
        text += figure_title(source) + table(
            ["sender, CPU", "receivers", "rounds", "IPIs one by one", "IPIs of the broadcasts"],
            [[str(r[n]) for n in ("sender", "receivers", "rounds", "round_trip_ipis",
                                  "broadcast_ipis")] for r in records], 0)
        draw, height = plots.bar_plot({f"CPU {r['sender']}": r["tsc_min"] for r in records},
                                      "TSC ticks until all have answered, least", limit)
        figures.append(figure(plots.svg(draw, "broadcasts", f"broadcast-{source.letter}", height),
                              source.label, TIMES if source.result.emulated else ""))
    return text + grid(figures)


MEASURES = (
    ("What an isolated CPU gets of purges", "While it stays in ring 3: the most that any of them "
     "got. Under a policy that defers nothing but what a full store forces (quarantine); under "
     "immediate an interrupt and a kernel entry for each flush.", felt),
    ("Cache lines of a purge", "Lines of other CPUs, and lines that all share, that the initiator "
     "of a purge of one page writes: each has to be fetched from whoever had it last. The calls of "
     "CPUs that are in the kernel are among them: one line each.", lines),
    ("Ways to flush", "What each way drops of global pages that were in the TLB, and what it takes "
     "to flush and to touch the pages again.", flushes),
    ("What quarantine holds", "Pages of address space, guard pages too, that wait until the "
     "sleeping CPUs have flushed.", holds),
    ("Allocation", "Instructions of a vmalloc and of a vfree beside many areas: a tree's growth, "
     "not a list's.", allocations),
    ("Broadcast", "A call from one CPU to all others at once, until the last has answered.",
     broadcasts),
)
