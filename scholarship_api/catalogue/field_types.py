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
_LOCAL_PART: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
"""A dot-atom of RFC 5322, 3.4.1, with letters of any script (RFC 6532)."""

_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])")
_MAX_LOCAL_PART: Final = 64
_MAX_EMAIL: Final = 254
"""Characters of an address that mail can be sent to (RFC 5321, 4.5.3.1)."""

_ADDRESS: Final = r"^https?://[^\s<>\"\x00-\x1f\x7f]+$"
_ADDRESS_PATTERN: Final = re.compile(_ADDRESS.replace("$", r"\Z"))
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
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
    local, _, domain = value.rpartition("@")
    if (
        len(value) > _MAX_EMAIL
        or len(local) > _MAX_LOCAL_PART
        or not _LOCAL_PART.fullmatch(local)
        or not _DOMAIN.fullmatch(domain)
    ):
        raise ValueError("must be an e-mail address such as aid@example.org")
    return value


def _address(value: str) -> str:
    """The scheme of an address has no case."""
    if _ADDRESS_PATTERN.match(value):
        return require_plain_authority(require_visible_characters(value))
    found = _SCHEME.match(value)
    lowered = found[0].lower() + value[found.end() :] if found else ""
    if not _ADDRESS_PATTERN.match(lowered):
        raise ValueError("must be an http or https address such as https://example.org/apply")
    return require_plain_authority(require_visible_characters(lowered))


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
    StringConstraints(strip_whitespace=True, max_length=2048),
    Field(json_schema_extra={"pattern": _ADDRESS}),
    AfterValidator(_address),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_email),
    AfterValidator(require_visible_characters),
]
ScholarshipId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,128}$"),
    AfterValidator(_can_be_in_a_path),
]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Currency = Annotated[str, AfterValidator(_currency)]
DateOrInstant = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]
