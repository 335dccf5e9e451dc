"""Texts of other formats in the fields of awards, which have limits of length and number."""

import re
from collections.abc import Iterable
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from scholarship_api.catalogue.award_parts import MAX_OTHER_REQUIREMENTS
from scholarship_api.catalogue.field_types import Email, Line, Url

MAX_REQUIREMENT_CHARACTERS: Final = 500
"""Characters of one text of `other_requirements`."""

_URL: Final = TypeAdapter(Url)
_EMAIL: Final = TypeAdapter(Email)
_LINE: Final = TypeAdapter(Line)
_T = TypeVar("_T")


def url_or_none(value: object) -> str | None:
    return _valid(_URL, value)


def email_or_none(value: object) -> str | None:
    return _valid(_EMAIL, value)


def line_or_none(value: object) -> str | None:
    return _valid(_LINE, value)


def _valid(adapter: "TypeAdapter[_T]", value: object) -> _T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def as_requirements(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The texts as values of `other_requirements`, and those for which it has no place.

    A long text is cut between words; where there are too many, several become one.
    """
    pieces = [piece for text in texts for piece in _pieces(" ".join(text.split()))]
    pieces = list(dict.fromkeys(pieces))
    if len(pieces) > MAX_OTHER_REQUIREMENTS:
        pieces = _joined(pieces)
    return pieces[:MAX_OTHER_REQUIREMENTS], pieces[MAX_OTHER_REQUIREMENTS:]


def _pieces(text: str) -> list[str]:
    found: list[str] = []
    while len(text) > MAX_REQUIREMENT_CHARACTERS:
        cut = text.rfind(" ", 1, MAX_REQUIREMENT_CHARACTERS)
        cut = cut if cut > 0 else MAX_REQUIREMENT_CHARACTERS
        found.append(text[:cut].strip())
        text = text[cut:].strip()
    return [*found, text] if text else found


def _joined(pieces: list[str]) -> list[str]:
    joined = [pieces[0]]
    for piece in pieces[1:]:
        if len(joined[-1]) + len(piece) + 2 <= MAX_REQUIREMENT_CHARACTERS:
            joined[-1] += f"; {piece}"
        else:
            joined.append(piece)
    return joined


_HIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def visible(text: str) -> str:
    """The text without control characters, which awards cannot hold."""
    return _HIDDEN.sub(" ", text)
