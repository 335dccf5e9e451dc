"""How the cells of each field are read."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.formats import LIST_SEPARATOR
from scholarship_api.catalogue.bulk.unknown_codes import MAX_TEXT
from scholarship_api.catalogue.columns import PART_FIELDS
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.exchange.targets import APPLY, CONTACT, OPENS_AT, ROUND
from scholarship_api.exchange.values import contacts, criteria, grades, words
from scholarship_api.exchange.values.dates import day
from scholarship_api.exchange.values.deadlines import deadline, time_zone
from scholarship_api.exchange.values.money import money
from scholarship_api.exchange.values.reading import (
    NO_LIMIT,
    Reading,
    UnreadableValueError,
    folded,
    says_nothing,
)
from scholarship_api.exchange.values.settings import ReadingSettings
from scholarship_api.visible_text import require_visible_characters
from scholarship_api.vocabularies.registry import VOCABULARIES

CRITERIA: Final = "eligibility_criteria."

MAX_CELL: Final = 1_000
"""Characters of a cell that is read as anything but text or JSON."""

_LONG: Final = frozenset({"other_requirements", CONTACT, APPLY, *PART_FIELDS})
_CRITERIA_NAMES: Final = frozenset(EligibilityCriteria.model_fields)
_POSITION: Final = re.compile(r" at line 1 column (\d+)$")

CellReader = Callable[[str, ReadingSettings], Reading]


def field_of(target: str) -> str:
    """The dotted name of the field that a column is mapped to."""
    if target in _CRITERIA_NAMES:
        return CRITERIA + target
    return _FIELDS_OF_TARGETS.get(target, target)


_FIELDS_OF_TARGETS: Final = {
    OPENS_AT: "rounds",
    ROUND: "rounds",
    CONTACT: "contact_email",
    APPLY: "application_url",
}


def read_cell(target: str, text: str, settings: ReadingSettings) -> Reading:
    """Read the text of a cell as fields of an award. Raises UnreadableValueError."""
    reader = _READERS.get(target)
    if len(text) > MAX_CELL and (reader or target in _CRITERIA_NAMES) and target not in _LONG:
        raise UnreadableValueError(f"is longer than {MAX_CELL} characters")
    if reader is not None:
        _refuse_invisible(text)
        return reader(text, settings)
    if target in PART_FIELDS:
        return _json(target, text)
    if target in _CRITERIA_NAMES:
        return _criterion(target, text)
    return Reading({target: text})


def _refuse_invisible(text: str) -> None:
    """A part of a text is never taken for a value because the rest of it cannot be seen."""
    try:
        require_visible_characters(text)
    except ValueError as error:
        raise UnreadableValueError(str(error)) from None


# --- Readers -------------------------------------------------------------------------------------


def _plain(normaliser: words.Normaliser) -> CellReader:
    def read(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
        return normaliser(text)

    return read


def _optional(normaliser: words.Normaliser) -> CellReader:
    """For cells that say `n/a` when there is no value."""

    def read(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
        return Reading() if says_nothing(text) else normaliser(text)

    return read


def _amount(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    return Reading() if says_nothing(text) else money(text)


def _bound(name: str) -> CellReader:
    """The lowest or highest amount, where a single amount stands for the bound alone."""

    def read(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
        if says_nothing(text):
            return Reading()
        reading = money(text)
        fields = dict(reading.fields)
        low, high = fields.pop("amount_min", None), fields.pop("amount_max", None)
        if low is not None and high is not None and low != high:
            raise UnreadableValueError("has several amounts")
        value = low if low is not None else high
        if value is not None:
            fields[name] = value
        return Reading(fields, words=reading.words, note=reading.note)

    return read


def _deadline(text: str, settings: ReadingSettings) -> Reading:
    return deadline(text, order=settings.date_order, today=settings.today)


def _date(field: str) -> CellReader:
    def read(text: str, settings: ReadingSettings) -> Reading:
        if says_nothing(text) or re.fullmatch(r"(?i)\s*tb[ad]\s*", text):
            return Reading()
        return Reading(
            {
                field: day(_without_midnight(text), settings.date_order)
                .date(settings.today)
                .isoformat()
            }
        )

    return read


def _opens_at(text: str, settings: ReadingSettings) -> Reading:
    """The beginning of the round, kept under a name of its own until the row is complete."""
    if says_nothing(text):
        return Reading()
    reading = deadline(text, order=settings.date_order, today=settings.today)
    fields = dict(reading.fields)
    if "application_deadline" in fields:
        return Reading({OPENS_AT: fields["application_deadline"]}, note=reading.note)
    if fields.get("deadline_kind") == "unknown":
        return Reading(words=reading.words)
    if fields.get("deadline_kind") == "rolling":  # `Open now`, `Always open`
        return Reading(words=text.strip())
    raise UnreadableValueError("is not the day on which applications open")


def _without_midnight(text: str) -> str:
    return re.sub(r"[ T]00:00(?::00(?:\.0+)?)?$", "", text.strip())


def _currency(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    if says_nothing(text):
        return Reading()
    code = text.strip().upper()
    if len(code) == 3 and code.isalpha():  # noqa: PLR2004
        return Reading({"currency": code})
    try:
        reading = money(f"1 {text.strip()}")
    except UnreadableValueError:
        reading = Reading()
    if "currency" not in reading.fields:
        raise UnreadableValueError("is not a currency")
    return Reading({"currency": reading.fields["currency"]}, note=reading.note)


def _organization(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    return Reading() if says_nothing(text) else Reading({"organization": text})


def _requirements_in_words(text: str) -> list[str]:
    """Bullets, lines and items of a text as requirements of their own."""
    parts = [
        part.strip(" \t-*\u2022\u00b7\u2013") for part in re.split(r"\s*(?:\n|;|•|·)\s*", text)
    ]
    return [part for part in parts if part]


def other_requirements(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001
    if text.startswith("["):
        return _json("other_requirements", text)
    if says_nothing(text) or folded(text).strip(" .") in NO_LIMIT:
        return Reading()
    parts = _requirements_in_words(text)
    if any(len(part) > MAX_TEXT for part in parts):
        return Reading(words=text.strip())
    return Reading({"other_requirements": parts})


def _requirements(text: str, settings: ReadingSettings) -> Reading:
    """The parts of an application as JSON, or requirements in words."""
    return (
        _json("requirements", text) if text.startswith("[") else other_requirements(text, settings)
    )


def _rounds(text: str, settings: ReadingSettings) -> Reading:
    return _json("rounds", text) if text.startswith("[") else _deadline(text, settings)


def _coverage(text: str, settings: ReadingSettings) -> Reading:
    if text.startswith("{"):
        return _json("coverage", text)
    return _amount(text, settings)


def _application(text: str, settings: ReadingSettings) -> Reading:
    if text.startswith("{"):
        return _json("application", text)
    return _how_to_apply(text, settings)


def _how_to_apply(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    """An address if there is one; other words are kept."""
    if says_nothing(text):
        return Reading()
    try:
        return contacts.web_address("application_url")(text)
    except UnreadableValueError:
        return Reading(words=text.strip())


def _flags(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    if text.startswith("["):
        return _json("flags", text)
    return Reading(
        {"flags": [part for item in text.split(LIST_SEPARATOR) if (part := item.strip())]}
    )


def _json(target: str, text: str) -> Reading:
    try:
        return Reading({target: from_json(text, allow_inf_nan=False)})
    except ValueError as error:
        message = _POSITION.sub(r" at character \1", str(error))
        raise UnreadableValueError(f"is not valid JSON: {message}") from None


def _round(text: str, settings: ReadingSettings) -> Reading:  # noqa: ARG001 - a CellReader
    return Reading() if says_nothing(text) else Reading({ROUND: text.strip()})


_VOCABULARY_OF: Final = {
    "residency_zips": "zips",
    "residency_countries": "countries",
    "institution_states": "states",
    "parent_professions": "professions",
    "future_professions": "professions",
}
_WHOLE_NUMBERS: Final = frozenset(
    {"min_age", "max_age", "max_income", "max_sai", "min_credits", "max_credits"}
)
_FLAGS: Final = frozenset(
    {"financial_need", "lgbtq", "first_generation", "pell_eligible", "study_abroad"}
)


def _criterion(target: str, text: str) -> Reading:
    if says_nothing(text):
        return Reading()
    field = CRITERIA + target
    if text.startswith("["):
        return Reading({field: _json(target, text).fields[target]})
    normaliser = _normaliser_of(target, field)
    if normaliser is not None:
        return normaliser(text)
    # Criteria that are objects, such as tests and institutions, have no form in one cell.
    in_words = f"{target.replace('_', ' ').capitalize()}: {text}"
    return Reading({"other_requirements": [in_words[:MAX_TEXT]]})


def _normaliser_of(target: str, field: str) -> words.Normaliser | None:
    if target in _FLAGS:
        return words.flag(field)
    if target in ("max_income", "max_sai"):
        return partial(_whole_money, field)
    if target in _WHOLE_NUMBERS:
        return words.whole_number(field)
    vocabulary = _VOCABULARY_OF.get(target, target)
    return criteria.codes(field, vocabulary) if vocabulary in VOCABULARIES else None


def _whole_money(field: str, text: str) -> Reading:
    fields = money(text).fields
    amount = fields.get("amount_max", fields.get("amount_min"))
    if not isinstance(amount, Decimal) or amount != int(amount):
        raise UnreadableValueError("is not a whole amount")
    return Reading({field: int(amount)})


_READERS: Final[dict[str, CellReader]] = {
    "amount": _amount,
    "amount_min": _bound("amount_min"),
    "amount_max": _bound("amount_max"),
    "currency": _currency,
    "max_awards": _optional(words.awards),
    "organization": _organization,
    "application_deadline": _deadline,
    OPENS_AT: _opens_at,
    ROUND: _round,
    CONTACT: _optional(contacts.contact),
    APPLY: _how_to_apply,
    "deadline_timezone": _optional(lambda text: Reading({"deadline_timezone": time_zone(text)})),
    "deadline_kind": _optional(words.code("deadline_kind", words.DEADLINE_KINDS)),
    "recurs": _optional(words.code("recurs", words.RECURRENCES)),
    "status": _optional(words.code("status", words.STATUSES)),
    "notification_date": _date("notification_date"),
    "last_verified_on": _date("last_verified_on"),
    "scholarship_type": _plain(words.award_type),
    "renewable": _optional(words.renewable),
    "essay_required": _optional(words.essay),
    "deadline_estimated": _optional(words.flag("deadline_estimated")),
    "criteria_complete": _optional(words.flag("criteria_complete")),
    "recommendation_letters": _optional(words.letters),
    "application_url": _optional(contacts.web_address("application_url")),
    "website_url": _optional(contacts.web_address("website_url")),
    "source_url": _optional(contacts.web_address("source_url")),
    "contact_email": _optional(contacts.email),
    "other_requirements": other_requirements,
    "requirements": _requirements,
    "rounds": _rounds,
    "coverage": _coverage,
    "application": _application,
    "flags": _flags,
    "min_gpa": _optional(grades.grade_average(CRITERIA + "min_gpa")),
    "max_gpa": _optional(grades.grade_average(CRITERIA + "max_gpa")),
    "grade_levels": _plain(criteria.levels),
    "fields_of_study": _plain(criteria.fields_of_study),
    "residency_states": _plain(criteria.states),
    "residency_counties": _plain(criteria.counties),
    "citizenship_required": _plain(criteria.citizenship),
    "class_rank_percent_max": _optional(
        criteria.number_of_percent(CRITERIA + "class_rank_percent_max")
    ),
}
"""By the target of a column; others are texts, JSON, or lists of codes."""

READ_AS_TEXT: Final = frozenset(_READERS.keys() - {OPENS_AT, ROUND, CONTACT, APPLY, "organization"})
"""Fields whose text in JSON is read like a cell."""
