"""Ids of new awards."""

import secrets
import time
import uuid
from typing import Final

_NANOSECONDS: Final = 1_000_000


def new_id() -> str:
    """A UUIDv7 by RFC 9562, 5.7; ids of one process are in the order of their making.

    48 bits of milliseconds, 12 of their fraction (6.2, method 3), 62 of chance.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS)
    value = milliseconds << 80
    value |= 7 << 76
    value |= (nanoseconds * 4096 // _NANOSECONDS) << 64
    value |= 2 << 62
    value |= secrets.randbits(62)
    return str(uuid.UUID(int=value))
