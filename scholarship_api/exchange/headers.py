"""Which column of a table is which field of an award, by the words of its header."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from scholarship_api.catalogue.currencies import CURRENCIES
from scholarship_api.exchange.header_languages import PATTERNS_OF_OTHER_LANGUAGES
from scholarship_api.exchange.header_patterns import PATTERNS
from scholarship_api.exchange.targets import IGNORE, TARGETS

_ALL_PATTERNS: Final = (*PATTERNS, *PATTERNS_OF_OTHER_LANGUAGES.items())
_TARGETS_IN_ORDER: Final = tuple(target for target, _ in _ALL_PATTERNS)
_COMPILED: Final = re.compile(
    "|".join(f"(?P<p{at}>{'|'.join(patterns)})" for at, (_, patterns) in enumerate(_ALL_PATTERNS))
)
"""All patterns in one: a file may have thousands of cells that could be headers."""

CODE_LENGTH: Final = 3
"""Letters of a code of ISO 4217."""

MAX_HEADER: Final = 200
"""Characters of a header; longer texts are sentences."""

MAX_ALTERNATIVES: Final = 4
"""Names of a field in one header, such as `Provider / Sponsor`."""

_EITHER: Final = re.compile(
    r"awards?|scholarships?|funds?|grants?|opportunit(?:y|ies)|fellowships?"
)
"""Headers that name the award itself, or its amount when another column has the name."""

_PARENTHESES: Final = re.compile(r"[(\[{]([^(\[{)\]}]*)[)\]}]")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_WORDS: Final = re.compile(r"[^a-z0-9]+")
_SIGNS: Final[dict[str, str]] = {
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "usd$": "USD",
    "us dollars": "USD",
}
_ASKED: Final = re.compile(
    r"^(?:what is the|what are the|is there an?|does it require an?|please enter)\b"
)


_ABBREVIATIONS: Final = {
    "amt": "amount", "amts": "amount", "app": "application", "appl": "application",
    "cit": "citizenship", "desc": "description", "ddl": "deadline", "elig": "eligible",
    "fin": "financial", "info": "information", "max": "maximum", "min": "minimum",
    "org": "organization", "orgs": "organization", "rec": "recommendation",
    "recs": "recommendation", "req": "requirements", "reqs": "requirements",
    "reqd": "required", "schol": "scholarship", "yr": "year",
}  # fmt: skip
"""Words that offices shorten. A header is tried as it stands first."""


class HeaderMatch(NamedTuple):
    """The meaning of a header for its column."""

    target: str | None
    """A name of TARGETS; None when the words are not known."""
    currency: str | None = None
    """The currency of the column, as in `Amount (USD)`."""


def normalised(header: str) -> str:
    """`ScholarshipName *` and `scholarship_name` are `scholarship name`."""
    text = _CAMEL.sub(" ", header.strip()).casefold().replace("#", " number ")
    if not text.isascii():
        text = "".join(
            sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
        )
    text = _NOT_WORDS.sub(" ", text).strip()
    return _ASKED.sub("", text).removesuffix(" required field").strip()


def match_header(header: str) -> HeaderMatch:
    """Find the field that a header names, as people write it."""
    if len(header) > MAX_HEADER or not header.strip():
        return HeaderMatch(None)
    currency = _currency_in(header)
    exact = header.strip().strip("*: ").casefold().replace("-", "_").replace(" ", "_")
    if exact in TARGETS and exact != IGNORE:
        return HeaderMatch(exact, currency)
    for text in (header, _PARENTHESES.sub(" ", header)):
        words = normalised(text)
        if words.replace(" ", "_") in TARGETS:
            return HeaderMatch(words.replace(" ", "_"), currency)
        target = _target_of(words)
        if target is not None:
            return HeaderMatch(target, currency)
    return HeaderMatch(_target_of_all(header), currency)


def _target_of(words: str) -> str | None:
    """The target of normalised words, as they stand or spelled out."""
    spelled_out = " ".join(_ABBREVIATIONS.get(word, word) for word in words.split())
    for text in dict.fromkeys((words, spelled_out)):
        found = _COMPILED.fullmatch(text) if text else None
        if found and found.lastgroup:
            return _TARGETS_IN_ORDER[int(found.lastgroup[1:])]
    return None


def _target_of_all(header: str) -> str | None:
    """The field that each part of `Provider / Sponsor` names."""
    parts = header.split("/")
    if not 1 < len(parts) <= MAX_ALTERNATIVES:
        return None
    targets = {match_header(part).target for part in parts}
    return targets.pop() if len(targets) == 1 else None


def names_an_award(header: str) -> bool:
    return bool(_EITHER.fullmatch(normalised(_PARENTHESES.sub(" ", header))))


def match_headers(headers: Sequence[str]) -> list[HeaderMatch]:
    """Match all headers of a table; `Award` is the name unless another column has it."""
    found = [match_header(header) for header in headers]
    for at, header in enumerate(headers):
        if found[at].target is None and names_an_award(header):
            targets = {each.target for each in found}
            target = "name" if "name" not in targets else "amount"
            if not (target == "amount" and targets & {"amount", "amount_min", "amount_max"}):
                found[at] = found[at]._replace(target=target)
    return found


def _currency_in(header: str) -> str | None:
    inner: list[str] = _PARENTHESES.findall(header)
    for inside in [*inner, header.rpartition(" ")[2]]:
        word = inside.strip().casefold().removeprefix("in ")
        if word in _SIGNS:
            return _SIGNS[word]
        if (
            len(word) == CODE_LENGTH
            and word.upper() in CURRENCIES
            and inside.strip() == inside.strip().upper()
        ):
            return word.upper()
    return None
