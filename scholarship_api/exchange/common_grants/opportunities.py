"""Turns awards into opportunities of CommonGrants."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from scholarship_api.catalogue import award_parts
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.schemas import Scholarship
from scholarship_api.exchange.common_grants.identifiers import opportunity_id
from scholarship_api.exchange.common_grants.schemas import (
    ApplicantType,
    FieldType,
    Opportunity,
    OpportunityDates,
    OpportunityEvent,
    OpportunityField,
    OpportunityFunding,
    OpportunityMoney,
    OpportunityStatus,
    StatusValue,
)
from scholarship_api.exchange.wording import in_sentences
from scholarship_api.vocabulary import Availability, DeadlineKind

CATALOG: Final = "https://commongrants.org/custom-fields/"
"""The address of the standard's catalogue of custom fields."""

DETAIL_FIELDS: Final = (
    "scholarship_type",
    "renewable",
    "recurs",
    "deadline_kind",
    "deadline_timezone",
    "deadline_estimated",
    "notification_date",
    "essay_required",
    "recommendation_letters",
    "rounds",
    "application",
    "coverage",
    "flags",
    "sources",
    "last_verified_by",
)
"""Fields of an award for which CommonGrants has no place, or none that holds all of them. They are
in the custom field `scholarshipDetails`."""

UNKNOWN: Final = "unknown"
"""`status.customValue` of an award of which no date is known."""

_STATUSES: Final[Mapping[Availability, StatusValue]] = {
    Availability.OPEN: "open",
    Availability.ROLLING: "open",
    Availability.UPCOMING: "forecasted",
    Availability.CLOSED: "closed",
    Availability.UNKNOWN: "custom",
}


def to_opportunity(award: Scholarship) -> Opportunity:
    return Opportunity(
        id=opportunity_id(award.id),
        title=award.name,
        description=award.description or award.name,
        status=_status(award),
        funding=_funding(award),
        key_dates=_dates(award),
        accepted_applicant_types=[ApplicantType(value="individual")],
        source=award.website_url or award.source_url,
        custom_fields=_custom_fields(award),
        created_at=award.created_at,
        last_modified_at=award.updated_at,
    )


def _status(award: Scholarship) -> OpportunityStatus:
    value = _STATUSES[award.availability]
    if value != "custom":
        return OpportunityStatus(value=value)
    return OpportunityStatus(
        value=value,
        custom_value=UNKNOWN,
        description="It is not known when applications are taken.",
    )


# --- Money ---------------------------------------------------------------------------------------


def _funding(award: Scholarship) -> OpportunityFunding | None:
    low, high = award.amount_min, award.amount_max
    funding = OpportunityFunding(
        details=_coverage_in_words(award.coverage) if award.coverage else None,
        min_award_amount=_money(low, award.currency),
        max_award_amount=_money(high, award.currency),
        max_award_count=award.max_awards,
    )
    return funding if funding.model_dump(exclude_none=True) else None


def _money(amount: Decimal | None, currency: str | None) -> OpportunityMoney | None:
    if amount is None or currency is None:
        return None
    return OpportunityMoney(amount=f"{Decimal(amount):.2f}", currency=currency)


def _coverage_in_words(coverage: award_parts.Coverage) -> str:
    kind = coverage.kind.replace("_", " ")
    parts = [f"{coverage.percent:g} percent" if coverage.percent is not None else kind]
    if coverage.components:
        parts.append(f"for {', '.join(coverage.components)}")
    if coverage.per is not None:
        parts.append("once" if coverage.per == "once" else f"per {coverage.per}")
    if coverage.years is not None:
        parts.append("one year" if coverage.years == 1 else f"{coverage.years} years")
    if coverage.renewal is not None:
        parts.append(coverage.renewal.replace("_", " "))
    text = ", ".join(parts)
    sentences = [f"{text[0].upper()}{text[1:]}.", coverage.renewal_rule, coverage.text]
    return " ".join(sentence for sentence in sentences if sentence)


# --- Dates ---------------------------------------------------------------------------------------


def _dates(award: Scholarship) -> OpportunityDates | None:
    others: dict[str, OpportunityEvent] = {}
    current = _current_round(award)
    opens_at = current.opens_at if current else award.opens_at
    zone = (current.timezone if current else None) or award.deadline_timezone
    post = _moment("Applications open", opens_at, zone)
    close = _moment(
        "Application deadline", award.application_deadline, zone, award.deadline_estimated
    )
    if award.deadline_kind is DeadlineKind.ROLLING:
        others["rolling"] = OpportunityEvent(
            name="Rolling review",
            event_type="other",
            details="Applications are taken at any time.",
        )
    if award.notification_date is not None:
        others["notification"] = _day("Award notification", award.notification_date)
    for each in award.rounds:
        if each is not current:
            others |= _other_round(each)
    if not (post or close or others):
        return None
    return OpportunityDates(post_date=post, close_date=close, other_dates=others or None)


