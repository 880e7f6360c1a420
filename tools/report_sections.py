# SPDX-License-Identifier: MIT
"""The sections of `make report`: what each says of the result files, as HTML.

A section looks for its kind of result among all files. Without one it says which command makes it.
A source is a file under the letter that it has on the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import report_plots as plots
from results import Json, Result

TIMES = "Times under an emulator are meaningless; only the shape of this can be looked at."
# Of a purge: one page, the most that are flushed one by one, everything.
PAGES_SHOWN = ((1, "1 page"), (33, "33 pages"), (0, "everything"))


@dataclass(frozen=True)
class Source:
    """A result file and its letter."""
    letter: str
    result: Result

    @property
    def label(self) -> str:
        """How a caption names it."""
        return f"{self.letter}: {self.result.path.name}"


def missing(what: str, command: str) -> str:
    """What stands in the place of a section without results."""
    return (f'<p class="missing">no {escape(what)} in these files: '
            f"<code>{escape(command)}</code></p>")


def figure(svg: str, caption: str, note: str = "") -> str:
    """A plot with what is under it."""
    more = f'<br><span class="note">{escape(note)}</span>' if note else ""
    return f"<figure>{svg}<figcaption>{escape(caption)}{more}</figcaption></figure>"


def grid(figures: list[str]) -> str:
    """Plots beside each other where there is room."""
    return '<div class="grid">' + "".join(figures) + "</div>"


def table(head: list[str], rows: Iterable[list[str]], texts: int) -> str:
    """A table whose first TEXTS columns are text, the others figures."""
    def line(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(
            f"<{tag}{'' if number < texts else ' class=n'}>{escape(cell)}</{tag}>"
            for number, cell in enumerate(cells)) + "</tr>"
    body = "".join(line(row, "td") for row in rows)
    return (f'<div class="wide"><table><thead>{line(head, "th")}</thead>'
            f"<tbody>{body}</tbody></table></div>")


def of_kind(sources: list[Source], kind: str) -> list[Source]:
    """The sources of one kind of file."""
    return [source for source in sources if source.result.kind == kind]


def with_records(sources: list[Source], kind: str) -> list[Source]:
    """The sources that have records of one kind."""
    return [source for source in sources if source.result.records(kind)]


def least_most(policy: Json, field: str) -> str:
    """A count over the isolated CPUs: one figure, or the least and the most."""
    values = [cpu[field] for cpu in policy["cpus"] if cpu["isolated"] and cpu[field] is not None]
    if not values:
        return "n/a"
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"


def policy_cells(policy: Json) -> list[str]:
    """A row of the comparison."""
    if not policy["ran"]:
        return [policy["name"], str(policy["roots"]), policy["verdict"], *["n/a"] * 7]
    return [policy["name"], str(policy["roots"]), policy["verdict"], str(policy["flushes"]),
            *[least_most(policy, field) for field in
              ("tlbi_ipis", "deferred", "drained", "kernel_entries", "stale", "lost")]]


def peer_cells(peer: Json) -> list[list[str]]:
    """The row of a Linux kernel: what is counted there under the same names."""
    calls = [cpu["function_calls"] for cpu in peer["cpus"] if cpu["isolated"]]
    span = str(calls[0]) if min(calls) == max(calls) else f"{min(calls)}-{max(calls)}"
    return [[f"Linux {peer['kernel']}", "2" if peer["pti"] else "1", "no verdict",
             str(peer["purges"]), span, *["n/a"] * 5]]


def comparison(sources: list[Source]) -> str:
    """Tables of the policies: what the isolated CPUs took while they stayed in ring 3."""
    found = of_kind(sources, "comparison")
    if not found:
        return missing("comparison", "make run")
    peers = [row for source in of_kind(sources, "peer")
             for row in peer_cells(source.result.document["peer"])]
    head = ["policy", "roots", "verdict", "purges", "IPIs", "deferred", "drained", "entries",
            "stale", "lost"]
    text = ""
    for source in found:
        document = source.result.document
        word = f"verdict {document['verdict']}"
        if document["reason"]:
            word += f" ({document['reason']})"
        text += f"<h3>{escape(source.label)}: {escape(word)}</h3>"
        text += table(head, [*map(policy_cells, document["policies"]), *peers], 3)
    return text + side_by_side(found)


def side_by_side(found: list[Source]) -> str:
    """Each policy's IPIs and verdict in all comparisons, what differs first."""
    if len(found) < 2:
        return ""
    cells: dict[plots.Row, dict[str, list[str]]] = {}
    for source in found:
        for policy in source.result.document["policies"]:
            taken = f"{least_most(policy, 'tlbi_ipis')} of {policy['flushes']}"
            cells.setdefault(plots.row_of(policy), {})[source.letter] = [
                taken if policy["ran"] else "n/a", policy["verdict"]]
    letters = [source.letter for source in found]
    rows = []
    for row, by_letter in cells.items():
        pairs = [by_letter.get(letter, ["not run", "not run"]) for letter in letters]
        differs = len({verdict for _, verdict in pairs} - {"not run"}) > 1
        rows.append([plots.row_name(row), "differs" if differs else "",
                     *[cell for pair in pairs for cell in pair]])
    rows.sort(key=lambda row: not row[1])
    head = ["policy", "verdicts"]
    for letter in letters:
        head += [f"{letter}: IPIs of purges", f"{letter}: verdict"]
    return "<h3>Side by side</h3>" + table(head, rows, 2)


