"""Which lexemes of a tsquery an award must have, to find the tsquery by one of them.

A text that satisfies a tsquery has at least one lexeme of each of its conditions: a conjunction
has the conditions of all its parts, a disjunction one for each choice of conditions of its parts,
and a negation has none.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

BEGINNING_LETTERS: Final = 3
"""A prefix of a tsquery is known by so many first letters; a shorter one requires nothing."""

MAX_OPTIONS: Final = 8
"""Sets of lexemes that are kept of each part of a tsquery while the cheapest one is looked for."""

_SIGN: Final = re.compile(
    r"\s*(?:'(?P<lexeme>(?:[^'\\]|''|\\.)*)'(?::(?P<flags>[A-Da-d*]+))?"
    r"|(?P<operator>[&|!()])|(?P<phrase><(?:-|\d+)>))\s*"
)
_ESCAPED: Final = re.compile(r"''|\\(.)")

Required = tuple[str, str]
"""A lexeme that is required: its kind, WHOLE or BEGINNING, and its letters."""

WHOLE: Final = "whole"
BEGINNING: Final = "beginning"

Node = Required | tuple[str, list["Node"]] | None
"""A required lexeme, a conjunction or a disjunction, or None where nothing is required."""

_AND: Final = "&"
_OR: Final = "|"


def parse(match: str) -> Node:
    """The requirement of a tsquery text. Raises ValueError for a text that is none."""
    signs = _signs(match)
    node, following = _any_of(signs, next(signs))
    if following != "":
        raise ValueError(f"unexpected {following!r} in a tsquery")
    return node


def lexemes(node: Node) -> Iterator[Required]:
    """All lexemes that may be required."""
    if node is None:
        return
    kind, content = node
    if isinstance(content, str):
        yield kind, content
    else:
        for part in content:
            yield from lexemes(part)


def rarest(
    node: Node, cost: Callable[[Required], float]
) -> tuple[float, frozenset[Required]] | None:
    """The cheapest known set of lexemes of which at least one is required, with the sum of their
    costs; None if nothing is required."""
    return next(iter(_options(node, cost)), None)


def _options(
    node: Node, cost: Callable[[Required], float]
) -> list[tuple[float, frozenset[Required]]]:
    """Sets of lexemes of which one is required, the cheapest ones first."""
    if node is None:
        return []
    kind, content = node
    if isinstance(content, str):
        required = (kind, content)
        return [(cost(required), frozenset({required}))]
    parts = [_options(part, cost) for part in content]
    if kind == _AND:
        return _cheapest(option for options in parts for option in options)
    found = parts[0]
    for options in parts[1:]:
        # Parts may share a lexeme, which costs once.
        joined = {one | other for _, one in found for _, other in options}
        found = _cheapest((sum(map(cost, lexemes)), lexemes) for lexemes in joined)
    return found


def _cheapest(
    options: Iterable[tuple[float, frozenset[Required]]],
) -> list[tuple[float, frozenset[Required]]]:
    return sorted(options, key=lambda option: (option[0], sorted(option[1])))[:MAX_OPTIONS]


_Sign = str | tuple[str, str]
"""An operator, or a lexeme with its flags; an empty text ends the tsquery."""


def _signs(match: str) -> Iterator[_Sign]:
    at = 0
    while at < len(match):
        found = _SIGN.match(match, at)
        if found is None:
            raise ValueError("not a tsquery")
        at = found.end()
        if found["lexeme"] is not None:
            yield _ESCAPED.sub(lambda each: each[1] or "'", found["lexeme"]), found["flags"] or ""
        else:
            yield found["operator"] or _AND  # a phrase requires all of its words
    while True:
        yield ""


def _any_of(signs: Iterator[_Sign], sign: _Sign) -> tuple[Node, _Sign]:
    return _joined(signs, sign, _OR, _all_of)


def _all_of(signs: Iterator[_Sign], sign: _Sign) -> tuple[Node, _Sign]:
    return _joined(signs, sign, _AND, _operand)


def _joined(
    signs: Iterator[_Sign],
    sign: _Sign,
    operator: str,
    part: Callable[[Iterator[_Sign], _Sign], tuple[Node, _Sign]],
) -> tuple[Node, _Sign]:
    node, sign = part(signs, sign)
    parts = [node]
    while sign == operator:
        node, sign = part(signs, next(signs))
        parts.append(node)
    return (parts[0] if len(parts) == 1 else (operator, parts)), sign


def _operand(signs: Iterator[_Sign], sign: _Sign) -> tuple[Node, _Sign]:
    if sign == "!":
        _, following = _operand(signs, next(signs))
        return None, following
    if sign == "(":
        node, following = _any_of(signs, next(signs))
        if following != ")":
            raise ValueError("a parenthesis of a tsquery is open")
        return node, next(signs)
    if isinstance(sign, str):
        raise ValueError(f"unexpected {sign!r} in a tsquery")
    return _lexeme(*sign), next(signs)


def _lexeme(lexeme: str, flags: str) -> Node:
    if "*" not in flags:
        return WHOLE, lexeme
    if len(lexeme) < BEGINNING_LETTERS:
        return None
    return BEGINNING, lexeme[:BEGINNING_LETTERS]
