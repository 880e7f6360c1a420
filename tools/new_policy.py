#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The name of the policy in a file outside the tree, for `make NEW=FILE`: prints NAME of its
policy_NAME. Exit status 2, with one message, if the file cannot be built in beside the others. What
only a compiler can tell (hooks, claims) the explorer checks when it starts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

POLICIES = Path(__file__).resolve().parent.parent / "mm/policy"
DEFINITION = re.compile(r"^const struct flush_policy policy_([a-z][a-z0-9_]*) = \{", re.MULTILINE)
FORM = "`const struct flush_policy policy_NAME = {` at the start of a line, NAME in lower case"


class NewPolicyError(Exception):
    """Why a file cannot be the policy of NEW=."""


def defined_in(path: Path) -> list[str]:
    """NAME of each policy_NAME that a source defines."""
    return DEFINITION.findall(path.read_text(encoding="utf-8", errors="replace"))


def name_of(words: str, policies: Path = POLICIES) -> str:
    """NAME of the one policy in the file that WORDS names."""
    if not re.fullmatch(r"[\w./+-]+", words):
        raise NewPolicyError("valid: one file, its path without blanks and quotes")
    path = Path(words)
    if path.suffix != ".c" or not path.is_file():
        raise NewPolicyError("no such file; valid: a policy's C file, FILE.c")
    if path.resolve().parent == policies.resolve():
        raise NewPolicyError("is in the tree already; valid: POLICY= and its name")
    names = defined_in(path)
    if not names:
        raise NewPolicyError(f"defines no policy; valid: {FORM}")
    if len(names) > 1:
        raise NewPolicyError(f"defines {len(names)} policies ({', '.join(names)}); valid: one")
    for taken in sorted(policies.glob("*.c")):
        if names[0] in defined_in(taken):
            raise NewPolicyError(f"policy_{names[0]} is the name of {taken.name}'s policy; "
                                 "valid: one that is not taken")
    return names[0]


def main() -> int:
    """Command line of this tool: the file."""
    if len(sys.argv) != 2:
        print("new_policy: one argument, the file", file=sys.stderr)
        return 2
    try:
        print(name_of(sys.argv[1]))
    except NewPolicyError as error:
        print(f"NEW={sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
