# SPDX-License-Identifier: MIT
"""Mutants of a policy: small changes of its source, at every place where an operator fits.

A policy is its file, the headers of mm/policy/ that it includes and their .c files; changed are the
bodies of the functions that it uses. Nothing here knows one policy from another. Line numbers stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POLICIES = "mm/policy"
NOT_PART = {"ops.h", "policy.h", "policy_doors.h"}      # the same under every policy
TOKEN = re.compile(r"""(?P<skip>/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:\\\n|[^\n])*|\s+)
    |(?P<word>[A-Za-z_]\w*)|(?P<number>\d\w*)|(?P<string>"(?:\\.|[^"\\])*")
    |(?P<sign><<=|>>=|->|\+\+|--|<<|>>|[=!<>+\-*/%&|^]=|&&|\|\||.)""",
                   re.DOTALL | re.MULTILINE | re.VERBOSE)
KEYWORDS = {"if", "while", "for", "do", "else", "return", "goto", "break", "continue", "switch",
            "case", "sizeof", "const", "struct", "static", "bool"}
CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Token:
    """A piece of source; start and end as offsets."""
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Change:
    """SOURCE[start:end] becomes text."""
    operator: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """One changed file of a policy."""
    policy: str                 # its symbol, without policy_
    path: str                   # from the root
    line: int
    operator: str
    old: str
    new: str
    source: str                 # the whole changed file

    @property
    def place(self) -> str:
        """watching.c:32"""
        return f"{Path(self.path).name}:{self.line}"

    @property
    def what(self) -> str:
        """The change on one line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{old} -> {new or 'nothing'}"


def tokens_of(source: str) -> list[Token]:
    """What a compiler would see before it expands macros; directives are left out."""
    found = []
    for match in TOKEN.finditer(source):
        kind = str(match.lastgroup)
        if kind != "skip":
            found.append(Token(kind, match.group(), match.start(), match.end()))
    return found


def closing(tokens: list[Token], at: int) -> int:
    """The index of what closes the bracket at AT."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += tokens[i].text in CLOSING
        depth -= tokens[i].text in CLOSING.values()
        if not depth:
            return i
    raise ValueError(f"nothing closes {tokens[at].text} at {tokens[at].start}")


@dataclass
class Function:
    """A definition: name, what stands before it, its body's tokens without the braces."""
    name: str
    head: str
    body: list[Token]

    @property
    def words(self) -> set[str]:
        """Names that it uses."""
        return {token.text for token in self.body if token.kind == "word"}


def functions_of(source: str) -> list[Function]:
    """Every function that a file defines."""
    tokens = tokens_of(source)
    found = []
    i = start = 0
    while i < len(tokens):
        if tokens[i].text == "{":
            end = closing(tokens, i)
            if i and tokens[i - 1].text == ")":
                opening = next(k for k in range(start, i) if tokens[k].text == "(")
                head = source[tokens[start].start:tokens[opening].start]
                found.append(Function(tokens[opening - 1].text, head, tokens[i + 1:end]))
                start = end + 1
            i = end
        elif tokens[i].text == ";":
            start = i + 1
        i += 1
    return found


# --- Operators ----------------------------------------------------------------------------------

COMPARISONS = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
ROOTS = {"ROOT_KERNEL": "ROOT_RING3", "ROOT_RING3": "ROOT_KERNEL"}
# A LOCKed operation as the plain load and store that it is without LOCK.
WEAKER = {
    "own_xchg": "({{ FIELD_TYPE({0}, {1}) _w = own_read({0}, {1}); own_write({0}, {1}, {2}); _w; "
                "}})",
    "this_xchg": "({{ FIELD_TYPE({0}, {1}) _w = this_read({0}, {1}); this_write({0}, {1}, {2}); "
                 "_w; }})",
    "this_add_return": "({{ FIELD_TYPE({0}, {1}) _w = this_read({0}, {1}) + ({2}); "
                       "this_write({0}, {1}, _w); _w; }})",
    "word_add_return": "({{ __typeof__(*({0})) _w = word_read({0}) + ({1}); word_write({0}, _w); "
                       "_w; }})",
    "this_try_cmpxchg": "({{ FIELD_TYPE({0}, {1}) _w = this_read({0}, {1}); bool _same = _w == "
                        "*({2}); if (_same) this_write({0}, {1}, {3}); *({2}) = _w; _same; }})",
    "word_try_cmpxchg": "({{ __typeof__(*({0})) _w = word_read({0}); bool _same = _w == *({1}); "
                        "if (_same) word_write({0}, {2}); *({1}) = _w; _same; }})",
    "word_read_acquire": "word_read({0})",
    "drain_by_root_switch_local": "switch_root_noflush(ROOT_KERNEL)",
    "flush_by_root_switch_local": "switch_root_noflush(ROOT_KERNEL)",
    "switch_root_flush": "switch_root_noflush({0})",
}