def _current_round(award: Scholarship) -> award_parts.Round | None:
    """The round whose deadline the award has."""
    for each in award.rounds:
        if (
            each.closes_at == award.application_deadline
            and each.timezone == award.deadline_timezone
            and each.notification_on == award.notification_date
        ):
            return each
    return None


def _other_round(each: award_parts.Round) -> dict[str, OpportunityEvent]:
    zone = each.timezone or "UTC"
    name = f"Round {each.key}"
    opens, closes = _local(each.opens_at, zone), _local(each.closes_at, zone)
    if opens and closes:
        event = OpportunityEvent(
            name=name,
            event_type="dateRange",
            start_date=opens.date(),
            start_time=opens.time(),
            end_date=closes.date(),
            end_time=closes.time(),
            description=_zone_note(zone, each.estimated),
        )
    else:
        moment = each.closes_at or each.opens_at
        event = _moment(name, moment, zone, each.estimated) or OpportunityEvent(
            name=name, event_type="other", details=(each.kind or UNKNOWN).replace("_", " ")
        )
    events = {f"round_{each.key}": event}
    if each.notification_on is not None:
        events[f"notification_{each.key}"] = _day("Award notification", each.notification_on)
    return events


def _local(moment: dt.date | None, zone: str) -> dt.datetime | None:
    """To the second: the times of the standard have no fractions."""
    if not isinstance(moment, dt.datetime):
        return None
    return moment.astimezone(zone_of(zone)).replace(microsecond=0)


def _moment(
    name: str, moment: dt.date | None, zone: str, estimated: bool = False
) -> OpportunityEvent | None:
    local = _local(moment, zone)
    if local is None:
        return None
    return OpportunityEvent(
        name=name,
        event_type="singleDate",
        date=local.date(),
        time=local.time(),
        description=_zone_note(zone, estimated),
    )


def _zone_note(zone: str, estimated: bool) -> str:
    return f"In {zone}. Estimated." if estimated else f"In {zone}."


def _day(name: str, day: dt.date) -> OpportunityEvent:
    return OpportunityEvent(name=name, event_type="singleDate", date=day)


# --- Custom fields -------------------------------------------------------------------------------


def _custom_fields(award: Scholarship) -> dict[str, OpportunityField]:
    sets = [each.as_stored() for each in award.eligibility_sets]
    in_words = " ".join(filter(None, [in_sentences(sets), *award.other_requirements]))
    eligibility = {
        "complete": award.criteria_complete,
        "sets": sets,
        "preferences": award_parts.as_stored(award.preferences),
        "other_requirements": award.other_requirements,
    }
    details = _details(award)
    fields = [
        _field("legacyId", "string", award.id, description="The award's id in the native API."),
        _from_catalog("agency", {"name": award.organization}),
        _from_catalog("contactInfo", award.contact_email and {"email": award.contact_email}),
        _from_catalog(
            "additionalInfo",
            award.application_url
            and {"url": award.application_url, "description": "Application form"},
        ),
        _from_catalog("eligibilityCriteria", in_words and {"details": in_words}),
        _field("scholarshipEligibility", "object", eligibility),
        _field("requirements", "array", award_parts.as_stored(award.requirements)),
        _field(
            "lastVerifiedOn",
            "string",
            award.last_verified_on and award.last_verified_on.isoformat(),
        ),
        _field("scholarshipDetails", "object", details),
    ]
    return {field.name: field for field in fields if field is not None}


def _details(award: Scholarship) -> dict[str, Any]:
    content = award.model_dump(mode="json", include=set(DETAIL_FIELDS), exclude_none=True)
    for name in ("rounds", "sources", "application", "coverage"):
        if (part := getattr(award, name)) is not None:
            content[name] = award_parts.as_stored(part)
    return {name: content[name] for name in DETAIL_FIELDS if content.get(name) not in (None, [])}


def _from_catalog(name: str, value: Any) -> OpportunityField | None:  # noqa: ANN401 - JSON
    return _field(name, "object", value, schema=f"{CATALOG}{name}/")


def _field(
    name: str,
    field_type: FieldType,
    value: Any,  # noqa: ANN401 - any JSON
    *,
    schema: str | None = None,
    description: str | None = None,
) -> OpportunityField | None:
    """None for a value that says nothing."""
    if not value:
        return None
    return OpportunityField(
        name=name,
        field_type=field_type,
        schema=schema,
        value=_without_nulls(value),
        description=description,
    )


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return value
