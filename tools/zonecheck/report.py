# SPDX-License-Identifier: MIT
"""What is printed: a row a configuration, the assumptions that were used, the violations."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from .check import Result
from .describe import Description
from .image import Image, ImageError
from .walk import Violation

WIDTH = 100
CLASS = 8                       # width of a class in the table: names of at most 7 letters
MAX_SHOWN = 12                  # violations of one row


def heading(description: Description, results: list[Result]) -> None:
    """What was looked at."""
    image = description.image
    print(f"Danger zone of {description.data.get('title', image.path.name)}: {image.path}")
    shared = set.intersection(*(r.addresses for r in results)) if results else set()
    doors = {a for a in shared if not image.symbol_at(a)[2]}
    print(f"doors, under every policy: {len(doors)} instructions, {size(image, doors)} bytes, "
          f"{len({image.symbol_at(a)[1] for a in doors})} stubs and labels")


def size(image: Image, addresses: Iterable[int]) -> int:
    """Bytes of some instructions."""
    return sum(image.instruction(a).size for a in addresses if a in image.decoded)


def table(image: Image, results: list[Result]) -> None:
    """A row for each: the policy's part, then what the whole zone touches, by class."""
    classes = sorted({name for r in results for name in r.touched})
    title = " instructions that touch "
    print("\n" + " " * 21 + "|--- its hooks ---| |"
          + title.center(len(classes) * CLASS - 2, "-") + "|")
    print(f"{'Policy':<14} {'Roots':>5} {'Instr':>6} {'Bytes':>6} {'Func':>5}"
          + "".join(f"{name.capitalize():>{CLASS}}" for name in classes) + " Loops Verdict")
    for result in results:
        hooks = {a for a in result.addresses if image.symbol_at(a)[2]}
        functions = {image.symbol_at(a)[1] for a in hooks}
        print(f"{result.configuration.name:<14} {result.configuration.roots:>5} {len(hooks):>6} "
              f"{size(image, hooks):>6} {len(functions):>5}"
              + "".join(f"{len(result.touched.get(name, ())):>{CLASS}}" for name in classes)
              + f" {len(result.loops):>5} {verdict(result):>7}")


def verdict(result: Result) -> str:
    """Of one row."""
    return "fail" if result.violations else "unsure" if result.undecided else "pass"


def notes(description: Description, results: list[Result]) -> None:
    """What the verdict rests on."""
    loops: dict[str, set[int]] = {}
    privileged: set[str] = set()
    for result in results:
        privileged |= result.privileged
        for address, name in result.loops.items():
            loops.setdefault(name, set()).add(address)
    print(f"\nbelieved, with the reasons in {description.path.name}:")
    _list("words taken for constant", [fact.name for fact in description.facts()])
    _list("privileged instructions", sorted(privileged))
    _list("loops with a written bound", sorted(loops))
    _list("excused code", [str(e["in"]) for e in description.entries("excused")])
    unused = sorted(set(description.privileged()) - privileged)
    if unused:
        _list("named, but met in none of these rows", unused)


def _list(title: str, words: list[str]) -> None:
    line = f"  {title}:"
    for index, word in enumerate(words):
        word += "," if index + 1 < len(words) else ""
        if len(line) + 1 + len(word) > WIDTH:
            print(line)
            line = "   "
        line += " " + word
    print(line if words else line + " none")


def describe(image: Image, violation: Violation) -> str:
    """File and line, what is wrong, the instruction, the calls that lead there."""
    if not violation.address:
        return violation.text
    calls = [after - 1 for after in reversed(violation.way)]    # in the call, not behind it
    places = image.places([violation.address, *calls])
    place = places[violation.address]
    try:
        text = image.instruction(violation.address).text
    except ImageError:
        text = "(no instruction)"
    lines = [f"{place.line}: {place.functions[0]}: {violation.text}",
             f"    {violation.address:#x}: {text}"]
    lines += [f"    called from {places[a].functions[0]}, {places[a].line}" for a in calls]
    return "\n".join(lines)


def show(text: str) -> None:
    """Prints lines, cut at the width."""
    for line in text.splitlines():
        indent = line[:len(line) - len(line.lstrip())]
        print("\n".join(textwrap.wrap(line, WIDTH, subsequent_indent=indent + "    ",
                                      break_long_words=False)))


def violations(image: Image, results: list[Result]) -> int:
    """Prints each; the same one under several policies once. Returns how many."""
    seen: dict[tuple[int, str], list[str]] = {}
    first: dict[tuple[int, str], Violation] = {}
    for result in results:
        for violation in result.violations:
            key = (violation.address, violation.text)
            seen.setdefault(key, []).append(
                f"{result.configuration.name}/{result.configuration.roots}")
            first.setdefault(key, violation)
    for index, (key, rows) in enumerate(seen.items()):
        if index == MAX_SHOWN:
            print(f"... and {len(seen) - MAX_SHOWN} more")
            break
        show(f"\n{describe(image, first[key])}")
        show(f"    rows: {' '.join(rows[:6])}{' ...' if len(rows) > 6 else ''}")
    return len(seen)


def undecided(image: Image, results: list[Result]) -> int:
    """Prints what is not decided: by reason, how many places and in which functions."""
    found: dict[str, set[int]] = {}
    for result in results:
        for what, places in result.undecided.items():
            found.setdefault(what, set()).update(each.address for each in places)
    for what, addresses in found.items():
        print()
        _list(f"not decided, {what}: {len(addresses)} places, in functions",
              sorted({image.symbol_at(address)[0] for address in addresses}))
    return sum(len(addresses) for addresses in found.values())


def control(image: Image, result: Result, expected: str) -> int:
    """A control has to be caught, with what its description expects. Returns 1 if it was not."""
    texts = [describe(image, violation) for violation in result.violations]
    caught = [text for text in texts if re.search(expected, text)]
    name = result.configuration.name
    if caught:
        show(f"\ncontrol {name}, caught as it must be:\n  {caught[0].splitlines()[0]}")
        return 0
    show(f"\ncontrol {name}: NOT caught; wanted {expected!r}, found "
          f"{[text.splitlines()[0] for text in texts]}")
    return 1