def is_binary(tokens: list[Token], i: int) -> bool:
    """Whether the sign at I has a left operand."""
    before = tokens[i - 1] if i else None
    return before is not None and before.text not in KEYWORDS and (
        before.kind in ("word", "number") or before.text in (")", "]"))


def operand_end(tokens: list[Token], i: int) -> int:
    """The index behind the operand that begins at I: signs, a name or number, what is called."""
    while tokens[i].text in ("~", "!", "*", "&", "-"):
        i += 1
    i = closing(tokens, i) + 1 if tokens[i].text == "(" else i + 1
    while i < len(tokens) and tokens[i].text in ("(", "[", "->", "."):
        i = closing(tokens, i) + 1 if tokens[i].text in CLOSING else i + 2
    return i


def arguments(source: str, tokens: list[Token], opening: int) -> list[Token]:
    """The arguments of a call, each as one token."""
    end = closing(tokens, opening)
    found = []
    start = i = opening + 1
    while i <= end:
        if tokens[i].text == "," or i == end:
            if i > start:
                a, b = tokens[start].start, tokens[i - 1].end
                found.append(Token("argument", source[a:b], a, b))
            start = i + 1
        elif tokens[i].text in CLOSING:
            i = closing(tokens, i)
        i += 1
    return found


def statements(tokens: list[Token]) -> list[tuple[int, int]]:
    """Calls and assignments that are statements, as (first, behind the semicolon)."""
    found = []
    for i, token in enumerate(tokens):
        if token.kind != "word" or token.text in KEYWORDS or not (
                i == 0 or tokens[i - 1].text in (";", "{", "}", "else", ":", ")")):
            continue
        if i and tokens[i - 1].text == ")" and not follows_condition(tokens, i - 1):
            continue
        end = i
        while end < len(tokens) and tokens[end].text != ";":
            end = closing(tokens, end) if tokens[end].text in CLOSING else end
            end += 1
        if end < len(tokens) and tokens[i + 1].text in ("(", "=", "|=", "&=", "+=", "->", "[",
                                                        "."):
            found.append((i, end + 1))
    return found


def follows_condition(tokens: list[Token], at: int) -> bool:
    """Whether the bracket closed at AT belongs to if, while or for."""
    depth = 0
    for i in range(at, -1, -1):
        depth += tokens[i].text == ")"
        depth -= tokens[i].text == "("
        if not depth:
            return i > 0 and tokens[i - 1].text in ("if", "while", "for")
    return False


def weaken(source: str, function: Function) -> Iterator[Change]:
    """LOCKed operations without LOCK, flushing switches that do not flush."""
    tokens = function.body
    for i, token in enumerate(tokens):
        if token.text in WEAKER and i + 1 < len(tokens) and tokens[i + 1].text == "(":
            words = [a.text for a in arguments(source, tokens, i + 1)]
            yield Change("weaken", token.start, tokens[closing(tokens, i + 1)].end,
                         WEAKER[token.text].format(*words))


def drop(source: str, function: Function) -> Iterator[Change]:
    """Statements and jumps that are not there: a flush, a store, a restore, an early end."""
    tokens = function.body
    for first, behind in statements(tokens):
        start, end = tokens[first].start, tokens[behind - 1].end
        name = "flush" if re.search("flush|drain", source[start:end].split("(")[0]) else "store"
        yield Change(f"drop {name}", start, end, ";")
    for i, token in enumerate(tokens):
        if token.text in ("break", "continue", "goto") or (
                token.text == "return" and tokens[i + 1].text == ";"):
            end = next(k for k in range(i, len(tokens)) if tokens[k].text == ";")
            yield Change("drop jump", token.start, tokens[end].end, ";")


def swap(source: str, function: Function) -> Iterator[Change]:
    """Two statements in a row, the other way round."""
    tokens = function.body
    for (a, b), (c, d) in zip(*(statements(tokens)[k:] for k in (0, 1))):
        if b == c:
            first = source[tokens[a].start:tokens[b - 1].end]
            second = source[tokens[c].start:tokens[d - 1].end]
            between = source[tokens[b - 1].end:tokens[c].start]
            yield Change("swap", tokens[a].start, tokens[d - 1].end, second + between + first)


def compare(_source: str, function: Function) -> Iterator[Change]:
    """Comparisons and logic, changed; conditions that always or never hold."""
    tokens = function.body
    for i, token in enumerate(tokens):
        if token.text in COMPARISONS:
            yield Change("compare", token.start, token.end, COMPARISONS[token.text])
        elif token.text in ("&&", "||"):
            yield Change("logic", token.start, token.end, "||" if token.text == "&&" else "&&")
        elif token.text == "!":
            yield Change("logic", token.start, token.end, "")
        elif token.text in ("if", "while") and tokens[i + 1].text == "(":
            end = closing(tokens, i + 1)
            for value in ("0", "1") if token.text == "if" else ("0",):
                yield Change("condition", tokens[i + 1].end, tokens[end].start, value)


