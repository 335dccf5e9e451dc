"""Types for the fields of awards: text, addresses, times, identifiers."""

import datetime as dt
import functools
import re
import zoneinfo
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from scholarship_api.catalogue.currencies import CURRENCIES
from scholarship_api.visible_text import (
    require_a_visible_character,
    require_plain_authority,
    require_visible_characters,
)
from scholarship_api.vocabulary import parse_date_or_instant

_TIMEZONES: Final = frozenset(
    name
    for name in zoneinfo.available_timezones()
    if name not in ("Factory", "localtime") and not name.startswith(("posix/", "right/"))
)
# ZoneInfo's own cache holds eight zones; it would read the others from disk again and again.
zone_of: Final = functools.cache(zoneinfo.ZoneInfo)

_OTHER_SPACE: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""All of Unicode's category Zs but the plain space."""
_EMAIL: Final = re.compile(
    r"[^@\s<>\"\x00-\x1f\x7f]{1,64}@[^@\s<>\"\x00-\x1f\x7f]{1,253}\.[^@\s<>\".\x00-\x1f\x7f]{2,63}"
)
_RESERVED_IDS: Final = frozenset({".", "..", "export", "smart-search"})


def _with_plain_spaces(value: str) -> str:
    """PostgreSQL's parser takes a no-break space as part of a word, which no search then finds."""
    return value if value.isascii() else _OTHER_SPACE.sub(" ", value)


def _timezone(value: str) -> str:
    if value not in _TIMEZONES:
        raise ValueError("must be an IANA time zone such as America/New_York")
    return value


def _currency(value: str) -> str:
    code = value.strip().upper()
    if code not in CURRENCIES:
        raise ValueError("must be an ISO 4217 currency code such as USD")
    return code


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


def _can_be_in_a_path(value: str) -> str:
    """With such an id, /scholarships/{id} would be the path of something else."""
    if value in _RESERVED_IDS:
        raise ValueError(f"must be none of {', '.join(sorted(_RESERVED_IDS))}")
    return value


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
    AfterValidator(require_a_visible_character),
]
ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
    AfterValidator(require_a_visible_character),
]
"""A sentence or two."""
Paragraph = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
    AfterValidator(require_a_visible_character),
]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=20_000),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
]
Age = Annotated[int, Field(ge=0, le=130)]
Url = Annotated[
    str,
    # Not {1,2040}: the pattern would compile to 2040 copies of its class, which take 9 MB.
    StringConstraints(
        strip_whitespace=True, max_length=2048, pattern=r"^https?://[^\s<>\"\x00-\x1f\x7f]+$"
    ),
    AfterValidator(require_visible_characters),
    AfterValidator(require_plain_authority),
]
Email = Annotated[str, AfterValidator(_email), AfterValidator(require_visible_characters)]
ScholarshipId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,128}$"),
    AfterValidator(_can_be_in_a_path),
]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Currency = Annotated[str, AfterValidator(_currency)]
DateOrInstant = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]
