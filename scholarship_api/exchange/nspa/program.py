"""Turns the records of an NSPA program into an award."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from scholarship_api.catalogue.award_parts import AcademicYear
from scholarship_api.catalogue.columns import InvalidAward
from scholarship_api.exchange.nspa.criteria import as_list, in_words, read_criteria, unknown
from scholarship_api.exchange.texts import (
    as_requirements,
    email_or_none,
    line_or_none,
    url_or_none,
    visible,
)

SOURCE: Final = "NSPA: "
"""The beginning of the name of a source that is a record of NSPA; the organization follows."""

MAX_DESCRIPTION: Final = 20_000
_DURATIONS: Final = {
    "one-time": "one_time",
    "multiyear": "multi_year",
    "renewable": "renewable",
}
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(T[0-9:.]*(Z|[+-]\d{2}:?\d{2})?)?")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_ACADEMIC_YEAR: Final[TypeAdapter[str]] = TypeAdapter(AcademicYear)
_MAX_YEARS: Final = 20


class _Program:
    """A record whose properties are taken one by one, so that the rest can be kept as texts."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._left = {name: value for name, value in content.items() if value not in (None, "")}
        self.requirements: list[str] = []
        self.notes: list[str] = []

    def take(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        return self._left.pop(name, None)

    def take_object(self, name: str) -> "_Program":
        """The object of a property, whose rest is kept with this one's."""
        value = self.take(name)
        if isinstance(value, Mapping):
            return _Program(value)
        if value is not None:
            self.requirements.append(unknown(name, value))
        return _Program({})

    def take_text(self, name: str) -> str | None:
        value = self.take(name)
        return None if value is None else visible(in_words(value)).strip() or None

    def take_flag(self, name: str) -> bool:
        value = self.take(name)
        if isinstance(value, bool) or value is None:
            return bool(value)
        if str(value).strip().casefold() in ("true", "false", "yes", "no"):
            return str(value).strip().casefold() in ("true", "yes")
        self.requirements.append(unknown(name, value))
        return False

    def take_day(self, name: str) -> str | None:
        value = self.take(name)
        if value is None:
            return None
        day = _day(str(value))
        if day is None:
            self.requirements.append(unknown(name, value))
        return day

    def keep_rest(self, prefix: str = "") -> list[str]:
        return [unknown(f"{prefix}{name}", value) for name, value in self._left.items()]


def to_award(
    contents: Sequence[Mapping[str, Any]], *, timezone: str
) -> dict[str, object] | InvalidAward:
    """The award of one record, or of several that differ in dates only."""
    program = _Program(contents[0])
    organization = _organization(program)
    name = program.take_text("ProgramName")
    if name is None or organization is None:
        return InvalidAward("the record has no ProgramName or no organization")
    metadata = program.take_object("Metadata")
    unique_id = metadata.take("UniqueID")
    for unimportant in ("CreatedBy", "CreatedOn", "LastModifiedOn"):
        metadata.take(unimportant)
    award: dict[str, object] = {
        "name": name,
        "organization": organization,
        "deadline_timezone": timezone,
        "criteria_complete": False,
        **_money(program),
        **_kinds(program),
        **_addresses(program),
        "last_verified_on": program.take_day("LastVerifiedOn"),
        "last_verified_by": line_or_none(program.take_text("LastVerifiedBy")),
    }
    for taken in _ROUND_FIELDS:
        program.take(taken)
    award |= _rounds(contents, program)
    award |= _sources(contents, organization)
    award["id"] = _id(contents[0], organization, name, unique_id)
    sets = _sets(program, needs_money=award["scholarship_type"] == "need_based")
    award["eligibility_sets"] = sets
    _notes(program, metadata)
    description = program.take_text("Blurb")
    texts = [
        program.take_text("EligibilityCriteriaDescription"),
        program.take_text("EligibilityCriteriaDetail"),
        *program.requirements,
        *program.keep_rest(),
        *metadata.requirements,
        *metadata.keep_rest("Metadata."),
    ]
    requirements, more = as_requirements(visible(text) for text in texts if text)
    award["other_requirements"] = requirements
    paragraphs = [description, *program.notes, *more]
    award["description"] = "\n".join(text for text in paragraphs if text)[:MAX_DESCRIPTION]
    return award


_ROUND_FIELDS: Final = (
    "ProgramReferenceId",
    "OpenDate",
    "CloseDate",
    "AnnouncementDate",
    "ApplicationCycle",
)


def _day(text: str) -> str | None:
    found = _DAY.fullmatch(text.strip())
    try:
        return dt.date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None


def _organization(program: _Program) -> str | None:
    holder = program.take_object("ProgramOrganization")
    name = holder.take_text("OrganizationName")
    older = program.take_text("ProgramOrganizationName")
    program.requirements += holder.keep_rest("ProgramOrganization.")
    return name or older


def _money(program: _Program) -> dict[str, object]:
    found: dict[str, object] = {}
    for ours, theirs in (
        ("amount_min", "ScholarshipMinimumAward"),
        ("amount_max", "ScholarshipMaximumAward"),
    ):
        value = program.take(theirs)
        if value is not None:
            found |= {ours: value, "currency": "USD"}
    duration = program.take_object("AwardDuration")
    kind, years = duration.take_text("AwardDurationType"), duration.take("DurationYears")
    renewal = _DURATIONS.get((kind or "").casefold())
    if kind is not None and renewal is None:
        program.requirements.append(unknown("AwardDurationType", kind))
    if renewal is not None:
        coverage: dict[str, object] = {"kind": "amount" if found else "varies", "renewal": renewal}
        if isinstance(years, int) and 1 <= years <= _MAX_YEARS:
            coverage["years"] = years
        elif years is not None:
            program.requirements.append(unknown("DurationYears", years))
        found |= {"coverage": coverage, "renewable": renewal == "renewable"}
    program.requirements += duration.keep_rest("AwardDuration.")
    return found


def _kinds(program: _Program) -> dict[str, object]:
    needs, merits = program.take_flag("IsNeedBased"), program.take_flag("IsMeritBased")
    if needs and merits:
        program.notes.append("Need and merit count.")
    return {"scholarship_type": "need_based" if needs else "merit_based"}


def _addresses(program: _Program) -> dict[str, object]:
    contact = program.take_object("ProgramContact")
    found: dict[str, object] = {}
    for ours, theirs, given, valid in (
        ("website_url", "ProgramURL", program.take("ProgramURL"), url_or_none),
        ("application_url", "ApplicationURL", program.take("ApplicationURL"), url_or_none),
        ("contact_email", "Email", contact.take("Email"), email_or_none),
    ):
        found[ours] = valid(given)
        if given is not None and found[ours] is None:
            program.notes.append(visible(f"{theirs}: {in_words(given)}"))
    if (name := contact.take_text("NameOrDepartment")) is not None:
        program.notes.append(f"Contact: {name}")
    program.requirements += contact.keep_rest("ProgramContact.")
    return found


def _rounds(contents: Sequence[Mapping[str, Any]], program: _Program) -> dict[str, object]:
    """The rounds in the order of their closing days; none without a date or a year."""
    rounds: list[dict[str, object]] = []
    for content in contents:
        record = _Program(content)
        closes = record.take_day("CloseDate")
        cycle = record.take_text("ApplicationCycle")
        year = _academic_year(cycle)
        if cycle is not None and year is None:
            record.requirements.append(unknown("ApplicationCycle", cycle))
        times = {
            "opens_at": record.take_day("OpenDate"),
            "closes_at": closes,
            "notification_on": record.take_day("AnnouncementDate"),
            "academic_year": year,
        }
        program.requirements += record.requirements
        if any(times.values()):
            key = str(content.get("ProgramReferenceId") or "")
            rounds.append(
                {
                    "key": key if _KEY.fullmatch(key) else None,
                    "kind": "fixed" if closes else "unknown",
                    **times,
                }
            )
    keys = [each["key"] for each in rounds]
    if len(set(keys)) < len(keys):
        for each in rounds:
            each["key"] = None
    # Records that say the same twice are one round.
    distinct = {tuple(each.items()): each for each in rounds}
    ordered = sorted(distinct.values(), key=lambda each: str(each["closes_at"] or "9"))
    return {"rounds": ordered}


def _academic_year(text: str | None) -> str | None:
    try:
        return None if text is None else _ACADEMIC_YEAR.validate_python(text)
    except ValidationError:
        return None


def _sources(contents: Sequence[Mapping[str, Any]], organization: str) -> dict[str, object]:
    """The ids of the records as they were, for an export."""
    found = []
    ordered = sorted(contents, key=lambda each: str(each.get("CloseDate") or "9"))
    for content in ordered:
        external_id = line_or_none(str(content.get("ProgramReferenceId") or ""))
        if external_id is not None:
            name = f"{SOURCE}{organization}"[:255]
            found.append({"name": name, "external_id": external_id})
    return {"sources": found}


def _id(
    content: Mapping[str, Any],
    organization: str,
    name: str,
    unique_id: Any,  # noqa: ANN401 - any JSON
) -> str:
    number = content.get("ProgramReferenceId") or unique_id
    if number:
        parts = [organization, str(number)]
    else:
        dates = [str(content.get(each) or "") for each in ("ApplicationCycle", "CloseDate")]
        parts = [organization, name, *dates]
    digest = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
    return f"nspa_{digest[:16]}"


def _sets(program: _Program, *, needs_money: bool) -> list[dict[str, Any]]:
    """Each set of the record is an alternative."""
    sets: list[dict[str, Any]] = []
    given = as_list(program.take("EligibilityCriteria"))
    for number, content in enumerate(given, start=1):
        if not isinstance(content, Mapping):
            program.requirements.append(unknown("EligibilityCriteria", content))
            continue
        criteria, texts = read_criteria(content)
        which = f" (alternative {number})" if len(given) > 1 else ""
        program.requirements += [f"{text}{which}" for text in texts]
        sets.append(criteria)
    if needs_money:
        sets = [{**criteria, "financial_need": True} for criteria in sets or [{}]]
    # An alternative without a coded criterion leaves open who may apply.
    return sets if all(sets) else []


def _notes(program: _Program, metadata: _Program) -> None:
    """Keep in the description what is said about the award and requires nothing."""
    for label, value in (
        ("Also known as", program.take("ProgramCommonName")),
        ("Associated organizations", program.take("AdditionalAssociatedOrganizations")),
        ("Categories", program.take("ProgramCategories")),
        ("Categories", metadata.take("ProgramCategories")),
        ("Lists", metadata.take("Lists")),
        ("Paths of criteria", metadata.take("EligibilityCriteriaHierarchies")),
    ):
        if value:
            content = value
            if isinstance(value, Mapping) and len(value) == 1:  # only the name of its items
                [content] = value.values()
            program.notes.append(visible(f"{label}: {in_words(content)}"))
