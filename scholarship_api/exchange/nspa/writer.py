"""Writes awards as NSPA records: a record for each round.

Only properties that are known to exist are written, and the standard is known in parts only.
Therefore each record is marked as partial, in `Metadata.CreatedBy`. Everything that cannot be coded
is in words. Coded criteria are never narrower than those of the award.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from scholarship_api.catalogue import award_parts
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.schemas import Scholarship
from scholarship_api.exchange.nspa.codes import BY_VALUE
from scholarship_api.exchange.nspa.program import SOURCE
from scholarship_api.exchange.wording import in_sentence, in_sentences

PARTIAL: Final = "Scholarship Discovery & Search API, partial record"
"""`Metadata.CreatedBy` of every record."""

_CURRENCY: Final = "USD"
_DURATIONS: Final = {
    "one_time": "One-Time",
    "multi_year": "Multiyear",
    "renewable": "Renewable",
}
_LISTS: Final = {
    "citizenships": "CitizenshipStatuses",
    "immigration_statuses": "CitizenshipStatuses",
    "degree_levels": "DegreeSeeking",
    "genders": "Demographics",
    "heritages": "Demographics",
    "graduation_statuses": "GraduationStatuses",
}
"""Criteria that are lists of codes, and the elements that hold them."""
_ANY_OF: Final = ("citizenships", "immigration_statuses")
"""One criterion: a value of either is enough."""


def records_of(award: Scholarship) -> list[bytes]:
    """The JSON of the records."""
    rounds: Sequence[award_parts.Round | None] = award.rounds or [None]
    return [to_json(_record(award, each, number)) for number, each in enumerate(rounds, start=1)]


def _record(award: Scholarship, each: award_parts.Round | None, number: int) -> dict[str, Any]:
    sets = [criteria.as_stored() for criteria in award.eligibility_sets]
    criteria, left = _coded(sets)
    record: dict[str, Any] = {
        "Metadata": {"CreatedBy": PARTIAL},
        "ProgramReferenceId": _reference(award, each, number),
        "ProgramOrganization": {"OrganizationName": award.organization},
        "ApplicationCycle": _cycle(each),
        "LastVerifiedBy": award.last_verified_by,
        "ProgramName": award.name,
        "ProgramURL": award.website_url or award.source_url,
        "ApplicationURL": award.application_url,
        "ProgramContact": award.contact_email and {"Email": award.contact_email},
        **_dates(award, each),
        "ScholarshipMaximumAward": _amount(award),
        "AwardDuration": _duration(award),
        "IsNeedBased": award.scholarship_type == "need_based"
        or (bool(sets) and all(each.get("financial_need") for each in sets)),
        "IsMeritBased": award.scholarship_type in ("merit_based", "academic_achievement"),
        "Blurb": "\n".join(_blurb(award)) or None,
        "EligibilityCriteriaDescription": " ".join(_described(award, sets, left)) or None,
        "EligibilityCriteria": criteria or None,
    }
    given = {name: value for name, value in record.items() if value is not None}
    verified = award.last_verified_on
    return {**given, "LastVerifiedOn": verified.isoformat() if verified else None}


def _reference(award: Scholarship, each: award_parts.Round | None, number: int) -> str:
    """The id that the record had where it was imported from, else one of ours."""
    originals = [
        source.external_id
        for source in award.sources
        if source.name.startswith(SOURCE) and source.external_id
    ]
    if number <= len(originals):
        return str(originals[number - 1])
    return award.id if number == 1 or each is None else f"{award.id}#{each.key}"


def _cycle(each: award_parts.Round | None) -> str | None:
    """`2027-2028`, where we write 2027-28."""
    if each is None or each.academic_year is None:
        return None
    first = int(each.academic_year[:4])
    return f"{first}-{first + 1}"


def _dates(award: Scholarship, each: award_parts.Round | None) -> dict[str, str | None]:
    """Days in the deadline's own time zone."""
    if each is None:
        opens, closes = award.opens_at, award.application_deadline
        zone, announced = award.deadline_timezone, award.notification_date
    else:
        opens, closes = each.opens_at, each.closes_at  # type: ignore[assignment]  # settled
        zone, announced = each.timezone or award.deadline_timezone, each.notification_on
    return {
        "OpenDate": opens.astimezone(zone_of(zone)).date().isoformat() if opens else None,
        "CloseDate": closes.astimezone(zone_of(zone)).date().isoformat() if closes else None,
        "AnnouncementDate": announced.isoformat() if announced else None,
    }


def _amount(award: Scholarship) -> float | int | None:
    highest = award.amount_max
    if highest is None or award.currency != _CURRENCY:
        return None
    return int(highest) if highest == int(highest) else float(highest)


def _duration(award: Scholarship) -> dict[str, Any] | None:
    coverage = award.coverage
    renewal = coverage.renewal if coverage else None
    if renewal is None:
        return {"AwardDurationType": "Renewable"} if award.renewable else None
    duration: dict[str, Any] = {"AwardDurationType": _DURATIONS[renewal]}
    if coverage is not None and coverage.years is not None and renewal != "one_time":
        duration["DurationYears"] = coverage.years
    return duration


