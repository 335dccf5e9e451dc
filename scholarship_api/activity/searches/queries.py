"""Statements on counts of searches, and of what people do with their results."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Label,
    LargeBinary,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    desc,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute

from scholarship_api.activity.models import (
    NO_RESULTS,
    AwardEventCount,
    EventType,
    QueryClient,
    QueryCount,
    QueryEventCount,
)
from scholarship_api.activity.searches.schemas import SearchOrder
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.vocabulary import Status

MIN_CLIENTS: Final = 5
"""Different clients on one day that make a query a trend. Fewer could be one person's own words."""


# --- Recording of searches and events ------------------------------------------------------------


async def add_searches(
    session: WriteSession, searches: Sequence[tuple[dt.date, str, bytes]]
) -> None:
    """Add searches of (day, query, client), in the order given. A repeated one changes nothing."""
    given = (
        func.unnest(
            bindparam("days", [day for day, _, _ in searches], ARRAY(Date)),
            bindparam("queries", [query for _, query, _ in searches], ARRAY(Text)),
            bindparam("clients", [client for _, _, client in searches], ARRAY(LargeBinary)),
        )
        .table_valued("day", "query", "client")
        .render_derived()
    )
    new = (
        postgresql.insert(QueryClient)
        .from_select(["day", "query", "client"], select(given))
        .on_conflict_do_nothing()
        .returning(QueryClient.day, QueryClient.query)
        .cte("new")
    )
    counted = select(new.c.day, new.c.query, func.count()).group_by(new.c.day, new.c.query)
    statement = postgresql.insert(QueryCount).from_select(
        ["day", "query", "clients"], counted.order_by(new.c.day, new.c.query)
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "query"],
            set_={"clients": QueryCount.clients + statement.excluded.clients},
        )
    )


async def public_awards(session: WriteSession, ids: Collection[str]) -> set[str]:
    """Those ids that have an award that is no draft."""
    if not ids:
        return set()
    statement = select(Scholarship.id).where(
        Scholarship.id.in_(ids), Scholarship.status != Status.DRAFT.value
    )
    return set(await session.scalars(statement))


class EventMark(NamedTuple):
    """A mark that makes one client count once: for a query and a type, or for an award besides."""

    day: dt.date
    digest: bytes
    query: str
    type: str
    scholarship_id: str | None = None
    """None: it counts the client for the query, otherwise the event."""
    position: int | None = None


# The rows of both tables are written in the order of their keys, so that workers that write the
# same ones never deadlock.
_ADD_EVENTS: Final = text("""
WITH given AS (
    SELECT * FROM unnest(
        CAST(:days AS date[]), CAST(:digests AS bytea[]), CAST(:queries AS text[]),
        CAST(:types AS text[]), CAST(:scholarship_ids AS text[]), CAST(:positions AS bigint[])
    ) AS mark (day, digest, query, type, scholarship_id, position)
), new AS (
    INSERT INTO event_clients (day, digest) SELECT day, digest FROM given
    ON CONFLICT DO NOTHING RETURNING day, digest
), counted AS MATERIALIZED (
    SELECT given.* FROM given JOIN new USING (day, digest)
), of_awards AS (
    INSERT INTO award_event_counts AS old (
        day, scholarship_id, type, events, positioned, position_sum
    )
    SELECT day, scholarship_id, type, count(*), count(position), coalesce(sum(position), 0)
    FROM counted WHERE scholarship_id IS NOT NULL
    GROUP BY day, scholarship_id, type ORDER BY day, scholarship_id, type
    ON CONFLICT (day, scholarship_id, type) DO UPDATE SET
        events = old.events + excluded.events,
        positioned = old.positioned + excluded.positioned,
        position_sum = old.position_sum + excluded.position_sum
)
INSERT INTO query_event_counts AS old (
    day, query, type, clients, events, positioned, position_sum
)
SELECT day, query COLLATE "C", type, count(*) FILTER (WHERE scholarship_id IS NULL),
    count(scholarship_id), count(position), coalesce(sum(position), 0)
FROM counted WHERE query <> ''
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (day, query, type) DO UPDATE SET
    clients = old.clients + excluded.clients,
    events = old.events + excluded.events,
    positioned = old.positioned + excluded.positioned,
    position_sum = old.position_sum + excluded.position_sum
""")


async def add_events(session: WriteSession, marks: Sequence[EventMark]) -> None:
    """Count what is new, in the order given. A repeated mark changes nothing."""
    names = ("days", "digests", "queries", "types", "scholarship_ids", "positions")
    columns = zip(*marks, strict=True)
    await session.execute(_ADD_EVENTS, dict(zip(names, map(list, columns), strict=True)))


# --- Reports on searches -------------------------------------------------------------------------


def trends_statement(*, since: dt.date, limit: int) -> Select[str, int]:
    """Queries by the number of searches, then by text.

    Only queries that MIN_CLIENTS different clients searched for on one of the days.
    """
    return (
        select(QueryCount.query, func.sum(QueryCount.clients).label("searches"))
        .where(QueryCount.day >= since)
        .group_by(QueryCount.query)
        .having(func.max(QueryCount.clients) >= MIN_CLIENTS)
        .order_by(desc("searches"), QueryCount.query)
        .limit(limit)
    )


