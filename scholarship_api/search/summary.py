"""The summary of one award as a model, for answers that show more of an award than a list does."""

import datetime as dt

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.details import AwardDetails
from scholarship_api.search.schemas import ScholarshipSummary


def summary_of(award: AwardDetails, *, now: dt.datetime) -> ScholarshipSummary:
    record = award.record
    return ScholarshipSummary(
        id=record.id,
        name=award.name,
        organization=award.organization,
        amount=award.amount,
        currency=award.currency,
        application_deadline=award.application_deadline,
        availability=catalogue.availability(
            status=award.status,
            deadline_kind=award.deadline_kind,
            recurs=award.recurs,
            application_deadline=award.application_deadline,
            now=now,
        ),
        days_left=catalogue.days_left(
            application_deadline=award.application_deadline,
            deadline_timezone=record.time_zone,
            now=now,
        ),
        scholarship_type=record.scholarship_type,
        description=award.description,
    )