def ipis(sources: list[Source]) -> str:
    """IPIs against purges. Rows without an IPI are one line."""
    found = of_kind(sources, "comparison")
    if not found:
        return missing("comparison", "make run")
    linux = {f"Linux {peer['kernel']}": [(peer["purges"], max(
        cpu["function_calls"] for cpu in peer["cpus"] if cpu["isolated"]))]
             for peer in (source.result.document["peer"] for source in of_kind(sources, "peer"))}
    groups_of: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for source in found:
        quiet: dict[str, list[tuple[int, int]]] = {}
        groups = dict(linux)
        for policy in source.result.document["policies"]:
            if not policy["ran"]:
                continue
            point = (policy["flushes"], max((cpu["tlbi_ipis"] for cpu in policy["cpus"]
                                             if cpu["isolated"]), default=0))
            (groups if point[1] else quiet).setdefault(policy["name"], []).append(point)
        if quiet:
            groups[f"0 IPIs: {', '.join(quiet)}"] = [
                point for points in quiet.values() for point in points]
        groups_of[source.letter] = groups
    limit = plots.most(n for groups in groups_of.values() for points in groups.values()
                       for point in points for n in point)
    return grid([figure(plots.svg(plots.ipi_plot(groups_of[s.letter], limit),
                                  "IPIs against purges", f"ipis-{s.letter}"), s.label)
                 for s in found])


def noise(sources: list[Source]) -> str:
    """Log histograms of gaps."""
    found = with_records(sources, "bucket")
    if not found:
        return missing("noise result", "make run RUN=noise")
    buckets = [record for source in found for record in source.result.records("bucket")]
    series = [counts for source in found for counts in
              plots.series_of(source.result.records("bucket"), "from_ns", "count").values()]
    limits = (plots.most(bucket["from_ns"] for bucket in buckets),
              plots.most(count for counts in series for count in counts.values()))
    return grid([figure(plots.svg(plots.noise_plot(s.result, limits), "noise", f"noise-{s.letter}"),
                        s.label, TIMES if s.result.emulated else "") for s in found])


def cost_figures(found: list[Source], kind: str, pages: int | None, words: str) -> list[str]:
    """A plot for each source that has records of one kind and, of purges, of one size."""
    chosen = [(source, [record for record in source.result.records(kind)
                        if pages is None or record["pages"] == pages]) for source in found]
    every = [record for _, records in chosen for record in records]
    limits = (plots.most(record["isolated"] for record in every),
              plots.most(record["instructions"] for record in every))
    return [figure(plots.svg(plots.cost_plot(records, limits), "cost of a purge",
                             f"{kind}-{pages}-{source.letter}"), f"{source.label}: {words}")
            for source, records in chosen if records]


def slopes(found: list[Source]) -> str:
    """The slopes, a column for each source: what one more isolated CPU costs the initiator."""
    cells: dict[plots.Row, dict[str, str]] = {}
    for source in found:
        for record in source.result.records("slope"):
            cells.setdefault(plots.row_of(record), {})[source.letter] = (
                f"{record['instructions']:.2f}")
    letters = [source.letter for source in found]
    return table(["instructions for each isolated CPU more", *letters],
                 [[plots.row_name(row), *[by_letter.get(letter, "not run") for letter in letters]]
                  for row, by_letter in cells.items()], 1) if cells else ""


