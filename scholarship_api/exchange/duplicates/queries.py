"""Statements on likely duplicates."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import aliased

from scholarship_api.catalogue.models import Scholarship, ScholarshipMerge
from scholarship_api.exchange.duplicates.models import Duplicate
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.vocabulary import Status

_SITE: Final = (
    "lower(substring(coalesce(website_url, source_url, application_url)"
    " FROM '^https?://(?:www[.])?([^/:?#]+)'))"
)
"""The host that an award links to, without `www.`."""

_OF_SITES: Final = f"""
    WITH sites AS (
        SELECT {_SITE} AS site FROM scholarships WHERE status <> 'archived'
        GROUP BY 1
        HAVING bool_or(updated_at >= %(since)s) AND bool_or(updated_at < %(since)s)
        AND count(*) <= %(most)s
    )
    SELECT sites.site, s.id, s.name, s.updated_at >= %(since)s AS is_fresh
    FROM (
        SELECT id, name, updated_at, {_SITE} AS site FROM scholarships WHERE status <> 'archived'
    ) AS s JOIN sites USING (site)
    ORDER BY sites.site, s.id
"""  # noqa: S608 - composed of literals
_ADD: Final = """
    INSERT INTO duplicates (first_id, second_id, site, score) VALUES (%s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
BATCH_ROWS: Final = 1_000
"""Awards that are read at once."""


class SiteAward(NamedTuple):
    site: str
    id: str
    name: str
    is_fresh: bool
    """Whether it was written since the given instant."""


async def clock(connection: psycopg.AsyncConnection[Any]) -> dt.datetime:
    """The time of the database, by which awards say when they were written."""
    cursor = await connection.execute("SELECT clock_timestamp()")
    [[now]] = await cursor.fetchall()
    found: dt.datetime = now
    return found


async def of_fresh_sites(
    connection: psycopg.AsyncConnection[Any], *, since: dt.datetime, most: int
) -> AsyncIterator[SiteAward]:
    """All awards of the sites that have both awards written since then and older ones, site by
    site. A site has at most `most` of them."""
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        async with connection.cursor(name="awards_of_sites") as cursor:
            await cursor.execute(_OF_SITES, {"since": since, "most": most})
            while rows := await cursor.fetchmany(BATCH_ROWS):
                for row in rows:
                    yield SiteAward(*row)


async def add(
    connection: psycopg.AsyncConnection[Any], pairs: Sequence[tuple[str, str, str, int]]
) -> None:
    """Pairs that are known stay as they are, dismissed ones too."""
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_ADD, pairs)


_FIRST: Final = aliased(Scholarship)
_SECOND: Final = aliased(Scholarship)


async def page(
    session: ReadSession, *, organization: str | None, limit: int, offset: int
) -> tuple[list[tuple[Duplicate, Scholarship, Scholarship]], int]:
    """Pairs that nobody has decided about, the most similar first, and how many there are.

    With an `organization`, in the form in which names are compared: only its own awards.
    """
    conditions = [
        Duplicate.dismissed_at.is_(None),
        _FIRST.status != Status.ARCHIVED.value,
        _SECOND.status != Status.ARCHIVED.value,
    ]
    if organization is not None:
        conditions += [
            func.lower(func.btrim(each.organization)) == organization for each in (_FIRST, _SECOND)
        ]
    pairs = (
        select(Duplicate, _FIRST, _SECOND)
        .join(_FIRST, _FIRST.id == Duplicate.first_id)
        .join(_SECOND, _SECOND.id == Duplicate.second_id)
        .where(*conditions)
    )
    total = await session.scalar(select(func.count()).select_from(pairs.subquery()))
    rows = await session.execute(
        pairs.order_by(Duplicate.score.desc(), Duplicate.id).limit(limit).offset(offset)
    )
    return [(row[0], row[1], row[2]) for row in rows], total or 0


async def find(session: WriteSession, duplicate_id: int) -> Duplicate | None:
    return await session.get(Duplicate, duplicate_id)


async def dismiss(session: WriteSession, duplicate_id: int) -> None:
    await session.execute(
        update(Duplicate)
        .where(Duplicate.id == duplicate_id, Duplicate.dismissed_at.is_(None))
        .values(dismissed_at=func.now())
    )


# --- What belongs to a merged award --------------------------------------------------------------

# A row stays where it is when the other award has the same one already: nothing is counted twice,
# and nothing is removed.
_MOVE_INTERACTIONS: Final = text("""
    WITH moved AS (
        UPDATE interactions AS i SET scholarship_id = :into_id
        WHERE i.scholarship_id = :merged_id AND NOT EXISTS (
            SELECT FROM interactions AS o
            WHERE o.scholarship_id = :into_id AND o.account_id = i.account_id AND o.type = i.type
            AND (i.type <> 'viewed' OR (o.occurred_at AT TIME ZONE 'UTC')::date
                = (i.occurred_at AT TIME ZONE 'UTC')::date)
        )
        RETURNING i.id
    )
    INSERT INTO scholarship_merge_rows (merge_id, kind, row_id)
    SELECT :merge_id, 'interaction', id::text FROM moved
""")
_MOVE_APPLICATIONS: Final = text("""
    WITH moved AS (
        UPDATE applications AS a SET scholarship_id = :into_id
        WHERE a.scholarship_id = :merged_id AND NOT EXISTS (
            SELECT FROM applications AS o
            WHERE o.scholarship_id = :into_id AND o.subject_id = a.subject_id
            AND COALESCE(o.round_key, '') = COALESCE(a.round_key, '')
        )
        RETURNING a.id
    )
    INSERT INTO scholarship_merge_rows (merge_id, kind, row_id)
    SELECT :merge_id, 'application', id::text FROM moved
""")
_RETURN_INTERACTIONS: Final = text("""
    UPDATE interactions AS i SET scholarship_id = :merged_id
    FROM scholarship_merge_rows AS r
    WHERE r.merge_id = :merge_id AND r.kind = 'interaction' AND i.id = r.row_id::bigint
    AND i.scholarship_id = :into_id AND NOT EXISTS (
        SELECT FROM interactions AS o
        WHERE o.scholarship_id = :merged_id AND o.account_id = i.account_id AND o.type = i.type
        AND (i.type <> 'viewed' OR (o.occurred_at AT TIME ZONE 'UTC')::date
            = (i.occurred_at AT TIME ZONE 'UTC')::date)
    )
""")
_RETURN_APPLICATIONS: Final = text("""
    UPDATE applications AS a SET scholarship_id = :merged_id
    FROM scholarship_merge_rows AS r
    WHERE r.merge_id = :merge_id AND r.kind = 'application' AND a.id = r.row_id::uuid
    AND a.scholarship_id = :into_id AND NOT EXISTS (
        SELECT FROM applications AS o
        WHERE o.scholarship_id = :merged_id AND o.subject_id = a.subject_id
        AND COALESCE(o.round_key, '') = COALESCE(a.round_key, '')
    )
""")


async def move_rows(session: WriteSession, merge: ScholarshipMerge) -> None:
    """Move interactions and rows of the tracker to the other award."""
    for statement in (_MOVE_INTERACTIONS, _MOVE_APPLICATIONS):
        await session.execute(statement, _parameters(merge))


async def return_rows(session: WriteSession, merge: ScholarshipMerge) -> None:
    for statement in (_RETURN_INTERACTIONS, _RETURN_APPLICATIONS):
        await session.execute(statement, _parameters(merge))


def _parameters(merge: ScholarshipMerge) -> dict[str, object]:
    return {"merge_id": merge.id, "merged_id": merge.merged_id, "into_id": merge.into_id}