async def trends(session: ReadSession, *, since: dt.date, limit: int) -> Sequence[Row[str, int]]:
    return (await session.execute(trends_statement(since=since, limit=limit))).all()


async def total(session: ReadSession, *, since: dt.date) -> int:
    searches = select(func.coalesce(func.sum(QueryCount.clients), 0))
    return int((await session.execute(searches.where(QueryCount.day >= since))).scalar_one())


def searches_statement(
    *, order: SearchOrder, since: dt.date, until: dt.date, limit: int
) -> Select[*tuple[Any, ...]]:
    """Queries with what came of them in `order`, then by searches, then by text.

    Only queries that MIN_CLIENTS different clients searched for on one of the days.
    """
    counted = (
        select(
            QueryCount.query,
            cast(func.sum(QueryCount.clients), BigInteger).label("searches"),
            func.max(QueryCount.clients).label("clients"),
        )
        .where(QueryCount.day.between(since, until))
        .group_by(QueryCount.query)
        .having(func.max(QueryCount.clients) >= MIN_CLIENTS)
        .subquery("counted")
    )
    clicks = QueryEventCount.type == EventType.CLICK.value
    came = (
        select(
            QueryEventCount.query,
            _total(QueryEventCount.clients, QueryEventCount.type == NO_RESULTS).label("no_results"),
            _total(QueryEventCount.clients, clicks).label("clickers"),
            *_figures(QueryEventCount),
        )
        .where(QueryEventCount.day.between(since, until))
        .group_by(QueryEventCount.query)
        .subquery("came")
    )
    figures = {
        column.name: func.coalesce(column, 0).label(column.name)
        for column in came.columns
        if column.name != "query"
    }
    rate = func.least(1.0, figures["clickers"] * 1.0 / counted.c.searches)
    statement = select(counted, *figures.values(), rate.label("click_through")).select_from(
        counted.outerjoin(came, came.c.query == counted.c.query)
    )
    if order is SearchOrder.NO_RESULTS:
        statement = statement.where(figures["no_results"] > 0).order_by(desc("no_results"))
    elif order is SearchOrder.NO_CLICKS:
        found_something = counted.c.searches > figures["no_results"]
        statement = statement.where(figures["clickers"] == 0, found_something)
    else:
        statement = statement.order_by(desc("click_through"))
    return statement.order_by(counted.c.searches.desc(), counted.c.query).limit(limit)


async def searches_report(
    session: ReadSession, *, order: SearchOrder, since: dt.date, until: dt.date, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = searches_statement(order=order, since=since, until=until, limit=limit)
    return (await session.execute(statement)).all()


def found_awards_statement(
    *,
    since: dt.date,
    until: dt.date,
    limit: int,
    organizations: Collection[str] | None = None,
) -> Select[*tuple[Any, ...]]:
    """Awards by clicks, then by id, without drafts and without awards that no longer exist.

    With `organizations` only their awards.
    """
    counted = (
        select(AwardEventCount.scholarship_id, *_figures(AwardEventCount))
        .where(AwardEventCount.day.between(since, until))
        .group_by(AwardEventCount.scholarship_id)
        .subquery("counted")
    )
    # Ordered here as well, so that names are looked up only until the page is full.
    ranked = (
        select(counted)
        .order_by(counted.c.clicks.desc(), counted.c.scholarship_id)
        .subquery("ranked")
    )
    names = select(Scholarship.name, Scholarship.organization).where(
        Scholarship.id == ranked.c.scholarship_id, Scholarship.status != Status.DRAFT.value
    )
    if organizations is not None:
        names = names.where(Scholarship.organization.in_(organizations))
    award = names.limit(1).lateral("award")
    return (
        select(ranked, award)
        .join(award, true())
        .order_by(ranked.c.clicks.desc(), ranked.c.scholarship_id)
        .limit(limit)
    )


async def found_awards(
    session: ReadSession,
    *,
    since: dt.date,
    until: dt.date,
    limit: int,
    organizations: Collection[str] | None = None,
) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = found_awards_statement(
        since=since, until=until, limit=limit, organizations=organizations
    )
    return (await session.execute(statement)).all()


async def organizations(
    session: ReadSession, name: str, *, since: dt.date, until: dt.date
) -> Sequence[str]:
    """Organizations whose awards have events, in all spellings that fold to `name`.

    Folding also removes accents, so that the result can hold other organizations too.
    """
    seen = (
        select(AwardEventCount.scholarship_id)
        .where(AwardEventCount.day.between(since, until))
        .distinct()
    )
    statement = select(Scholarship.organization).where(
        Scholarship.id.in_(seen), Scholarship.organization_folded == func.public.fold_text(name)
    )
    return (await session.scalars(statement.distinct())).all()


def _figures(table: type[QueryEventCount | AwardEventCount]) -> list[Label[int]]:
    """The totals that both reports have: clicks, views, applies, and the positions of clicks."""
    is_click = table.type == EventType.CLICK.value
    return [
        _total(table.events, is_click).label("clicks"),
        _total(table.events, table.type == EventType.VIEW.value).label("views"),
        _total(table.events, table.type == EventType.APPLY.value).label("applies"),
        _total(table.positioned, is_click).label("positioned"),
        _total(table.position_sum, is_click).label("position_sum"),
    ]


def _total(column: InstrumentedAttribute[int], among: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column).filter(among), 0), BigInteger)
