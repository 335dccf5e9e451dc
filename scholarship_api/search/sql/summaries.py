"""Rows as they are shown: summaries, highlights and facets.

A ScholarshipSummary comes from PostgreSQL as JSON: models of a page's rows, made and written field
by field, took longer than all else that Python does for a search. Only what depends on the day is
put in here.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic_core import to_json

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.summaries import shortened_description
from scholarship_api.search.schemas import Facets, FacetValue, ScholarshipSummary
from scholarship_api.search.snapshot import Source
from scholarship_api.vocabulary import accepted_by

# The sentences with a word that may be one of those, as reading a word takes longer than all this.
# Accents are not unfolded for it, so a text with any is read as a whole.
_SENTENCES: Final = """CASE octet_length(s.description) WHEN length(s.description) THEN (
        SELECT string_agg(sentence, ' … ')
        FROM string_to_table(left(s.description, 5000), '. ') AS sentence
        WHERE sentence ~* %(beginnings)s
    ) END"""

_FOUND: Final = f"""ts_headline('public.scholarship',
    concat_ws(' | ', s.name, s.organization, coalesce({_SENTENCES}, left(s.description, 5000))),
    %(match)s::tsquery,
    E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MaxWords=24, MinWords=8,'
    ' FragmentDelimiter=" … "')"""


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = f"replace({text}, E'{old}', '{new}')"
    return text


# As html.escape has it. The signs around the words can't occur in stored text.
_MATCH: Final = _replaced(
    _FOUND,
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\'": "&#x27;"}
    | {"\\x02": "<mark>", "\\x03": "</mark>"},
)

# Of literals alone.
_ITEM: Final = f"""(SELECT row_to_json(item) FROM (
    SELECT s.id, s.name, s.organization, s.amount, s.currency, s.scholarship_type,
        {shortened_description("s.description")} AS description{{match}}
) AS item)"""  # noqa: S608

ITEM: Final = _ITEM.format(match="")
"""In SQL, the summary of `s` as JSON, without what `standing` adds."""

HIGHLIGHTED: Final = _ITEM.format(match=f", {_MATCH} AS match")
"""The same with what `%(match)s` found, for a page's rows only: it reads the whole text. What
`%(beginnings)s` is, `text_queries.beginnings` says."""

STANDING: Final = """concat_ws(' ', s.status, s.deadline_kind, s.recurs, s.deadline_timezone,
    extract(epoch FROM s.application_deadline))"""

COLUMNS: Final = """s.id, s.name, s.organization, s.amount, s.currency, s.scholarship_type,
    s.description, s.status, s.deadline_kind, s.recurs, s.deadline_timezone,
    s.application_deadline"""
"""What ITEM and STANDING are made from."""

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)


def items_of(items: Iterable[bytes], standings: Iterable[bytes], source: Source) -> list[bytes]:
    """Summaries as JSON, of what ITEM and STANDING say."""
    known = source.memory.standings
    whole = []
    for item, text in zip(items, standings, strict=True):
        standing = known.get(text)
        if standing is None:
            standing = _standing(text.decode(), now=source.now)
            known.keep(text, standing)
        whole.append(b"%b,%b" % (item[:-1], standing))
    return whole


def _standing(text: str, *, now: dt.datetime) -> bytes:
    """The deadline and the fields that depend on the day, as the end of a JSON object."""
    status, deadline_kind, recurs, zone, *deadline = text.split(" ")
    application_deadline = None
    if deadline:
        microseconds = int(Decimal(deadline[0]).scaleb(6))
        application_deadline = _EPOCH + dt.timedelta(microseconds=microseconds)
    availability = catalogue.availability(
        status=status,
        deadline_kind=deadline_kind,
        recurs=recurs,
        application_deadline=application_deadline,
        now=now,
    )
    days_left = catalogue.days_left(
        application_deadline=application_deadline, deadline_timezone=zone, now=now
    )
    return b'"application_deadline":%b,"availability":%b,"days_left":%b}' % (
        to_json(application_deadline),
        to_json(availability),
        to_json(days_left),
    )


def json_of(name: str, items: Iterable[bytes], **fields: object) -> bytes:
    """An answer that lists `items` under `name`, before its other fields."""
    return b'{"%b":[%b],%b' % (name.encode(), b",".join(items), to_json(fields)[1:])


def facets_of(counts: Mapping[str, Mapping[str, int]]) -> Facets:
    named: dict[str, list[FacetValue]] = {}
    for facet in Facets.model_fields:
        values = dict(counts.get(facet, {}))
        open_to_all = values.pop("*", 0)
        if facet == "citizenship":
            totals = {
                value: sum(values.get(accepted, 0) for accepted in accepted_by(value))
                for value in values
            }
        else:
            totals = values
        ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
        named[facet] = [
            FacetValue(value=value, count=number + open_to_all) for value, number in ranked
        ]
    return Facets(**named)


def summary_of(row: Mapping[str, Any], *, now: dt.datetime) -> ScholarshipSummary:
    """The summary of an award whose description is shortened already."""
    return ScholarshipSummary(
        id=row["id"],
        name=row["name"],
        organization=row["organization"],
        amount=row["amount"],
        currency=row["currency"],
        application_deadline=row["application_deadline"],
        availability=catalogue.availability(
            status=row["status"],
            deadline_kind=row["deadline_kind"],
            recurs=row["recurs"],
            application_deadline=row["application_deadline"],
            now=now,
        ),
        days_left=catalogue.days_left(
            application_deadline=row["application_deadline"],
            deadline_timezone=row["deadline_timezone"],
            now=now,
        ),
        scholarship_type=row["scholarship_type"],
        description=row["description"],
    )
