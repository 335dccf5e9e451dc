"""Everything besides its text that the reading of a cell depends on."""

import datetime as dt
from typing import NamedTuple

from scholarship_api.exchange.values.dates import DateOrder


class ReadingSettings(NamedTuple):
    today: dt.date
    """The day from which dates without a year count."""
    date_order: DateOrder | None = None
    """The order of dates such as 3/4/2027; None when it is not known."""
