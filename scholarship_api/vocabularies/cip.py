"""Fields of study by the Classification of Instructional Programs (CIP), edition of 2020.

A code is a family (`51`), a series (`51.38`) or a program (`51.3801`): each is part of the one
before. Every well-formed code of a family is accepted; the listed ones have labels.
"""

import re
from typing import Final

PATTERN: Final = (
    r"(?:0[13459]|1[0-69]|2[2-9]|3[0-9]|4[0-9]|5[0-4]|6[01])(?:\.[0-9]{2}(?:[0-9]{2})?)?"
)
"""Two, four or six digits of one of the 48 families that are in use."""

_MOVED_SERIES: Final = {"19.00": "19.10", "51.24": "01.80", "51.25": "01.81", "60.06": "61.22"}
"""Series of earlier editions, and where the edition of 2020 has their programs."""

_DIGITS: Final = re.compile(r"([0-9]{2})\.?([0-9]{2})?([0-9]{2})?")
_SERIES_LENGTH: Final = len("51.38")


def normalise(text: str) -> str:
    """Return `5138` and `51.38` as `51.38`.

    A program of a series that has moved becomes the series: its own digits may have changed, so the
    series is the narrowest code that is certain.
    """
    found = _DIGITS.fullmatch(text.strip())
    if not found:
        return text.strip()
    family, series, program = found.groups()
    code = family if series is None else f"{family}.{series}{program or ''}"
    return _MOVED_SERIES.get(code[:_SERIES_LENGTH], code)


def broader(code: str) -> tuple[str, ...]:
    """`51.3801` is also `51.38`, which is also `51`."""
    if len(code) > _SERIES_LENGTH:
        return (code[:_SERIES_LENGTH],)
    family, dot, _ = code.partition(".")
    return (family,) if dot else ()
