# SPDX-License-Identifier: MIT
"""Reads a description (*.toml): doors, ends, memory, facts and exceptions of a danger zone.

A number in it is an integer or a sum of terms: integers, symbols, `structure.member` (its offset)
and `sizeof.structure`. A key that is not known is refused: a typing error must not excuse anything.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from .image import Image
from .memory import Fact, Part
from .patched import Patches, read_patches
from .state import State
from .values import MASK, Value, address, constant, number
from .walk import Door, End, Rules

ERROR_CODE = (8, 10, 11, 12, 13, 14, 17, 21, 29, 30)    # vectors that push one (SDM Vol 3 6.15)
KEYS: dict[str, set[str]] = {
    "": {"title", "units", "code", "regions", "parts", "facts", "doors", "ends", "calls_out",
         "returns", "excused", "privileged", "loops", "policies", "controls", "single", "patched",
         "features", "keys", "undecided"},
    "code": {"sections"},
    "regions": {"aligned"},
    "parts": {"name", "region", "start", "end", "writable", "private", "in_ring3"},
    "facts": {"at", "policy", "region", "size", "value", "reason"},
    "doors": {"name", "start", "table", "count", "without", "only", "stack", "cs", "gs", "root",
              "leaves_to", "registers", "matching", "pushed", "region"},
    "ends": {"at", "behind", "root", "reason"},
    "calls_out": {"to"},
    "returns": {"in", "reason"},
    "excused": {"in", "class", "reason"},
    "privileged": {"instruction", "reason"},
    "loops": {"in", "bound"},
    "policies": {"structure", "tables", "slots", "sets"},
    "controls": {"name", "slot", "target", "expect"},
    "patched": {"alternatives", "labels", "thunks", "returns", "unknown"},
    "features": {"bit", "name", "present", "reason"},
    "keys": {"symbol", "on", "reason"},
    "undecided": {"what", "says", "functions"},
}


class DescriptionError(Exception):
    """The description cannot be used. The text says where and why."""


class Description:
    """One description, applied to one image."""

    def __init__(self, path: Path, image: Image) -> None:
        self.path = path
        self.image = image
        try:
            self.data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise DescriptionError(f"{path}: {error}") from error
        self._check_keys()
        if self.data.get("units"):
            image.read_structures(self.data["units"])

    def _check_keys(self) -> None:
        for key, value in self.data.items():
            self._check_known("", key)
            entries = value if isinstance(value, list) else \
                value.values() if key == "regions" else [value]
            for entry in entries:
                for name in entry if isinstance(entry, dict) else ():
                    self._check_known(key, name)

    def _check_known(self, table: str, key: str) -> None:
        if key not in KEYS[table]:
            raise DescriptionError(f"{self.path}: {table + '.' if table else ''}{key} is not "
                                   f"known; valid: {', '.join(sorted(KEYS[table]))}")

    def entries(self, table: str) -> list[dict[str, Any]]:
        """The entries of a list of tables."""
        found: list[dict[str, Any]] = self.data.get(table, [])
        return found

    def wanted(self, table: str, entry: dict[str, Any], key: str) -> Any:
        """A key that has to be there."""
        if key not in entry:
            raise DescriptionError(f"{self.path}: an entry of {table} has no {key}: {entry}")
        return entry[key]

    def evaluate(self, expression: int | str) -> int:
        """A number."""
        if isinstance(expression, int):
            return expression
        total = 0
        for sign, term in re.findall(r"([+-]?)\s*([\w.$]+)", expression):
            total += -self._term(term) if sign == "-" else self._term(term)
        return total

    def _term(self, term: str) -> int:
        if re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", term):
            return int(term, 0)
        if term in self.image.symbols:          # GCC's names of clones have dots too
            return self.image.symbol(term)
        structure, dot, member = term.partition(".")
        if dot and structure == "sizeof":
            return self.image.offset(member, "")
        return self.image.offset(structure, member) if dot else self.image.symbol(term)

    # --- Memory ---

    def parts(self) -> list[Part]:
        """Memory that may be touched."""
        return [Part(self.wanted("parts", e, "name"), e.get("region", ""),
                     self.evaluate(self.wanted("parts", e, "start")),
                     self.evaluate(self.wanted("parts", e, "end")), e.get("writable", False),
                     e.get("private", False), e.get("in_ring3", True))
                for e in self.entries("parts")]

    def aligned(self) -> dict[str, int]:
        """What the start of each region is a multiple of."""
        return {name: entry.get("aligned", 1)
                for name, entry in self.data.get("regions", {}).items()}

    def value(self, spec: dict[str, Any]) -> Value:
        """{region, offset} or {low, high, zeros, ones}."""
        if "region" in spec:
            return address(spec["region"], self.evaluate(spec.get("offset", 0)))
        return number(self.evaluate(spec.get("low", 0)), self.evaluate(spec.get("high", MASK)),
                      spec.get("zeros", 0), spec.get("ones", 0))

    def facts(self, policy: str | None = None) -> list[Fact]:
        """What words hold: under every policy and under this one; None: all of them."""
        return [Fact(e.get("region", ""), self.evaluate(self.wanted("facts", e, "at")),
                     e.get("size", 8), self.value(self.wanted("facts", e, "value")), str(e["at"]),
                     self.wanted("facts", e, "reason")) for e in self.entries("facts")
                if policy is None or e.get("policy", policy) == policy]

    def slot(self, name: str, target: int) -> Fact:
        """A function pointer of the doors, in one configuration."""
        return Fact("", self.evaluate(name), 8, constant(target), name, "this configuration")

    # --- Code ---

    def extent(self, name: str) -> tuple[int, int]:
        """A symbol's code: up to the next symbol."""
        start = self.image.symbol(name)
        following = next((s for s in self.image.starts if s > start), start)
        return start, following

    def rules(self) -> Rules:
        """Sections, ends and exceptions."""
        sections = [(self.evaluate(low), self.evaluate(high))
                    for low, high in self.wanted("code", self.data.get("code", {}), "sections")]
        ends = [End(self.evaluate(self.wanted("ends", e, "at")), str(e["at"]),
                    e.get("root", "one")) for e in self.entries("ends") if "behind" not in e]
        behind = [End(self.image.symbol(e["behind"]), f"behind {e['behind']}",
                      e.get("root", "one")) for e in self.entries("ends")
                  if "behind" in e and self.wanted("ends", e, "reason")]
        calls = [str(self.wanted("calls_out", e, "to")) for e in self.entries("calls_out")]
        excused = [(*self.extent(self.wanted("excused", e, "in")), e["class"])
                   for e in self.entries("excused") if self.wanted("excused", e, "reason")]
        returns = {self.image.symbol(self.wanted("returns", e, "in"))
                   for e in self.entries("returns") if self.wanted("returns", e, "reason")}
        return Rules(sections, {end.address: end for end in ends},
                     {self.image.symbol(name): name for name in calls}, excused, returns,
                     patches=self.patches(), behind={end.address: end for end in behind})

    def patches(self) -> Patches:
        """Code that is changed at boot."""
        features = {self.wanted("features", e, "bit"): self.wanted("features", e, "present")
                    for e in self.entries("features") if self.wanted("features", e, "reason")}
        keys = {self.image.symbol(self.wanted("keys", e, "symbol")): self.wanted("keys", e, "on")
                for e in self.entries("keys") if self.wanted("keys", e, "reason")}
        return read_patches(self.image, self.data.get("patched", {}), features, keys)

    def undecided(self, text: str, function: str) -> str:
        """What cannot be decided of which TEXT speaks, in FUNCTION; "" if it is a violation."""
        return next((str(self.wanted("undecided", e, "what")) for e in self.entries("undecided")
                     if re.search(self.wanted("undecided", e, "says"), text) and
                     re.fullmatch(e.get("functions", ".*"), function)), "")

    def privileged(self) -> dict[str, str]:
        """Instructions of ring 0 that the zone may execute, and why."""
        return {self.wanted("privileged", e, "instruction"): self.wanted("privileged", e, "reason")
                for e in self.entries("privileged")}

    def loops(self) -> dict[str, str]:
        """Functions that may loop, and their bounds."""
        for entry in self.entries("loops"):
            if not isinstance(self.wanted("loops", entry, "in"), list):
                raise DescriptionError(f"{self.path}: loops.in is {entry['in']!r}; valid: a list "
                                       "of functions")
        return {name: self.wanted("loops", e, "bound") for e in self.entries("loops")
                for name in e["in"]}

    # --- Doors ---

    def doors(self, roots: int) -> list[Door]:
        """All of them, with one root or with two."""
        found = []
        for entry in self.entries("doors"):
            root = entry.get("root", "kernel")
            for each in ("kernel", "ring3") if root == "any" else (root,):
                if roots == 1 and each == "ring3" and root == "any":
                    continue
                found += self._door(entry, "one" if roots == 1 else each)
        return found

    def _door(self, entry: dict[str, Any], root: str) -> list[Door]:
        name = self.wanted("doors", entry, "name")
        back = "one" if root == "one" else entry.get("leaves_to", root)
        if "start" in entry:
            state = State(name, root, entry.get("gs", "kernel"), back)
            for register, value in entry.get("registers", {}).items():
                state.registers[register] = self.value(value)
            return [Door(name, self.image.symbol(entry["start"]), state)]
        if "matching" in entry:
            return self._matching(entry, name, root, back)
        table = self.image.symbol(self.wanted("doors", entry, "table"))
        vectors = entry.get("only") or [v for v in range(self.wanted("doors", entry, "count"))
                                        if v not in entry.get("without", ())]
        doors = []
        for vector in vectors:
            state = State(name, root, self.wanted("doors", entry, "gs"), back)
            self._push_frame(entry, state, 8 if vector in ERROR_CODE else 0)
            doors.append(Door(name, self.image.read_number(table + 8 * vector), state))
        return doors

    def _matching(self, entry: dict[str, Any], name: str, root: str, back: str) -> list[Door]:
        """A door for each symbol that a pattern matches, which pushes as many bytes."""
        symbols = sorted(s for s in self.image.symbols if re.fullmatch(entry["matching"], s)
                         and s not in entry.get("without", ()))
        if not symbols:
            raise DescriptionError(f"{self.path}: doors {name}: no symbol matches "
                                   f"{entry['matching']}")
        doors = []
        for symbol in symbols:
            state = State(f"{name}: {symbol}", root, self.wanted("doors", entry, "gs"), back)
            self._push_frame(entry, state, entry.get("pushed", 0))
            doors.append(Door(state.door, self.image.symbol(symbol), state))
        return doors

    def _push_frame(self, entry: dict[str, Any], state: State, pushed: int) -> None:
        """What the CPU puts on the stack (SDM Vol 3 6.14.2), and PUSHED bytes below it."""
        region = entry.get("region", "area")
        frame = self.evaluate(self.wanted("doors", entry, "stack")) - 40
        state.registers["rsp"] = address(region, frame - pushed)
        bits = {"user": (0, 3), "kernel": (3, 0)}[self.wanted("doors", entry, "cs")]
        state.stack[region, frame + 8] = number(0, 0xffff, *bits)
