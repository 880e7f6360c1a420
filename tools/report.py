#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws one self-contained HTML page from result files: report.py --out PAGE FILE...

Exit status: 0 the page is written, 1 a file is no result or none was given.
"""

from __future__ import annotations

import argparse
import string
import sys
from html import escape
from pathlib import Path

from report_measures import MEASURES
from report_sections import SECTIONS, Source, table
from results import ResultError, load

MAX_FILES = len(string.ascii_uppercase)
STYLE = """
:root { color-scheme: light; --line: #d0d4da; --soft: #5a6472; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1b1f24; background: #fff;
  margin: 0 auto; padding: 1rem; max-width: 72rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .3rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .8rem; max-width: 46rem; overflow-wrap: anywhere; }
.warning { border-left: 4px solid #b45309; background: #fff7ed; padding: .6rem .8rem; }
.missing, .note, figcaption { color: var(--soft); }
.note { font-style: italic; }
.grid { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; max-width: 36rem; }
figure svg { display: block; width: 100%; height: auto; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .8rem;
  margin: .3rem 0; padding: 0; }
.key i { display: inline-block; width: 1.6rem; margin-right: .4rem; vertical-align: .25em; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums;
  margin: .3rem 0 1rem; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
th.n, td.n { text-align: right; padding: .25rem 0 .25rem .7rem; }
code { font: .9em "DejaVu Sans Mono", monospace; background: #f2f4f7; padding: .1em .3em; }
"""
EMULATED = ("Counts and instructions on this page are exact. Times under an emulator are "
            "meaningless: nothing here says how long anything takes on a real machine.")


def sources_table(sources: list[Source]) -> str:
    """What each letter stands for."""
    rows = []
    for source in sources:
        host, machine = source.result.host, source.result.document.get("machine", {})
        where = host.get("engine_version") or machine.get("hypervisor") or "not said"
        rows.append([source.letter, str(source.result.path), host.get("revision") or "not said",
                     where, f"{host['accel']}, {host['machine']}, {host['firmware']}, "
                     f"{host['cpus']} CPUs" if host else "not said",
                     host.get("compiler") or "not said", host.get("date", "not said"),
                     host.get("cmdline") or "(none)"])
    return table(["", "file", "revision", "ran on", "machine", "compiler", "date",
                  "kernel command line"], rows, 8)


def in_short(sources: list[Source]) -> str:
    """One sentence for each comparison: who is interrupted, who is not."""
    text = ""
    for source in sources:
        if source.result.kind != "comparison":
            continue
        most: dict[str, tuple[int, int]] = {}
        for policy in source.result.document["policies"]:
            ipis = [cpu["tlbi_ipis"] for cpu in policy["cpus"] if cpu["isolated"]]
            if policy["ran"] and ipis:
                pair = (max(ipis), policy["flushes"])
                most[policy["name"]] = max(pair, most.get(policy["name"], pair))
        loud = [f"{name} {ipis} of {purges}" for name, (ipis, purges) in most.items() if ipis]
        quiet = [name for name, (ipis, _) in most.items() if not ipis]
        text += (f"<p><b>{escape(source.label)}.</b> Purges that interrupted an isolated CPU in "
                 f"ring 3: {escape(', '.join(loud) or 'none')}; "
                 f"0 under {escape(', '.join(quiet) or 'no policy')}.</p>")
    return text


def page(files: list[Path]) -> str:
    """The whole page. Raises ResultError."""
    if not files:
        raise ResultError("no result files; make run writes one, or name some: RESULTS=a.json")
    if len(files) > MAX_FILES:
        raise ResultError(f"{len(files)} result files, a page has room for {MAX_FILES}")
    sources = [Source(letter, load(path)) for letter, path in zip(string.ascii_uppercase, files)]
    body = ["<h1>Lateflush: kernel TLB flushes on isolated CPUs</h1>", in_short(sources)]
    if any(source.result.emulated for source in sources):
        body.append(f'<p class="warning">{EMULATED}</p>')
    body.append(sources_table(sources))
    for title, lead, section in (*SECTIONS[:-1], *MEASURES, *SECTIONS[-1:]):
        body += [f"<section><h2>{title}</h2><p>{escape(lead)}</p>", section(sources), "</section>"]
    return ("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
            '<meta name=viewport content="width=device-width, initial-scale=1">'
            f"<title>Lateflush report</title><style>{STYLE}</style></head><body>\n"
            + "\n".join(body) + "\n</body></html>\n")


def main() -> int:
    """Command line of this tool."""
    parser = argparse.ArgumentParser(description="draw an HTML page from result files")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    try:
        args.out.write_text(page(args.files))
    except (ResultError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    print(f"report: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