def costs(sources: list[Source]) -> str:
    """What a purge costs who issues it, against CPUs that are deferred or interrupted."""
    scale, purge = with_records(sources, "scale"), with_records(sources, "purge")
    if not scale and not purge:
        return missing("purge or scale result", "make run RUN=purge")
    figures = cost_figures(scale, "scale", None, "up to many CPUs")
    for pages, words in PAGES_SHOWN:
        figures += cost_figures(purge, "purge", pages, words)
    return grid(figures) + slopes(with_records(sources, "slope"))


def door_table(source: Source) -> str:
    """Each way into the kernel, by what is owed to the CPU that comes in."""
    cells: dict[plots.Row, dict[str, str]] = {}
    for record in source.result.records("entry"):
        column = f"{record['door']}, {record['owed']} owed"
        cells.setdefault(plots.row_of(record), {})[column] = str(record["instructions"])
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    return f"<h3>{escape(source.label)}: there and back</h3>" + table(
        ["policy", *columns], [[plots.row_name(row), *[numbers.get(c, "n/a") for c in columns]]
                               for row, numbers in cells.items()], 1)


def entries(sources: list[Source]) -> str:
    """Instructions of operations by policy, and of a Linux kernel's system call."""
    found, doors = of_kind(sources, "counts"), with_records(sources, "entry")
    if not found and not doors:
        return missing("counted instructions", "make counts")
    linux = {f"Linux {peer['kernel']}, {call['what']}": call["instructions"]
             for peer in (source.result.document["peer"] for source in of_kind(sources, "peer"))
             for call in peer["getpid"]}
    figures = []
    operations = list(dict.fromkeys(count["operation"] for source in found
                                    for count in source.result.document["counts"]))
    for operation in operations:
        bars_of = {source.letter: {
            **{plots.row_name(plots.row_of(count)): count["instructions"]
               for count in source.result.document["counts"] if count["operation"] == operation},
            **(linux if operation == "system call" else {})} for source in found}
        limit = plots.most(n for bars in bars_of.values() for n in bars.values())
        for source in found:
            draw, height = plots.bar_plot(bars_of[source.letter], "instructions", limit)
            svg = plots.svg(draw, operation, f"{operation}-{source.letter}", height)
            figures.append(figure(svg, f"{source.label}: {operation}"))
    return (grid(figures) if figures else "") + "".join(map(door_table, doors))


def matrix(sources: list[Source]) -> str:
    """The IPI matrix."""
    found = with_records(sources, "round_trip")
    if not found:
        return missing("ipi result", "make run RUN=ipi")
    limit = plots.most(r["tsc_min"] for s in found for r in s.result.records("round_trip"))
    return grid([figure(plots.svg(plots.matrix_plot(s.result.records("round_trip"), limit),
                                  "IPI round trips", f"matrix-{s.letter}"), s.label,
                        TIMES if s.result.emulated else "") for s in found])


def peer_table(sources: list[Source]) -> str:
    """A Linux kernel beside it, CPU by CPU."""
    found = of_kind(sources, "peer")
    if not found:
        return missing("row of a Linux kernel", "make peer")
    text = ""
    for source in found:
        peer = source.result.document["peer"]
        text += f"<h3>{escape(source.label)}: Linux {escape(peer['kernel'])}</h3>"
        text += f"<p>{peer['purges']} purges of {peer['pages']} pages</p>"
        text += table(["CPU", "isolated", "function-call interrupts", "a purge", "TLB shootdowns"],
                      [[str(cpu["cpu"]), "yes" if cpu["isolated"] else "no",
                        str(cpu["function_calls"]),
                        f"{cpu['function_calls'] / peer['purges']:.2f}",
                        str(cpu["tlb_shootdowns"])] for cpu in peer["cpus"]], 2)
        text += table(["getpid()", "instructions in the kernel"],
                      [[call["what"], str(call["instructions"])] for call in peer["getpid"]], 1)
    return text


SECTIONS = (
    ("Comparison", "What each isolated CPU took while it stayed in ring 3 for all purges, then "
     "entered once. Least and most where CPUs differ; n/a: not measured, or cannot be told there.",
     comparison),
    ("IPIs against purges", "A policy that defers leaves a CPU in ring 3 alone: its line is flat.",
     ipis),
    ("Noise", "Gaps that ring 3 saw in its own reading of the time stamp counter.", noise),
    ("Cost of a purge", "Instructions that the initiator executes, however many CPUs are deferred.",
     costs),
    ("Cost of an entry", "Kernel instructions of an operation, by policy, counted one by one.",
     entries),
    ("IPI matrix", "From the sending of an IPI until its acknowledgement is seen.", matrix),
    ("Linux beside it", "The same pattern on a distribution's kernel in the same emulator.",
     peer_table),
)
