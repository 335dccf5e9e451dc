"""An award as linked data: schema.org's MonetaryGrant as JSON-LD.

schema.org has no type for scholarships, and its grants have neither a deadline nor an audience: the
deadline is the end of the action of applying, the audience that of the page about the award.
"""

import datetime as dt
from typing import Any, Final

from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.schemas import Scholarship

MEDIA_TYPE: Final = "application/ld+json"
_CONTEXT: Final = "https://schema.org"


def is_wanted(accept: str) -> bool:
    """Whether an Accept header prefers JSON-LD to plain JSON."""
    weights = {"application/json": 0.0, MEDIA_TYPE: 0.0}
    for entry in accept.split(",")[:_MAX_ACCEPTED]:
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        if media_type in weights:
            weights[media_type] = _weight(parameters)
    return weights[MEDIA_TYPE] > weights["application/json"]


_MAX_ACCEPTED: Final = 50
"""Entries of an Accept header that are read; browsers send about eight."""


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def to_json_ld(award: Scholarship, *, url: str | None) -> dict[str, Any]:
    """The award as JSON; `url` is its address if the service knows its own."""
    return {
        "@context": _CONTEXT,
        **_typed(
            "MonetaryGrant",
            name=award.name,
            description=award.description,
            identifier=award.id,
            url=award.website_url or award.source_url,
            funder=_typed("Organization", name=award.organization, email=award.contact_email),
            amount=_amount(award),
            potentialAction=_application(award),
            mainEntityOfPage=_page(award, url),
        ),
    }


def _typed(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """An object without the properties that say nothing."""
    given = {name: value for name, value in properties.items() if value not in (None, "", [], {})}
    return {"@type": kind, **given}


def _amount(award: Scholarship) -> dict[str, Any] | None:
    low, high = award.amount_min, award.amount_max
    if low is None and high is None:
        return None
    if low == high and low is not None:
        return _typed("MonetaryAmount", currency=award.currency, value=float(low))
    return _typed(
        "MonetaryAmount",
        currency=award.currency,
        minValue=None if low is None else float(low),
        maxValue=None if high is None else float(high),
    )


def _application(award: Scholarship) -> dict[str, Any] | None:
    target = award.application_url and _typed("EntryPoint", urlTemplate=award.application_url)
    action = _typed(
        "ApplyAction",
        startTime=_local(award.opens_at, award.deadline_timezone),
        endTime=_local(award.application_deadline, award.deadline_timezone),
        target=target,
    )
    return action if len(action) > 1 else None


def _local(moment: dt.datetime | None, timezone: str) -> str | None:
    return None if moment is None else moment.astimezone(zone_of(timezone)).isoformat()


def _page(award: Scholarship, url: str | None) -> dict[str, Any]:
    verified = award.last_verified_on
    criteria = award.eligibility_criteria
    return _typed(
        "WebPage",
        url=url,
        lastReviewed=verified.isoformat() if verified else None,
        reviewedBy=award.last_verified_by and _typed("Organization", name=award.last_verified_by),
        dateCreated=award.created_at.isoformat(),
        dateModified=award.updated_at.isoformat(),
        audience=_audience(award),
        about=[
            _typed(
                "DefinedTerm",
                termCode=code,
                inDefinedTermSet="https://nces.ed.gov/ipeds/cipcode/",
            )
            for code in criteria.cip_codes or ()
        ],
    )


def _audience(award: Scholarship) -> list[dict[str, Any]]:
    criteria = award.eligibility_criteria
    places = [_typed("State", name=state) for state in criteria.residency_states]
    places += [_typed("Country", name=country) for country in criteria.residency_countries or ()]
    students = _typed("EducationalAudience", educationalRole="student", geographicArea=places)
    genders = criteria.genders or ()
    people = _typed(
        "PeopleAudience",
        requiredGender=_GENDERS.get(genders[0]) if len(genders) == 1 else None,
        requiredMinAge=criteria.min_age,
        requiredMaxAge=criteria.max_age,
    )
    return [students, people] if len(people) > 1 else [students]


_GENDERS: Final = {"woman": "female", "man": "male"}
"""The values of schema.org."""
