# SPDX-License-Identifier: MIT
"""Checks one configuration: walks its paths, names its loops, counts what it touches."""

from __future__ import annotations

from dataclasses import dataclass, field

from .describe import Description
from .image import Image
from .interpret import Interpreter
from .loops import back_edges
from .memory import Memory
from .policies import Configuration
from .walk import Violation, Walk, node_of


@dataclass
class Result:
    """What one configuration's zone is."""
    configuration: Configuration
    violations: list[Violation] = field(default_factory=list)
    undecided: dict[str, list[Violation]] = field(default_factory=dict)
    addresses: set[int] = field(default_factory=set)
    touched: dict[str, set[int]] = field(default_factory=dict)
    loops: dict[int, str] = field(default_factory=dict)     # the jump back: its named function
    flushes: dict[str, set[int]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    privileged: set[str] = field(default_factory=set)


def check(description: Description, configuration: Configuration) -> Result:
    """Walks every path of CONFIGURATION."""
    image = description.image
    facts = description.facts(configuration.name) + list(configuration.slots)
    memory = Memory(image, description.parts(), facts, description.aligned())
    interpreter = Interpreter(memory, description.privileged())
    walk = Walk(image, description.rules(), memory, interpreter)
    doors = description.doors(configuration.roots)
    walk.run(doors)
    result = Result(configuration, list(walk.violations.values()), {},
                    {node.address for node in walk.known if node.address not in walk.rules.ends},
                    memory.touched, {}, interpreter.flushes, walk.ended, interpreter.used)
    starts = [node_of((), door.address, door.state) for door in doors]
    jumps = {node.address for node in back_edges(walk.edges, starts)}
    name_loops(description, image, jumps, result)
    for name in [end.name for end in (*walk.rules.ends.values(), *walk.rules.behind.values())] + \
            list(walk.rules.calls_out.values()):
        if name not in walk.ended:
            result.violations.append(Violation(0, f"no path reaches {name}: nothing was proved",
                                               ()))
    set_apart(description, result)
    return result


def set_apart(description: Description, result: Result) -> None:
    """What the description says that the checker cannot decide is no violation, and no pass."""
    for violation in result.violations:
        function = description.image.symbol_at(violation.address)[0]
        if what := description.undecided(violation.text, function):
            result.undecided.setdefault(what, []).append(violation)
    apart = [v for found in result.undecided.values() for v in found]
    result.violations = [v for v in result.violations if v not in apart]


def name_loops(description: Description, image: Image, jumps: set[int], result: Result) -> None:
    """Every jump back belongs to a function that the description names, or is a violation."""
    named = description.loops()
    for address, place in image.places(sorted(jumps)).items():
        function = next((name for name in place.functions if name in named), None)
        if function:
            result.loops[address] = function
        else:
            result.violations.append(Violation(
                address, f"a loop in {place.functions[0]} without a written bound", ()))
