"""Awards as they were before recent changes, which the audit of the catalogue holds.

A change is named by its id in `scholarship_changes`. The state of an award before a change is its
present row with every field that this change or a later one has changed put back.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from scholarship_api.catalogue.models import INDEXED_COLUMNS
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.records import RECORD, parse
from scholarship_api.platform.database.libpq import Fetch, Row

MAX_CHANGED: Final = 50_000
"""Awards that have changed since an instant, and are looked at."""

_FIRST_CHANGES: Final = f"""
SELECT scholarship_id, min(id)::text,
    ((array_agg(action ORDER BY id))[1] = 'created')::text
FROM scholarship_changes WHERE changed_at > %(since)s::timestamptz
GROUP BY scholarship_id LIMIT {MAX_CHANGED + 1}
"""  # noqa: S608 - a literal

_CREATIONS: Final = """
SELECT scholarship_id FROM scholarship_changes
WHERE id = ANY (%(changes)s::bigint[]) AND action = 'created'
"""

# A field that was changed several times had the value that its first change has replaced.
_BEFORE: Final = """
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::text[], %(changes)s::bigint[]) AS asked (id, first_change)
), undone AS (
    SELECT asked.id, coalesce(jsonb_object_agg(field.key, field.value)
        FILTER (WHERE field.key IS NOT NULL), '{}') AS state
    FROM asked LEFT JOIN LATERAL (
        SELECT DISTINCT ON (field.key) field.key, field.value
        FROM scholarship_changes AS change, jsonb_each(change.before) AS field
        WHERE change.scholarship_id = asked.id AND change.id >= asked.first_change
        ORDER BY field.key, change.id
    ) AS field ON true
    GROUP BY asked.id
), s AS (
    SELECT past.*, present.xmin,
        coalesce(past.amount_max, past.amount_min) AS amount_then,
        (past.application_deadline AT TIME ZONE past.deadline_timezone)::date AS day_then
    FROM undone
    JOIN scholarships AS present USING (id)
    CROSS JOIN LATERAL jsonb_populate_record(present, undone.state) AS past
    WHERE past.status = 'published'
)
"""
# The generated columns of `past` are those of the present row.
_RECORD: Final = RECORD.replace("s.amount ", "s.amount_then ").replace(
    "s.deadline_date ", "s.day_then "
)
_RECORDS: Final = f"{_BEFORE} SELECT {_RECORD}::text FROM s"  # noqa: S608 - of literals
_WORDS: Final = ", ".join(f"s.{column}" for column in INDEXED_COLUMNS)
_WITH_WORDS: Final = f"""{_BEFORE}
SELECT s.id FROM s
WHERE public.scholarship_search_vector({_WORDS}) @@ %(match)s::tsquery
"""  # noqa: S608 - of literals


_PRESENT: Final = f"""
SELECT {RECORD}::text FROM scholarships AS s
WHERE s.id = ANY (%(ids)s::text[]) AND s.status = 'published'
"""  # noqa: S608 - a literal

_PAIRS: Final = """
queries AS MATERIALIZED (
    SELECT number, match::tsquery FROM unnest(%(matches)s::text[]) WITH ORDINALITY
        AS given (match, number)
), pairs AS MATERIALIZED (
    SELECT * FROM unnest(%(numbers)s::int[], %(pair_ids)s::text[]) AS pairs (number, id)
)
"""
# Concatenated with nothing, a vector is read once, not once for each of its pairs.
_PAIRS_NOW: Final = f"""
WITH {_PAIRS}, vectors AS MATERIALIZED (
    SELECT s.id, s.search_vector || ''::tsvector AS words FROM scholarships AS s
    WHERE s.id = ANY (ARRAY(SELECT DISTINCT id FROM pairs)) AND s.status = 'published'
)
SELECT pairs.number::text, pairs.id
FROM pairs JOIN queries USING (number) JOIN vectors USING (id)
WHERE (vectors.words @@ queries.match) IS TRUE
"""  # noqa: S608 - of literals
_PAIRS_BEFORE: Final = f"""{_BEFORE}, vectors AS MATERIALIZED (
    SELECT s.id, public.scholarship_search_vector({_WORDS}) AS words FROM s
), {_PAIRS}
SELECT pairs.number::text, pairs.id
FROM pairs JOIN queries USING (number) JOIN vectors USING (id)
WHERE vectors.words @@ queries.match
"""  # noqa: S608 - of literals


class Changed(NamedTuple):
    """The awards that have changed."""

    first_changes: Mapping[str, int]
    """The first change of each award, by its id."""
    created: Collection[str]
    """The awards that did not exist before."""


async def changed_since(fetch: Fetch, since: dt.datetime) -> Changed | None:
    """The awards that have changed after an instant; None if they are more than MAX_CHANGED."""
    rows = await fetch(_FIRST_CHANGES, {"since": since.isoformat()})
    if len(rows) > MAX_CHANGED:
        return None
    first_changes = {}
    created = set()
    for award_id, change, is_created in rows:
        assert award_id is not None  # noqa: S101 - the column is NOT NULL
        assert change is not None  # noqa: S101
        first_changes[award_id.decode()] = int(change)
        if is_created == b"true":
            created.add(award_id.decode())
    return Changed(first_changes, created)


async def changed_by(fetch: Fetch, first_changes: Mapping[str, int]) -> Changed:
    """The awards of these changes, each the first one that counts."""
    rows = await fetch(_CREATIONS, {"changes": list(first_changes.values())})
    created = {award_id.decode() for (award_id,) in rows if award_id is not None}
    return Changed(first_changes, created & first_changes.keys())


async def model_before(
    fetch: Fetch, changes: Mapping[str, int], *, unchecked: Collection[str]
) -> ReadModel:
    """A read model of the awards of these changes as they were before; of published ones only."""
    rows = await fetch(_RECORDS, _parameters(changes)) if changes else []
    return _model_of(rows, unchecked)


async def present_model(
    fetch: Fetch, award_ids: Collection[str], *, unchecked: Collection[str]
) -> ReadModel:
    """A read model of these awards as they are; of published ones only."""
    rows = await fetch(_PRESENT, {"ids": list(award_ids)}) if award_ids else []
    return _model_of(rows, unchecked)


async def had_words(
    fetch: Fetch, changes: Mapping[str, int], award_ids: Sequence[str], *, match: str
) -> set[str]:
    """Which of the awards were published and had the words of a tsquery before these changes."""
    if not award_ids:
        return set()
    asked = {award_id: changes[award_id] for award_id in award_ids}
    rows = await fetch(_WITH_WORDS, {**_parameters(asked), "match": match})
    return {award_id.decode() for (award_id,) in rows if award_id is not None}


Pair = tuple[str, str]
"""A tsquery and the id of an award."""


async def pairs_with_words(fetch: Fetch, pairs: Collection[Pair]) -> set[Pair]:
    """The pairs whose award is published and has the words of the tsquery."""
    if not pairs:
        return set()
    parameters, matches = _pairs(pairs)
    return _pairs_of(await fetch(_PAIRS_NOW, parameters), matches)


async def pairs_that_had_words(
    fetch: Fetch, changes: Mapping[str, int], pairs: Collection[Pair]
) -> set[Pair]:
    """The pairs whose award was published and had the words before these changes."""
    if not pairs:
        return set()
    parameters, matches = _pairs(pairs)
    asked = {award_id: changes[award_id] for award_id in dict.fromkeys(each[1] for each in pairs)}
    return _pairs_of(await fetch(_PAIRS_BEFORE, {**_parameters(asked), **parameters}), matches)


def _pairs(pairs: Collection[Pair]) -> tuple[dict[str, object], list[str]]:
    numbers = {match: number for number, match in enumerate(dict.fromkeys(p[0] for p in pairs), 1)}
    parameters: dict[str, object] = {
        "matches": list(numbers),
        "numbers": [numbers[match] for match, _ in pairs],
        "pair_ids": [award_id for _, award_id in pairs],
    }
    return parameters, list(numbers)


def _pairs_of(rows: Sequence[Row], matches: Sequence[str]) -> set[Pair]:
    return {(matches[int(number) - 1], award_id.decode()) for number, award_id in rows}


def _model_of(rows: Sequence[Row], unchecked: Collection[str]) -> ReadModel:
    model = ReadModel(unchecked=unchecked)
    model.add(parse(record) for (record,) in rows if record is not None)
    model.build_orders()
    return model


def _parameters(changes: Mapping[str, int]) -> dict[str, object]:
    return {"ids": list(changes), "changes": list(changes.values())}
