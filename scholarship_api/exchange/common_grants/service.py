"""Lists, reads and searches published awards as opportunities."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from scholarship_api.catalogue.service import to_response
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.errors import NotFound
from scholarship_api.exchange.common_grants import queries, schemas
from scholarship_api.exchange.common_grants.opportunities import to_opportunity
from scholarship_api.exchange.common_grants.queries import Condition, Window
from scholarship_api.search import service as search
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.snapshot import Snapshot

SUCCESS: Final = "Success"
MAX_CANDIDATES: Final = 20_000
"""Awards that words and custom filters may leave, for further filters and an order that PostgreSQL
knows: their ids are sent to it, about 0.7 MB. Of more, those that close soonest are taken."""

_EQUALS: Final = frozenset({"eq", "in"})


# --- Reading -------------------------------------------------------------------------------------


async def listing(snapshot: Snapshot, page: schemas.OpportunityPage) -> schemas.OpportunityList:
    """The published awards, those that changed last first."""
    window = _window(schemas.OpportunitySorting(), page)
    awards = await queries.page(snapshot.fetch, window, [], now=snapshot.now)
    model = await snapshot.model()
    return schemas.OpportunityList(
        status=200,
        message=SUCCESS,
        items=_opportunities(awards, snapshot.now),
        pagination_info=_page_information(page, len(model.all())),
    )


async def read(snapshot: Snapshot, opportunity_id: str) -> schemas.OpportunityAnswer:
    """Raises NotFound, also for an id that is no UUID."""
    try:
        wanted = uuid.UUID(opportunity_id)
    except ValueError:
        raise _not_found() from None
    award = await queries.by_opportunity_id(snapshot.fetch, wanted)
    if award is None:
        raise _not_found()
    [opportunity] = _opportunities([award], snapshot.now)
    return schemas.OpportunityAnswer(status=200, message=SUCCESS, data=opportunity)


def _not_found() -> NotFound:
    return NotFound("There is no opportunity with this id.")


def _opportunities(awards: list[StoredAward], now: dt.datetime) -> list[schemas.Opportunity]:
    return [to_opportunity(to_response(award, now=now)) for award in awards]


def _window(sorting: schemas.OpportunitySorting, page: schemas.OpportunityPage) -> Window:
    return Window(
        sort_by=sorting.sort_by if sorting.sort_by in queries.SORT_KEYS else "lastModifiedAt",
        descending=sorting.sort_order == "desc",
        limit=page.page_size,
        offset=(page.page - 1) * page.page_size,
    )


def _page_information(page: schemas.OpportunityPage, total: int) -> schemas.PageInformation:
    return schemas.PageInformation(
        page=page.page,
        page_size=page.page_size,
        total_items=total,
        total_pages=-(-total // page.page_size),
    )


# --- Searching -----------------------------------------------------------------------------------


async def find(
    snapshot: Snapshot, request: schemas.OpportunitySearch, *, codec: CursorCodec
) -> schemas.OpportunitySearchAnswer:
    filters = _Filters()
    filters.read(request.filters)
    conditions = filters.conditions
    text = (request.search or "").strip()
    if text or filters.search:
        conditions.append(await _candidates(snapshot, text, filters, codec))
    total = await queries.count(snapshot.fetch, conditions, now=snapshot.now)
    window = _window(request.sorting, request.pagination)
    awards = await queries.page(snapshot.fetch, window, conditions, now=snapshot.now)
    return schemas.OpportunitySearchAnswer(
        status=200,
        message=SUCCESS,
        items=_opportunities(awards, snapshot.now),
        pagination_info=_page_information(request.pagination, total),
        sort_info=_sort_information(request.sorting),
        filter_info=schemas.FilterInformation(
            filters=request.filters.model_dump(mode="json", by_alias=True, exclude_unset=True),
            errors=filters.errors,
        ),
    )


async def _candidates(
    snapshot: Snapshot, text: str, filters: "_Filters", codec: CursorCodec
) -> Condition:
    """The awards that the ordinary search finds for the words and the custom filters."""
    request = SearchBody.model_validate(
        {"q": text, "include_closed": True, "interpret": False, "limit": 1} | filters.search
    )
    found = await search.find_ids(snapshot, request, codec=codec, limit=MAX_CANDIDATES)
    if not found.is_complete:
        filters.errors.append(
            f"The search finds too many opportunities: {len(found.ids)} of them are considered."
        )
    return queries.has_id(found.ids)


def _sort_information(sorting: schemas.OpportunitySorting) -> schemas.SortInformation:
    is_known = sorting.sort_by in queries.SORT_KEYS
    unknown = sorting.custom_sort_by or sorting.sort_by
    return schemas.SortInformation(
        sort_by=sorting.sort_by,
        sort_order=sorting.sort_order,
        custom_sort_by=sorting.custom_sort_by,
        errors=[] if is_known else [f"Unsupported sort key: {unknown}"],
    )


@dataclass(slots=True)
class _Filters:
    """The filters of a request: as conditions of a statement, or as filters of the search."""

    conditions: list[Condition] = field(default_factory=list)
    search: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def read(self, filters: schemas.OpportunityFilters) -> None:
        if filters.status is not None:
            excluded = filters.status.operator == "notIn"
            self.conditions.append(queries.status_is(filters.status.value, excluded=excluded))
        if (dates := filters.close_date_range) is not None:
            self.conditions.append(
                queries.closes_between(
                    dates.value.min, dates.value.max, outside=dates.operator == "outside"
                )
            )
        for column, amounts in (
            ("min", filters.min_award_amount_range),
            ("max", filters.max_award_amount_range),
        ):
            if amounts is not None:
                self._read_amounts(column, amounts)
        if filters.total_funding_available_range is not None:
            self.conditions.append(queries.NOTHING)  # no award says its total
        for name in filters.model_extra or {}:
            self.errors.append(f"Unsupported filter: {name[:100]}")
        for name, custom in (filters.custom_filters or {}).items():
            self._read_custom(name, custom)

    def _read_amounts(self, column: str, amounts: schemas.MoneyRangeFilter) -> None:
        low, high = amounts.value.min, amounts.value.max
        if low.currency != high.currency:
            self.conditions.append(queries.NOTHING)
            self.errors.append(f"{column}AwardAmountRange has bounds of different currencies.")
            return
        self.conditions.append(
            queries.amount_between(
                column,
                low.amount,
                high.amount,
                low.currency,
                outside=amounts.operator == "outside",
            )
        )

    def _read_custom(self, name: str, custom: schemas.CustomFilter) -> None:
        known = _CUSTOM_FILTERS.get(name)
        if known is None:
            self.errors.append(f"Unsupported filter: {name[:100]}")
            return
        if custom.operator not in _EQUALS:
            self.errors.append(f"Unsupported operator of {name}: {custom.operator}")
            return
        if name == "financialNeed":
            self._read_need(custom.value)
            return
        value = known(custom.value)
        try:
            SearchBody.model_validate(value)
        except (ValidationError, ValueError):
            self.errors.append(f"Unsupported value of {name}")
            return
        self.search |= value

    def _read_need(self, value: Any) -> None:  # noqa: ANN401 - as it was sent
        [wanted] = value if isinstance(value, list) and len(value) == 1 else [value]
        if isinstance(wanted, bool):
            self.conditions.append(queries.needs_money(wanted=wanted))
        else:
            self.errors.append("Unsupported value of financialNeed")


def _values(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: value if isinstance(value, list) else [value]}


def _single(name: str) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:  # noqa: ANN401 - as it was sent
        return {name: value[0] if isinstance(value, list) and len(value) == 1 else value}

    return read


_CUSTOM_FILTERS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "residencyState": _values("states"),
    "citizenship": _single("citizenship"),
    "gradeLevel": _single("grade_level"),
    "fieldOfStudy": _values("fields_of_study"),
    "cipCode": _values("cip_codes"),
    "gender": _values("genders"),
    "heritage": _values("heritages"),
    "minGpa": _single("min_gpa"),
    "financialNeed": _single("financial_need"),
    "tag": _values("scholarship_types"),
}
"""The filters of the search that custom filters stand for."""
PRIVATE_FILTERS: Final = frozenset({"gender", "heritage"})
"""Custom filters that say something about a person, so that no cache may hold the answer."""
