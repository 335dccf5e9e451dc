"""Summaries of awards, as lists show them.

Building a model for each row and serializing it took longer than everything else that Python does
for a search. So PostgreSQL writes the JSON of a ScholarshipSummary, and only the fields that depend
on the day are added here: deadline, availability and days left. These availability fields are the
same for all awards with the same deadline, so they are cached.
"""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from pydantic_core import to_json

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.award_parts import Coverage
from scholarship_api.catalogue.read_model.details import AwardDetails
from scholarship_api.search.response_schemas import ScholarshipSummary
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql.summaries import Item

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)


def complete_items(items: Iterable[Item], snapshot: Snapshot) -> list[bytes]:
    """Summaries as JSON."""
    cache = snapshot.cache.availability_fields
    whole = []
    for _, source, text in items:
        fields = cache.get(source)
        if fields is None:
            fields = _availability_fields(source.decode(), now=snapshot.now)
            cache.put(source, fields)
        whole.append(b"%b,%b" % (text[:-1], fields))
    return whole


def _availability_fields(source: str, *, now: dt.datetime) -> bytes:
    """The end of a JSON object."""
    status, deadline_kind, recurs, zone, deadline, *opening = source.split(" ")
    application_deadline = None if deadline == "-" else _instant(deadline)
    opens_at = _instant(opening[0]) if opening else None
    availability = catalogue.availability(
        status=status,
        deadline_kind=deadline_kind,
        recurs=recurs,
        application_deadline=application_deadline,
        opens_at=opens_at,
        now=now,
    )
    days_left = catalogue.days_left(
        application_deadline=application_deadline,
        deadline_timezone=zone,
        opens_at=opens_at,
        now=now,
    )
    return b'"application_deadline":%b,"opens_at":%b,"availability":%b,"days_left":%b}' % (
        to_json(application_deadline),
        to_json(opens_at),
        to_json(availability),
        to_json(days_left),
    )


def _instant(seconds: str) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int(Decimal(seconds).scaleb(6)))


def summary_of(award: AwardDetails, *, now: dt.datetime) -> ScholarshipSummary:
    """The summary of one award, for answers that show more of it than a list does."""
    record = award.record
    return ScholarshipSummary(
        id=record.id,
        name=award.name,
        organization=award.organization,
        amount=award.amount,
        currency=award.currency,
        application_deadline=award.application_deadline,
        opens_at=award.opens_at,
        availability=catalogue.availability(
            status=award.status,
            deadline_kind=award.deadline_kind,
            recurs=award.recurs,
            application_deadline=award.application_deadline,
            opens_at=award.opens_at,
            now=now,
        ),
        days_left=catalogue.days_left(
            application_deadline=award.application_deadline,
            deadline_timezone=record.time_zone,
            opens_at=award.opens_at,
            now=now,
        ),
        scholarship_type=record.scholarship_type,
        description=award.description,
        coverage=None if award.coverage is None else Coverage.model_validate(award.coverage),
        flags=list(award.flags),
    )
