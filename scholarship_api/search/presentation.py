"""Rows as they are shown: summaries, highlights and facets."""

import datetime as dt
import html
from collections.abc import Mapping
from typing import Final

from psycopg.rows import DictRow

from scholarship_api.catalogue import service as catalogue
from scholarship_api.search import queries
from scholarship_api.search.schemas import Facets, FacetValue, ScholarshipSummary
from scholarship_api.vocabulary import accepted_by

SUMMARY_LENGTH: Final = 200


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


def summary_of(row: DictRow, *, now: dt.datetime) -> ScholarshipSummary:
    optional = {}
    if row.get("match") is not None:
        optional["match"] = _highlighted(row["match"])
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
        description=_shortened(row["description"]),
        **optional,
    )


def _shortened(description: str) -> str:
    """At most SUMMARY_LENGTH characters, cut at a word."""
    if len(description) <= SUMMARY_LENGTH:
        return description
    head = description[: SUMMARY_LENGTH - 1]
    cut = head if description[SUMMARY_LENGTH - 1].isspace() else head.rpartition(" ")[0] or head
    return cut.rstrip(" ,;:.") + "…"


def _highlighted(marked: str) -> str:
    return (
        html.escape(marked)
        .replace(queries.MARK_START, "<mark>")
        .replace(queries.MARK_END, "</mark>")
    )
