"""The details of the awards on a page, which are read by id from the stored rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from scholarship_api.catalogue.read_model.records import (
    NEVER,
    NO_AMOUNT,
    RECORD,
    AwardRecord,
    record_of,
)
from scholarship_api.catalogue.summaries import shortened_description
from scholarship_api.platform.database.libpq import Fetch

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)

_DETAILS: Final = f"""
SELECT json_build_array({RECORD}, s.status, s.deadline_kind, s.recurs, s.deadline_date, s.name,
    s.organization, s.currency, {shortened_description("s.description")}, s.coverage,
    coalesce(s.flags, '[]'))
FROM scholarships AS s WHERE s.id = ANY (%(ids)s::text[]) AND s.status <> 'draft'
"""  # noqa: S608 - of literals


class AwardDetails(NamedTuple):
    """An award that the public may see."""

    record: AwardRecord
    status: str
    deadline_kind: str
    recurs: str
    deadline_date: str | None
    """The deadline's calendar day in its own time zone, as 2027-01-31."""
    name: str
    organization: str
    currency: str | None
    description: str
    """Shortened."""
    coverage: Mapping[str, Any] | None
    flags: Sequence[str]

    @property
    def application_deadline(self) -> dt.datetime | None:
        if self.record.closes_at == NEVER:
            return None
        return _EPOCH + dt.timedelta(microseconds=self.record.closes_at)

    @property
    def opens_at(self) -> dt.datetime | None:
        if self.record.opens_at is None:
            return None
        return _EPOCH + dt.timedelta(microseconds=self.record.opens_at)

    @property
    def amount(self) -> Decimal | None:
        if self.record.amount == NO_AMOUNT:
            return None
        return Decimal(self.record.amount).scaleb(-2)


async def read_details(fetch: Fetch, award_ids: Sequence[str]) -> dict[str, AwardDetails]:
    """The awards of these ids that the public may see, by id."""
    rows = await fetch(_DETAILS, {"ids": list(award_ids)})
    found = (_details(from_json(text)) for (text,) in rows)
    return {details.record.id: details for details in found}


def _details(values: list[Any]) -> AwardDetails:
    record, *others = values
    return AwardDetails(record_of(record), *others)