def mask(_source: str, function: Function) -> Iterator[Change]:
    """Masks left out or turned round, sums turned into differences."""
    tokens = function.body
    for i, token in enumerate(tokens):
        if token.text in ("&", "|") and is_binary(tokens, i):
            yield Change("mask", token.start, tokens[operand_end(tokens, i + 1) - 1].end, "")
        elif token.text == "~":
            yield Change("mask", token.start, token.end, "")
        elif token.text in ("|=", "&="):
            yield Change("mask", token.start, token.end, "&=" if token.text == "|=" else "|=")
        elif token.text in ("+", "-") and is_binary(tokens, i):
            yield Change("sum", token.start, token.end, "-" if token.text == "+" else "+")


def constant(_source: str, function: Function) -> Iterator[Change]:
    """Other numbers, other roots, 0 for a constant's name."""
    for token in function.body:
        if token.kind == "number":
            value = int(re.sub("[uUlL]+$", "", token.text), 0)
            yield Change("constant", token.start, token.end, "0" if value == 1 else str(value + 1))
        elif token.text in ROOTS:
            yield Change("constant", token.start, token.end, ROOTS[token.text])
        elif token.kind == "word" and re.fullmatch("[A-Z][A-Z0-9_]+", token.text) and \
                token.text not in ("FIELD_TYPE", "PAGE_SHIFT"):
            yield Change("constant", token.start, token.end, "0")


def answer(source: str, function: Function) -> Iterator[Change]:
    """The opposite answer; what an NMI puts back as a constant."""
    tokens = function.body
    for i, token in enumerate(tokens):
        if token.text == "return" and re.search(r"\bbool\b", function.head):
            end = next(k for k in range(i, len(tokens)) if tokens[k].text == ";")
            start, stop = tokens[i + 1].start, tokens[end].start
            yield Change("answer", start, stop, f"!({source[start:stop]})")
        elif "nmi_exit" in function.name and token.text in ("own_write", "this_write"):
            value = arguments(source, tokens, i + 1)[-1]
            for text in ("0", "1"):
                yield Change("restore", value.start, value.end, text)


OPERATORS: tuple[Callable[[str, Function], Iterator[Change]], ...] = (
    weaken, drop, swap, answer, compare, mask, constant)


# --- Policies -----------------------------------------------------------------------------------

def sound_policies(folder: Path = ROOT / POLICIES) -> list[str]:
    """Symbols, without policy_, of what defers, claims nothing and is no control."""
    found = []
    for path in sorted(folder.glob("*.c")):
        text = path.read_text()
        if re.search(r"^\t\.defers = true,", text, re.MULTILINE) and not re.search(
                r"^\t\.(nr_claims|control|broadcast) = ", text, re.MULTILINE):
            found += re.findall(r"^const struct flush_policy policy_(\w+) = \{", text, re.MULTILINE)
    return found


def files_of(policy: str) -> list[str]:
    """The policy's file, then what it is made of."""
    files = [f"{POLICIES}/{policy}.c"]
    for path in files:
        for name in re.findall(rf'^#include "{POLICIES}/(\w+\.h)"', (ROOT / path).read_text(),
                               re.MULTILINE):
            parts = [f"{POLICIES}/{name}", f"{POLICIES}/{name.removesuffix('.h')}.c"]
            files += [part for part in parts if name not in NOT_PART and part not in files
                      and (ROOT / part).is_file()]
    return files


def used_functions(sources: dict[str, str], first: str) -> dict[str, list[Function]]:
    """By file, what the file FIRST uses, directly or not."""
    functions = {path: functions_of(source) for path, source in sources.items()}
    wanted = set(re.findall(r"\w+", sources[first]))
    more = True
    while more:
        used = [f for found in functions.values() for f in found if f.name in wanted]
        size = len(wanted)
        wanted |= {word for f in used for word in f.words}
        more = len(wanted) > size
    return {path: [f for f in found if f.name in wanted] for path, found in functions.items()}


def mutants_of(policy: str) -> list[Mutant]:
    """All of them, file by file, operator by operator."""
    sources = {path: (ROOT / path).read_text() for path in files_of(policy)}
    found = []
    for path, functions in used_functions(sources, files_of(policy)[0]).items():
        source = sources[path]
        for operator in OPERATORS:
            for function in functions:
                for change in operator(source, function):
                    old = source[change.start:change.end]
                    lost = old.count("\n") - change.text.count("\n")
                    new = source[:change.start] + change.text + "\n" * lost + source[change.end:]
                    found.append(Mutant(policy, path, source.count("\n", 0, change.start) + 1,
                                        change.operator, old, change.text, new))
    return found
