# SPDX-License-Identifier: MIT
"""Loops: every cycle among the paths has to be named in the description, with its bound."""

from __future__ import annotations

from .walk import Node, Walk


def back_edges(walk: Walk, starts: list[Node]) -> set[int]:
    """The addresses of the jumps that close a cycle. Each cycle holds at least one edge that leads
    back to a node that a depth-first search is still inside of."""
    found: set[int] = set()
    open_nodes: set[Node] = set()
    done: set[Node] = set()
    for start in starts:
        if start in done:
            continue
        open_nodes.add(start)
        stack = [(start, iter(walk.edges.get(start, ())))]
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                open_nodes.discard(node)
                done.add(node)
            elif following in open_nodes:
                found.add(node.address)
            elif following not in done:
                open_nodes.add(following)
                stack.append((following, iter(walk.edges.get(following, ()))))
    return found
