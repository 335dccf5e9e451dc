"""Makes the ids of new awards."""

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
