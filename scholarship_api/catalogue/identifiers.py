"""Ids of new awards: those that the service makes, and those that partners may choose."""

import hashlib
import re
import secrets
import time
import uuid
from typing import Final

_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7). The ids of one process sort in the order in which they are made.

    It has 48 bits of milliseconds, 12 bits of their fraction (6.2, method 3) and 62 random bits.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS_PER_MILLISECOND)
    value = milliseconds << 80
    value |= 7 << 76
    value |= (nanoseconds * 4096 // _NANOSECONDS_PER_MILLISECOND) << 64
    value |= 2 << 62
    value |= secrets.randbits(62)
    return str(uuid.UUID(int=value))


MAX_SLUG_LENGTH: Final = 40
"""Characters of an organization's name in its prefix; an id has 128 in all."""


def own_id_prefix(folded_organization: str) -> str:
    """The prefix of the ids that partners of an organization may choose for its awards.

    If partners could choose any id, a conflict would tell them which ids the drafts of others have.
    The digest makes the prefix unique: two names may have the same letters and digits.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", folded_organization).strip("-")[:MAX_SLUG_LENGTH]
    digest = hashlib.blake2b(folded_organization.encode(), digest_size=4).hexdigest()
    return f"{slug}-{digest}." if slug else f"{digest}."
