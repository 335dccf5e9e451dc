"""Instants in requests."""

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(instant: dt.datetime) -> dt.datetime:
    # PostgreSQL stores 9999-12-31T23:59:59-01:00 as an instant of the year 10000, which Python
    # cannot read.
    try:
        return instant.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant with its offset, in UTC."""
