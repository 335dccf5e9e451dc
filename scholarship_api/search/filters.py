"""The filters of a search, as the awards of the read model that they keep.

Most filters are rows of the model's table, which names the field of SearchRequest. Those of
amounts and instants are ranges. A profile is a filter, too.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.search.filter_schemas import as_instant
from scholarship_api.search.schemas import SearchRequest

_EPOCH: Final = dt.date(1970, 1, 1)
_FIRST_DAY: Final = (dt.date.min - _EPOCH).days
_LAST_DAY: Final = (dt.date.max - _EPOCH).days


@dataclass(frozen=True, slots=True)
class Kept:
    """The awards that the filters of a request leave."""

    awards: BitMap
    ineligible: BitMap | None = None
    """With a profile: the awards that are left out because it is ineligible."""
    unknown_amounts: BitMap | None = None
    """With a bound of the amount: those that are left out because theirs is not known."""
    matches: Matches | None = None

    def among(self, awards: BitMap) -> "Kept":
        """The same of some awards only."""
        return Kept(
            self.awards & awards,
            None if self.ineligible is None else self.ineligible & awards,
            None if self.unknown_amounts is None else self.unknown_amounts & awards,
            self.matches,
        )

    @property
    def with_hidden(self) -> BitMap:
        """The awards, and those that are counted as left out."""
        hidden = [each for each in (self.ineligible, self.unknown_amounts) if each]
        return self.awards.union(self.awards, *hidden) if hidden else self.awards


def keep(
    model: ReadModel,
    request: SearchRequest,
    *,
    now: dt.datetime,
    within: BitMap | None = None,
) -> Kept:
    """The awards, of `within` if given, that all filters of the request keep; `q` is none."""
    kept = BitMap(model.all() if request.include_closed else model.open(now))
    if within is not None:
        kept &= within
    if by_table := _table_filters(model, request):
        kept &= model.keep(by_table)
    for after, before in ((request.deadline_after, None), (None, request.deadline_before)):
        if after is not None or before is not None:
            kept &= _closing_between(model, after, before)
    if request.opens_before is not None:
        kept -= model.opening_after(_end_of(request.opens_before))
    unknown_amounts = None
    if request.min_amount is not None or request.max_amount is not None:
        kept, unknown_amounts = _by_amount(model, request, kept)
    return _by_profile(model, request, kept, unknown_amounts, now=now)


def _by_profile(
    model: ReadModel,
    request: SearchRequest,
    kept: BitMap,
    unknown_amounts: BitMap | None,
    *,
    now: dt.datetime,
) -> Kept:
    if request.student is None:
        return Kept(kept, unknown_amounts=unknown_amounts)
    within = kept if unknown_amounts is None else kept | unknown_amounts
    matches = model.match(request.student.answers(), within=within, now=now)
    verdicts = request.verdicts_kept
    suitable = matches.of_verdicts(verdicts)
    ineligible = BitMap()
    if Verdict.INELIGIBLE not in verdicts:
        ineligible = kept & matches.by_verdict[Verdict.INELIGIBLE]
    return Kept(
        kept & suitable,
        ineligible,
        None if unknown_amounts is None else unknown_amounts & suitable,
        matches,
    )


def kept_awards(model: ReadModel, request: SearchRequest, *, now: dt.datetime) -> BitMap:
    return keep(model, request, now=now).awards


def is_filtered(request: SearchRequest) -> bool:
    """Whether the request has a filter beside `q` and `include_closed`."""
    if request.student is not None:
        return True
    return bool(request.applied_filters().keys() - {"q", "include_closed"})


def _table_filters(model: ReadModel, request: SearchRequest) -> dict[str, Any]:
    fields = type(request).model_fields
    given = {name: getattr(request, name) for name in model.filters if name in fields}
    if not request.no_fee:
        given.pop("no_fee", None)
    return {
        name: _plain(value) for name, value in given.items() if value is not None and value != []
    }


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.model_dump() if isinstance(value, BaseModel) else value


def _hundredths(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)


def _by_amount(model: ReadModel, request: SearchRequest, kept: BitMap) -> tuple[BitMap, BitMap]:
    """The awards within the bounds, and those that are left out for want of a figure."""
    low, high = _hundredths(request.min_amount), _hundredths(request.max_amount)
    suitable = model.amounts_between(low, high)
    if high is None:
        suitable = suitable | model.covering_all()
    unknown = (kept - suitable) & model.without_amount()
    if request.include_unknown_amounts:
        return (kept & suitable) | unknown, BitMap()
    return kept & suitable, unknown


def _end_of(moment: dt.date | dt.datetime) -> dt.datetime:
    if isinstance(moment, dt.datetime):
        return as_instant(moment)
    return dt.datetime.combine(moment, dt.time.max, dt.UTC)


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
