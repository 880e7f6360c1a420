# SPDX-License-Identifier: MIT
"""Loops: every cycle among the paths has to be named in the description, with its bound."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import TypeVar

from .image import Image, ImageError

N = TypeVar("N", bound=Hashable)


@functools.lru_cache(maxsize=None)
def closes_loop(image: Image, target: int, source: int) -> bool:
    """Whether a jump back from SOURCE to TARGET, in one function, is a loop: TARGET leads there
    again."""
    start = image.symbol_at(target)[1]
    if image.symbol_at(source)[1] != start:
        return False
    seen: set[int] = set()
    work = [target]
    while work:
        address = work.pop()
        if address == source:
            return True
        if address in seen or image.symbol_at(address)[1] != start:
            continue
        seen.add(address)
        try:
            ins = image.instruction(address)
        except ImageError:
            continue
        if ins.mnemonic[0] == "j" and ins.operands[0].kind == "imm":
            work.append(ins.operands[0].value & (1 << 64) - 1)
        if ins.mnemonic not in ("jmp", "ret", "iretq", "sysretq"):
            work.append(ins.end)
    return False


def back_edges(edges: Mapping[N, set[N]], starts: list[N]) -> set[N]:
    """The nodes whose jumps close a cycle. Each cycle holds at least one edge that leads back to a
    node that a depth-first search is still inside of."""
    found: set[N] = set()
    open_nodes: set[N] = set()
    done: set[N] = set()
    for start in starts:
        if start in done:
            continue
        open_nodes.add(start)
        stack = [(start, iter(edges.get(start, ())))]
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                open_nodes.discard(node)
                done.add(node)
            elif following in open_nodes:
                found.add(node)
            elif following not in done:
                open_nodes.add(following)
                stack.append((following, iter(edges.get(following, ()))))
    return found
