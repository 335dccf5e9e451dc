"""The filters of a search, as the awards of the read model that they keep.

Most filters are rows of the model's table, which names the field of SearchRequest. Those of
amounts and deadlines are ranges.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.schemas import SearchRequest, as_instant

_EPOCH: Final = dt.date(1970, 1, 1)
_FIRST_DAY: Final = (dt.date.min - _EPOCH).days
_LAST_DAY: Final = (dt.date.max - _EPOCH).days


def kept_awards(model: ReadModel, request: SearchRequest, *, now: dt.datetime) -> BitMap:
    """The awards that all filters of the request keep; `q` is none of them."""
    kept = BitMap(model.all() if request.include_closed else model.open(now))
    if by_table := _table_filters(model, request):
        kept &= model.keep(by_table)
    if request.min_amount is not None or request.max_amount is not None:
        low, high = _hundredths(request.min_amount), _hundredths(request.max_amount)
        kept &= model.amounts_between(low, high)
    for after, before in ((request.deadline_after, None), (None, request.deadline_before)):
        if after is not None or before is not None:
            kept &= _closing_between(model, after, before)
    return kept


def is_filtered(request: SearchRequest) -> bool:
    """Whether the request has a filter beside `q` and `include_closed`."""
    return bool(request.applied_filters().keys() - {"q", "include_closed"})


def _table_filters(model: ReadModel, request: SearchRequest) -> dict[str, Any]:
    names = {criterion.filter for criterion in model.criteria}
    names |= {attribute.filter for attribute in model.attributes}
    given = {name: getattr(request, name) for name in names if name is not None}
    return {name: value for name, value in given.items() if value is not None and value != []}


def _hundredths(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)


def _closing_between(
    model: ReadModel, after: dt.date | dt.datetime | None, before: dt.date | dt.datetime | None
) -> BitMap:
    """A date is a whole day in each award's own time zone."""
    if isinstance(after, dt.datetime) or isinstance(before, dt.datetime):
        return model.closing_between(
            as_instant(after) if isinstance(after, dt.datetime) else None,
            as_instant(before) if isinstance(before, dt.datetime) else None,
        )
    return model.closing_days_between(
        _FIRST_DAY if after is None else (after - _EPOCH).days,
        _LAST_DAY if before is None else (before - _EPOCH).days,
    )
