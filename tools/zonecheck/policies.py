# SPDX-License-Identifier: MIT
"""The configurations of a kernel: each policy's hooks with one root and with two, read from the
tables in the ELF. So the set of targets of a call through the doors is closed: it is the tables."""

from __future__ import annotations

from dataclasses import dataclass

from .describe import Description, DescriptionError
from .image import Image
from .memory import Fact


@dataclass(frozen=True)
class Configuration:
    """What the function pointers of the doors hold together."""
    name: str
    roots: int
    slots: tuple[Fact, ...]


def _structures(image: Image, structure: str, tables: list[dict[str, str]]) -> list[int]:
    """The addresses of all policies."""
    size = image.offset(structure, "")
    found = []
    for table in tables:
        if "pointers" in table:                         # a table of pointers that ends with NULL
            place = image.symbol(table["pointers"])
            while pointer := image.read_number(place):
                found.append(pointer)
                place += 8
        else:
            fits = [(start, length) for start, length in image.sizes.get(table["array"], [])
                    if length and length % size == 0]
            if len(fits) != 1:
                raise DescriptionError(f"{image.path}: {len(fits)} arrays {table['array']} of "
                                       f"struct {structure}; valid: one")
            found += range(fits[0][0], sum(fits[0]), size)
    return found


def configurations(description: Description) -> list[Configuration]:
    """All of them, in the tables' order; a description without policies has one."""
    data = description.data.get("policies")
    image = description.image
    if not data:
        return [Configuration("all", 1, ())]
    structure = data["structure"]
    found = []
    for start in _structures(image, structure, data["tables"]):
        name = image.read_string(image.read_number(start + image.offset(structure, "name")))
        for variant in data["sets"]:
            hooks = start + image.offset(structure, variant["member"])
            targets = [image.read_number(hooks + 8 * i) for i in range(len(data["slots"]))]
            if all(targets):
                slots = tuple(description.slot(slot, target)
                              for slot, target in zip(data["slots"], targets))
                found.append(Configuration(name, variant["roots"], slots))
    return found


def controls(description: Description,
             base: Configuration) -> list[tuple[Configuration, str]]:
    """BASE with one slot pointing to what must be caught, and what must be said of it."""
    found = []
    for entry in description.entries("controls"):
        fact = description.slot(entry["slot"], description.image.symbol(entry["target"]))
        slots = tuple(fact if slot.offset == fact.offset else slot for slot in base.slots)
        found.append((Configuration(entry["name"], base.roots, slots), str(entry["expect"])))
    return found
