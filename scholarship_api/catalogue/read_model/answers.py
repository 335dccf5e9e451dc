"""The consequences of the answers of a profile.

A state lies in a country, a citizen of the US has the status of one, and a county is part of a
state. The criteria go by these consequences. They are codes like the others; those in capital
letters stand for what is left open, such as any county of a state. A field that nobody answered,
and nothing else answers, has no entry: it is unknown.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from scholarship_api.catalogue.read_model.ages import age_on
from scholarship_api.catalogue.read_model.entries import FOREIGN, test_of
from scholarship_api.catalogue.read_model.gpa_scales import on_four
from scholarship_api.catalogue.read_model.nesting import with_broader
from scholarship_api.catalogue.read_model.places import FIPS_OF_STATE, locate_zip, state_of_county
from scholarship_api.vocabulary import (
    INTERNATIONAL,
    PERMANENT_RESIDENT,
    FieldOfStudy,
    GradeLevel,
    accepted_by,
)

Answers = Mapping[str, Any]
"""The answers of a student, by field; a field without an answer is left out, or None."""

US: Final = "US"
TERRITORIES: Final = frozenset({"PR", "GU", "VI", "MP", "UM", "AS"})
"""Territories of the US that have country codes of their own; they count as the US."""

OTHER_NATIONALS: Final = "AS"
"""Persons from American Samoa are nationals of the US."""

FREELY_ASSOCIATED: Final = frozenset({"FM", "MH", "PW"})

# The codes of what an answer leaves open.
ANY_STATUS: Final = "ANY STATUS OF A FOREIGNER"
ANY_FOREIGN_CITIZENSHIP: Final = "ANY FOREIGN CITIZENSHIP"
ANY_CITIZENSHIP: Final = "ANY CITIZENSHIP"
ANY_STATE: Final = "ANY STATE"
ANY_GENDER: Final = "ANY GENDER"

_CITIZEN_STATUSES: Final = frozenset({"us_citizen", "us_national"})


def derive(told: Mapping[str, Any]) -> Answers:
    """The answers that criteria are held against. `told` has a profile's values by field.

    Lists that were not answered have to be left out; those that are empty say "none of these".
    """
    answers: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    if "gpa" in answers:
        answers["gpa"] = on_four(answers["gpa"], f"{answers.get('gpa_scale', 4):g}")
    _derive_citizenship(answers)
    _derive_residence(answers)
    _derive_studies(answers)
    _derive_institutions(answers)
    if answers.get("genders") == ["transgender"]:
        answers["gender_codes"] = ["transgender", ANY_GENDER]
    elif "genders" in answers:
        answers["gender_codes"] = answers["genders"]
    if "tests" in answers and "tests" not in answers.get("answered", ()):
        mentioned = {test_of(entry) for entry in answers["tests"]}
        answers["scores"] = [*answers["tests"], {"mentioned": mentioned}]
    elif "tests" in answers:
        answers["scores"] = answers["tests"]
    return answers


def on_day(answers: Answers, day: dt.date) -> Answers:
    """The same with the age on a day, if a date of birth was given and no age."""
    if answers.get("age") is not None or answers.get("birth_date") is None:
        return answers
    return {**answers, "age": age_on(answers["birth_date"], day)}


def _listed(*values: Any) -> list[Any]:  # noqa: ANN401 - one value, several, or none
    found: list[Any] = []
    for value in values:
        if value is None:
            continue
        found += [value] if isinstance(value, str) else value
    return list(dict.fromkeys(found))


# --- Citizenship and immigration status ----------------------------------------------------------


def _derive_citizenship(answers: dict[str, Any]) -> None:
    citizenships = _listed(answers.get("citizenship"), answers.get("citizenships"))
    statuses = _listed(answers.get("immigration_statuses"))
    if citizenships or statuses:
        answers["citizenship_codes"] = [*citizenships, *_citizenships_of(statuses, citizenships)]
        answers["status_codes"] = [*statuses, *_statuses_of(citizenships, statuses)]
    if citizenships:
        answers.setdefault("citizenship", citizenships)


def _citizenships_of(statuses: Collection[str], citizenships: Collection[str]) -> Iterable[str]:
    satisfied = {
        code for status in statuses for code in with_broader("immigration_statuses", status)
    }
    if satisfied & _CITIZEN_STATUSES:
        yield US
    elif PERMANENT_RESIDENT in satisfied:
        yield PERMANENT_RESIDENT
    elif any(status.startswith("visa_") for status in statuses):
        yield INTERNATIONAL
    if citizenships or not statuses or satisfied & _CITIZEN_STATUSES:
        return
    tells_nothing = set(statuses) <= {"ab540", "eligible_noncitizen"}
    yield ANY_CITIZENSHIP if tells_nothing else ANY_FOREIGN_CITIZENSHIP


def _statuses_of(citizenships: Collection[str], statuses: Collection[str]) -> Iterable[str]:
    for citizenship in citizenships:
        if citizenship == OTHER_NATIONALS:
            yield "us_national"
        elif citizenship == US or citizenship in TERRITORIES:
            yield "us_citizen"
        elif citizenship == PERMANENT_RESIDENT:
            yield PERMANENT_RESIDENT
        elif citizenship in FREELY_ASSOCIATED:
            yield "fas_citizen"
    if not statuses and set(citizenships).isdisjoint({US, PERMANENT_RESIDENT, *TERRITORIES}):
        yield ANY_STATUS


def accepted_citizenships(code: str) -> tuple[str, ...]:
    """The values of awards that somebody with this citizenship meets."""
    if code in TERRITORIES:
        return (code, *accepted_by(US))
    if code.isupper() and " " in code:  # one of those that are left open
        return ()
    return accepted_by(code)


def open_citizenships(code: str) -> tuple[str, ...]:
    """Which of the answers that leave something open leave this citizenship open."""
    if code in (US, PERMANENT_RESIDENT) or code in TERRITORIES:
        return (ANY_CITIZENSHIP,)
    return (ANY_FOREIGN_CITIZENSHIP, ANY_CITIZENSHIP)


def open_statuses(code: str) -> tuple[str, ...]:
    """The same for a status; `eligible_noncitizen` leaves open which one it is."""
    broader = with_broader("immigration_statuses", code)[1:]
    return broader if code in _CITIZEN_STATUSES else (*broader, ANY_STATUS)


# --- Residence -----------------------------------------------------------------------------------


def _derive_residence(answers: dict[str, Any]) -> None:
    for part, value in (answers.pop("residence", None) or {}).items():
        if value is not None:
            answers[f"residence.{part}"] = value
    zips = _listed(answers.get("residence.zip"))
    counties = _listed(answers.get("residence.county"))
    states = _listed(answers.get("state_of_residence"), answers.get("residence.state"))
    countries = _listed(answers.get("residence.country"))
    place = answers.get("residence.place")
    if not (zips or counties or states or countries or place):
        return
    located = [found for code in zips if (found := locate_zip(code)) is not None]
    zip_counties = _listed([found.county for found in located if found.county])
    known_states = _listed(
        states
        or [state_of_county(county) for county in counties]
        or [found.state for found in located]
        or [place.get("state") if place else None],
        [country for country in countries if country in TERRITORIES],
    )
    known_states = [state for state in known_states if state is not None]
    if known_states:
        [only, *others] = known_states
        answers.setdefault("state_of_residence", known_states if others else only)
    known_countries = _listed(
        countries,
        [US] if known_states else None,
        [state for state in known_states if state in TERRITORIES],
    )
    if known_countries:
        is_foreign = US not in known_countries
        elsewhere = [FOREIGN] if is_foreign else [ANY_STATE]
        in_states = [_county_in(state) for state in known_states]
        answers["country_codes"] = known_countries
        answers["state_codes"] = known_states or elsewhere
        answers["county_codes"] = _counties(counties, zip_counties) or in_states or elsewhere
        answers["zip_codes"] = zips or _zips_in(counties) or in_states or elsewhere
        place_states = elsewhere if is_foreign else known_states
    else:  # a place whose state is not given
        place_states = []
    answers["places"] = _places(place, place_states)


def _counties(told: Collection[str], of_zips: Collection[str]) -> list[str]:
    """The counties; when a ZIP code lies in another one than was told, either may be meant."""
    if told and of_zips and set(told).isdisjoint(of_zips):
        return [_either(county) for county in (*told, *of_zips)]
    found = _listed(told or of_zips)
    for county in tuple(found):
        if county.startswith(_CONNECTICUT):
            found.append(_REGION if county >= _FIRST_REGION else _FORMER_COUNTY)
    return found


def _places(
    place: Mapping[str, Any] | None, states: Collection[str]
) -> list[Mapping[str, str | None]]:
    if place is None:
        return [{"state": state} for state in states] or [{}]
    state = place.get("state")
    if state is None and len(states) == 1:
        [state] = states
    return [{"name": place["name"], "state": None if state == ANY_STATE else state}]


def _county_in(state: str) -> str:
    return f"COUNTY IN {FIPS_OF_STATE.get(state, state)}"


def _either(county: str) -> str:
    return f"PERHAPS {county}"


def _zips_in(counties: Iterable[str]) -> list[str]:
    return [f"ZIP IN {county}" for county in counties]


_CONNECTICUT: Final = "09"
_FIRST_REGION: Final = "09110"
"""Connecticut's planning regions took the place of its counties, with numbers from this one on. A
county lies in several regions, and the other way round."""
_FORMER_COUNTY: Final = "A FORMER COUNTY OF CONNECTICUT"
_REGION: Final = "A PLANNING REGION OF CONNECTICUT"


def open_states(code: str) -> tuple[str, ...]:  # noqa: ARG001 - the same for all states
    return (ANY_STATE,)


def open_counties(code: str) -> tuple[str, ...]:
    """Which answers leave open whether somebody lives in this county."""
    found = (f"COUNTY IN {code[:2]}", ANY_STATE, _either(code))
    if code.startswith(_CONNECTICUT):
        return (*found, _FORMER_COUNTY if code >= _FIRST_REGION else _REGION)
    return found


def open_zips(code: str) -> tuple[str, ...]:
    """Which answers leave open whether somebody lives in the area of this ZIP code."""
    location = locate_zip(code)
    if location is None:
        return (ANY_STATE,)
    state = _county_in(location.state)
    if location.county is None:
        return (ANY_STATE, state)
    return (ANY_STATE, state, f"ZIP IN {location.county}")


# --- Studies and institutions --------------------------------------------------------------------

_FIELD_OF_FAMILY: Final = {
    "11": FieldOfStudy.TECHNOLOGY,
    "13": FieldOfStudy.EDUCATION,
    "14": FieldOfStudy.ENGINEERING,
    "15": FieldOfStudy.ENGINEERING,
    "22": FieldOfStudy.LAW,
    "26": FieldOfStudy.SCIENCE,
    "27": FieldOfStudy.MATHEMATICS,
    "40": FieldOfStudy.SCIENCE,
    "42": FieldOfStudy.SOCIAL_SCIENCES,
    "45": FieldOfStudy.SOCIAL_SCIENCES,
    "50": FieldOfStudy.ARTS,
    "52": FieldOfStudy.BUSINESS,
}
"""Families of programs that lie in one field of study. 51, health, is in two: medicine, nursing."""

_NURSING: Final = ("51.38", "51.39")


def _field_of(program: str) -> str | None:
    if program.startswith(_NURSING):
        return FieldOfStudy.NURSING.value
    if program.startswith("51."):
        return FieldOfStudy.MEDICINE.value
    field = _FIELD_OF_FAMILY.get(program[:2])
    return None if field is None else field.value


def _derive_studies(answers: dict[str, Any]) -> None:
    for several, one in (
        ("grade_levels", "grade_level"),
        ("fields_of_study", "field_of_study"),
    ):
        values = _listed(answers.get(one), answers.pop(several, None))
        if len(values) > 1:
            answers[one] = values
        elif values:
            [answers[one]] = values
    if "grade_level" not in answers:
        years = answers.get("class_years") or []
        levels = [
            GradeLevel.HIGH_SCHOOL.value if year.startswith("grade") else "undergraduate"
            for year in years
            if not year.startswith("graduate")
        ]
        if levels and len(levels) == len(years):
            answers["grade_level"] = _listed(levels)
    if "field_of_study" not in answers:
        fields = [_field_of(program) for program in answers.get("cip_codes") or []]
        if fields and None not in fields:
            answers["field_of_study"] = _listed(fields)
    if "study_abroad" not in answers and "study_abroad" in (answers.get("modes") or ()):
        answers["study_abroad"] = True


_LENGTHS: Final = frozenset({"four_year", "two_year", "less_than_two_year"})
_CONTROLS: Final = frozenset({"public", "private_nonprofit", "private_for_profit"})
ANY_LENGTH: Final = "ANY LENGTH"
ANY_CONTROL: Final = "ANY CONTROL"
ANY_KIND: Final = "ANY KIND"
_COMMUNITY_COLLEGE: Final = "community_college"


def _derive_institutions(answers: dict[str, Any]) -> None:
    if "institution_types" in answers:
        answers["institution_type_codes"] = _types(answers["institution_types"])
    if "institution_states" not in answers:
        states = [
            entry["state"]
            for name in ("current_institutions", "future_institutions")
            for entry in answers.get(name) or ()
            if entry.get("state")
        ]
        if states:
            answers["institution_states"] = _listed(states)


def _types(given: Collection[str]) -> list[str]:
    """The types, with what is open: somebody who said `public` did not say for how long."""
    codes = {code for each in given for code in with_broader("institution_types", each)}
    if {"two_year", "public"} <= codes:
        codes.add(_COMMUNITY_COLLEGE)
    has_length, has_control = bool(codes & _LENGTHS), bool(codes & _CONTROLS)
    if not codes:
        return []
    if not has_length:
        codes.add(ANY_LENGTH)
    if not has_control:
        codes.add(ANY_CONTROL)
    if not (has_length and has_control):
        codes.add(ANY_KIND)
        is_excluded = codes & (_LENGTHS - {"two_year"}) or codes & (_CONTROLS - {"public"})
        if not is_excluded:
            codes.add("PERHAPS A COMMUNITY COLLEGE")
    return sorted(codes)


def open_types(code: str) -> tuple[str, ...]:
    if code == _COMMUNITY_COLLEGE:
        return ("PERHAPS A COMMUNITY COLLEGE",)
    if code in _LENGTHS:
        return (ANY_LENGTH,)
    return (ANY_CONTROL,) if code in _CONTROLS else (ANY_KIND,)


def open_genders(code: str) -> tuple[str, ...]:  # noqa: ARG001 - the same for all genders
    return (ANY_GENDER,)