def _blurb(award: Scholarship) -> Iterator[str]:
    """The description, and what else is worth knowing and has no property."""
    if award.description:
        yield award.description
    if award.amount_min is not None and award.amount_min != award.amount_max:
        yield f"At least {award.amount_min:.2f} {award.currency}."
    if award.amount_max is not None and award.currency != _CURRENCY:
        yield f"Up to {award.amount_max:.2f} {award.currency}."
    if award.coverage is not None and award.coverage.kind not in ("amount", "varies"):
        yield f"Covers {award.coverage.kind.replace('_', ' ')}."
    for preference in award.preferences:
        words = preference.text or in_sentence(preference.criteria.as_stored())
        yield f"Preference: {words}"


def _described(
    award: Scholarship, sets: Sequence[Mapping[str, Any]], left: Mapping[str, Any]
) -> Iterator[str]:
    """The criteria that are not coded: all of them where there are several sets."""
    yield from award.other_requirements
    if len(sets) > 1:
        yield in_sentences(sets)
    elif left:
        yield in_sentence(left)


# --- Criteria ------------------------------------------------------------------------------------


def _coded(sets: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The element EligibilityCriteria, and the criteria of a single set that it does not hold."""
    common = _common([_with_citizenships(each) for each in sets])
    elements: dict[str, Any] = {}
    left = dict(common)
    for name in ("min_gpa", "max_gpa", "class_rank_percent_max"):
        if name in common:
            _add(elements, "Academics", _academic(BY_VALUE[name, ""].name, left.pop(name)))
    if scores := common.get("tests"):
        names = [BY_VALUE.get(("tests", f"{each['test']}.{each['section']}")) for each in scores]
        if all(names):
            for score, code in zip(left.pop("tests"), names, strict=True):
                assert code is not None  # noqa: S101 - narrows for mypy
                _add(elements, "Academics", _academic(code.name, score["min"]))
    _add_lists(elements, common, left)
    if "max_sai" in common:
        elements["FinancialInformation"] = {
            "FinancialEligibilityCriteria": BY_VALUE["max_sai", ""].name,
            "FinancialEligibilityAmount": left.pop("max_sai"),
        }
    if codes := common.get("cip_codes"):
        elements["FieldsOfStudy"] = [{"CIPCode": code} for code in codes]
        del left["cip_codes"]
    left.pop("financial_need", None)  # IsNeedBased says it
    return elements, left


def _with_citizenships(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """The set with the list of citizenships that its one word stands for."""
    accepted = _ACCEPTED.get(criteria.get("citizenship_required", ""))
    if accepted is None:
        return dict(criteria)
    kept = {name: value for name, value in criteria.items() if name != "citizenship_required"}
    return {**kept, "citizenships": accepted}


_ACCEPTED: Final = {"US": ["US"], "permanent_resident": ["US", "permanent_resident"]}
"""Values of `citizenship_required` that NSPA has codes for."""


def _add_lists(elements: dict[str, Any], common: Mapping[str, Any], left: dict[str, Any]) -> None:
    """A list is coded as a whole, or not at all: a part of it would be narrower."""
    for group in (_ANY_OF, *((name,) for name in _LISTS if name not in _ANY_OF)):
        values = [(name, value) for name in group for value in common.get(name) or ()]
        codes = [BY_VALUE.get(each) for each in values]
        if values and all(codes):
            for code in codes:
                assert code is not None  # noqa: S101 - narrows for mypy
                _add(elements, _LISTS[group[0]], code.name)
            for name in group:
                left.pop(name, None)


def _add(elements: dict[str, Any], element: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    elements.setdefault(element, []).append(value)


def _academic(name: str, value: float) -> dict[str, Any]:
    return {"AcademicEligibility": name, "AcademicEligibilityValue": value}


def _common(sets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Criteria that everybody meets who meets one of the sets."""
    if not sets:
        return {}
    first, *others = sets
    common: dict[str, Any] = {}
    for name, value in first.items():
        values = [value, *(each.get(name) for each in others)]
        if any(each is None for each in values):
            continue
        if all(each == value for each in values):
            common[name] = value
        elif isinstance(value, list) and name != "tests":
            common[name] = _union(values)
        elif name.startswith("min_"):
            common[name] = min(values)
        elif name.startswith("max_") or name == "class_rank_percent_max":
            common[name] = max(values)
    if not all(any(each.get(name) for name in _ANY_OF) for each in sets) or (
        len(sets) > 1 and not _same_fields(sets)
    ):
        for name in _ANY_OF:
            common.pop(name, None)
    return common


def _same_fields(sets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all sets name citizenship by the same fields, so that the unions hold everybody."""
    named = [{name for name in _ANY_OF if each.get(name)} for each in sets]
    return all(each == named[0] for each in named)


def _union(values: Sequence[list[Any]]) -> list[Any]:
    union: list[Any] = []
    for each in values:
        union += [value for value in each if value not in union]
    return union
