"""Criteria of synthetic awards besides the nine first ones, with the share of each.

An award has as many of them as EXTRA_CRITERIA says, drawn by the weights of WEIGHTS. So the share
of a criterion is about its weight times 1.5, the mean number of them. The shares are estimates
after the bundled catalogue: many awards name a stage of study, a school, a county or an employer;
few name a religion, a disability or a status.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from scholarship_api.sample_data.tables import (
    TABLE_BITS,
    Bits,
    choose,
    choose_distinct,
    weighted_table,
    zipf_table,
)
from scholarship_api.sample_data.words import names
from scholarship_api.sample_data.world import Organization, World
from scholarship_api.vocabularies.registry import VOCABULARIES

Criteria = dict[str, Any]

EXTRA_CRITERIA: Final = ((0, 270), (1, 300), (2, 210), (3, 130), (4, 60), (5, 30))
"""How many further criteria an award has, and how many of 1000 awards have so many."""

WEIGHTS: Final[Mapping[str, int]] = {
    "class_years": 115,
    "enrollment": 115,
    "cip_codes": 75,
    "residency_countries": 60,
    "affiliations": 60,
    "graduation_statuses": 50,
    "current_institutions": 45,
    "heritages": 45,
    "institution_types": 45,
    "residency_counties": 45,
    "activities": 35,
    "degree_levels": 35,
    "future_institutions": 35,
    "high_schools": 30,
    "first_generation": 25,
    "genders": 25,
    "institution_states": 25,
    "military": 25,
    "citizenships": 20,
    "conditions": 20,
    "circumstances": 20,
    "tests": 20,
    "pell_eligible": 15,
    "max_income": 15,
    "residency_places": 15,
    "min_credits": 15,
    "future_professions": 12,
    "institution_categories": 12,
    "religions": 12,
    "class_rank_percent_max": 10,
    "graduation_years": 10,
    "immigration_statuses": 10,
    "residency_zips": 8,
    "interests": 8,
    "lgbtq": 7,
    "modes": 6,
    "study_abroad": 6,
    "max_credits": 5,
    "max_sai": 5,
    "languages": 4,
    "parent_professions": 4,
    "professions": 4,
    "alumni_of": 3,
    "events": 3,
}
"""Out of the sum of all weights: how often a further criterion is the one that is drawn."""

HERITAGES: Final[Mapping[str, Sequence[str]]] = {
    "Hispanic students": ("hispanic_latino",),
    "Black students": ("black_african_american",),
    "Native American students": ("american_indian_alaska_native",),
    "Latina women": ("hispanic_latino",),
    "Asian American students": ("asian",),
    "underrepresented students": (
        "american_indian_alaska_native",
        "black_african_american",
        "hispanic_latino",
        "native_hawaiian_pacific_islander",
    ),
    "African American students": ("black_african_american",),
    "tribal members": ("american_indian_alaska_native",),
    "Pacific Islander students": ("native_hawaiian_pacific_islander",),
    "Alaska Native students": ("american_indian_alaska_native",),
    "Native Hawaiian students": ("native_hawaiian_pacific_islander.native_hawaiian",),
    "Hmong students": ("asian.hmong",),
    "Armenian American students": ("ancestry.armenian",),
    "Chicano students": ("hispanic_latino.mexican",),
    "Filipino American students": ("asian.filipino",),
    "Korean American students": ("asian.korean",),
    "Arab American students": ("middle_eastern_north_african",),
    "Haitian American students": ("black_african_american.haitian",),
    "Somali students": ("black_african_american.somali",),
    "Cape Verdean students": ("ancestry.cape_verdean",),
    "Polish American students": ("white.polish",),
    "Portuguese American students": ("ancestry.portuguese",),
    "Roma students": ("ancestry.roma",),
}
"""The heritages of the communities that awards for minorities name in their texts."""

SEVERAL_SETS: Final = 60
"""Awards of 1000 that offer a second set of criteria."""

_GRADUATION_YEARS: Final = (2027, 2028, 2029, 2030)
_INCOMES: Final = (30_000, 40_000, 50_000, 60_000, 65_000, 75_000, 80_000, 100_000, 125_000)
_COMPANIES: Final = tuple(f"Acme {firm}" for firm in names.FIRMS)
_UNIONS: Final = ("Carpenters", "Electricians", "Machinists", "Nurses", "Teachers", "Steelworkers")
_CLUBS: Final = ("Rotary", "Lions", "Grange", "4-H", "Junior Achievement", "Chess Federation")
_ACTIVITIES: Final = (
    "sports",
    "sports.football",
    "sports.basketball",
    "sports.soccer",
    "sports.track",
    "performing_arts.music",
    "performing_arts.theater",
    "student_government",
    "debate",
    "scouting",
    "robotics",
    "agriculture",
)
_INTERESTS: Final = ("environment", "environment.oceans", "history", "aviation", "animals", "peace")
_PROFESSIONS: Final = ("29-1141", "25-2", "33-2", "47-2", "17-2", "53-2", "firefighter", "police")
_RELIGIONS: Final = (
    "christian",
    "christian.catholic",
    "christian.lutheran",
    "christian.methodist",
    "christian.baptist",
    "jewish",
    "muslim",
    "hindu",
)
_YEARS_OF: Final[Mapping[str, Sequence[str]]] = {
    "high_school": ("grade_12", "grade_12", "grade_12", "grade_11"),
    "undergraduate": tuple(f"undergraduate_{year}" for year in (3, 2, 4, 1)),
    "graduate": ("graduate_1", "graduate_2"),
    "doctoral": ("graduate_2", "graduate_3", "graduate_4"),
}


class Context(NamedTuple):
    """The part of an award that its further criteria have to agree with."""

    organization: Organization
    levels: Sequence[str]
    towns: Sequence[tuple[str, str]]
    """A table of towns with their states."""


Draw = Callable[[Bits, Context], Any]


def _terms(vocabulary: str) -> tuple[str, ...]:
    return tuple(VOCABULARIES[vocabulary].terms)


def _one_of(values: Sequence[Any]) -> Draw:
    table = zipf_table(tuple(values), offset=2)
    return lambda bits, _: [table[bits(TABLE_BITS)]]


def _some_of(values: Sequence[Any], numbers: Sequence[tuple[int, int]]) -> Draw:
    table = zipf_table(tuple(values), offset=2)
    amounts = weighted_table(numbers)
    return lambda bits, _: choose_distinct(table, amounts[bits(TABLE_BITS)], bits)


def _number(values: Sequence[int]) -> Draw:
    table = zipf_table(tuple(values), offset=4)
    return lambda bits, _: table[bits(TABLE_BITS)]


def _true(bits: Bits, context: Context) -> bool:  # noqa: ARG001 - the signature of Draw
    return True


def _class_years(bits: Bits, context: Context) -> list[str] | None:
    years = [year for level in context.levels for year in _YEARS_OF.get(level, ())]
    if not years:
        return None
    first = choose(years, bits)
    second = choose(years, bits)
    return list(dict.fromkeys((first, second)))


def _counties(bits: Bits, context: Context) -> list[str] | None:
    counties = _counties_by_state().get(context.organization.state)
    if not counties:
        return None
    start = bits(TABLE_BITS) % len(counties)
    return list(counties[start : start + 1 + bits(2)])


def _states(bits: Bits, context: Context) -> list[str] | None:  # noqa: ARG001
    state = context.organization.state
    return [state] if state else None


def _countries(bits: Bits, context: Context) -> list[str]:  # noqa: ARG001
    return [context.organization.country]


def _citizenships(bits: Bits, context: Context) -> list[str]:
    country = context.organization.country
    others = ("permanent_resident", "CA") if country == "US" else ("IE", "CH")
    return [country, *others[: 1 + bits(1)]]


def _institution(bits: Bits, context: Context) -> list[dict[str, str]]:
    kind = ("University", "College", "State University", "Community College")[bits(2)]
    return [_place_named(f"%s {kind}", bits, context)]


def _high_school(bits: Bits, context: Context) -> list[dict[str, str]]:
    return [_place_named("%s High School", bits, context)]


def _place(bits: Bits, context: Context) -> list[dict[str, str]]:
    return [_place_named("%s", bits, context)]


def _place_named(pattern: str, bits: Bits, context: Context) -> dict[str, str]:
    town, state = choose(context.towns, bits)
    return {"name": pattern % town, "state": context.organization.state or state}


def _zips(bits: Bits, context: Context) -> list[str]:  # noqa: ARG001
    start = 10_000 + bits(16) % 80_000
    return [str(start + number) for number in range(1 + bits(3))]


def _military(bits: Bits, context: Context) -> list[dict[str, list[str]]]:  # noqa: ARG001
    relations, statuses = (
        (["self"], ["veteran", "active_duty"]),
        (["child", "dependent"], ["active_duty", "reserve", "national_guard", "retired"]),
        (["child", "spouse"], ["veteran"]),
        (["surviving_child", "surviving_spouse"], []),
    )[bits(2)]
    tie = {"relations": relations, "statuses": statuses}
    if not bits(2):
        tie["branches"] = [_tables().branches[bits(TABLE_BITS)]]
    return [{part: codes for part, codes in tie.items() if codes}]


def _conditions(bits: Bits, context: Context) -> list[dict[str, str]]:  # noqa: ARG001
    relation = "self" if bits(3) else "parent"
    return [{"condition": _tables().conditions[bits(TABLE_BITS)], "relation": relation}]


def _affiliations(bits: Bits, context: Context) -> list[dict[str, Any]]:  # noqa: ARG001
    kind, relations = _tables().affiliations[bits(TABLE_BITS)]
    known = {"employer": _COMPANIES, "union": _UNIONS, "club": _CLUBS}.get(kind)
    group: dict[str, Any] = {"name": choose(known, bits)} if known else {}
    return [{**group, "kind": kind, "relations": list(relations)}]


def _tests(bits: Bits, context: Context) -> list[dict[str, Any]]:  # noqa: ARG001
    step = bits(3)
    return [
        {"test": "sat", "section": "total", "min": 1000 + 50 * step},
        {"test": "act", "section": "composite", "min": 19 + 2 * step},
    ]


@functools.cache
def _counties_by_state() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for term in VOCABULARIES["counties"].terms.values():
        found.setdefault(term.label[-2:], []).append(term.code)
    return {state: tuple(codes) for state, codes in found.items()}


_FEW: Final = ((1, 70), (2, 20), (3, 10))


def _draws() -> Mapping[str, Draw]:
    return {
        "class_years": _class_years,
        "enrollment": _some_of(
            ("full_time", "half_time", "three_quarter_time"), ((1, 75), (3, 25))
        ),
        "cip_codes": _some_of(_terms("cip_codes"), _FEW),
        "residency_countries": _countries,
        "affiliations": _affiliations,
        "graduation_statuses": _some_of(_terms("graduation_statuses"), _FEW),
        "current_institutions": _institution,
        "heritages": _some_of(
            (
                "hispanic_latino",
                "black_african_american",
                "american_indian_alaska_native",
                "asian",
                "native_hawaiian_pacific_islander",
                "white.italian",
                "ancestry.armenian",
                "white.polish",
            ),
            ((1, 60), (2, 10), (4, 30)),
        ),
        "institution_types": _some_of(
            ("four_year", "two_year", "public", "community_college", "trade_school"), _FEW
        ),
        "residency_counties": _counties,
        "activities": _some_of(_ACTIVITIES, _FEW),
        "degree_levels": _some_of(
            ("bachelor", "associate", "master", "certificate_1_2y", "doctor_research"), _FEW
        ),
        "future_institutions": _institution,
        "high_schools": _high_school,
        "first_generation": _true,
        "genders": _some_of(("woman", "nonbinary", "man"), ((1, 80), (2, 20))),
        "institution_states": _states,
        "military": _military,
        "citizenships": _citizenships,
        "conditions": _conditions,
        "circumstances": _some_of(_terms("circumstances"), _FEW),
        "tests": _tests,
        "pell_eligible": _true,
        "max_income": _number(_INCOMES),
        "residency_places": _place,
        "min_credits": _number((12, 24, 30, 45, 60)),
        "future_professions": _one_of(_PROFESSIONS),
        "institution_categories": _some_of(_terms("institution_categories"), _FEW),
        "religions": _one_of(_RELIGIONS),
        "class_rank_percent_max": _number((10, 25, 20, 5, 33, 50)),
        "graduation_years": _some_of(_GRADUATION_YEARS, _FEW),
        "immigration_statuses": _some_of(
            ("daca", "undocumented", "refugee", "permanent_resident", "asylee", "tps"), _FEW
        ),
        "residency_zips": _zips,
        "interests": _one_of(_INTERESTS),
        "lgbtq": _true,
        "modes": _one_of(("in_person", "online", "study_abroad")),
        "study_abroad": _true,
        "max_credits": _number((60, 90, 120)),
        "max_sai": _number((1500, 3000, 500, 6000, 10_000)),
        "languages": _one_of(("es", "zh", "fr", "ar", "ru", "ja")),
        "parent_professions": _one_of(_PROFESSIONS),
        "professions": _one_of(_PROFESSIONS),
        "alumni_of": _institution,
        "events": _one_of(_terms("events")),
    }


class _Tables:
    def __init__(self) -> None:
        self.names = weighted_table(WEIGHTS.items())
        self.numbers = weighted_table(EXTRA_CRITERIA)
        self.has_several_sets = weighted_table(((True, SEVERAL_SETS), (False, 1000 - SEVERAL_SETS)))
        self.draws = _draws()
        self.branches = zipf_table(_terms("military_branches"))
        self.conditions = zipf_table(_terms("conditions"))
        self.affiliations = weighted_table(
            (
                (("employer", ("self", "parent", "spouse")), 45),
                (("union", ("self", "parent")), 20),
                (("club", ("self",)), 15),
                (("religious_body", ("self", "parent")), 8),
                (("tribe", ("self",)), 6),
                (("credit_union", ("self", "parent")), 6),
            )
        )


# As in synthetic.py: once, and not at import.
_tables = functools.cache(_Tables)


class FurtherCriteria:
    """Draws further criteria from a source of random bits of its own."""

    def __init__(self, world: World, bits: Bits) -> None:
        self._towns = world.towns
        self._bits = bits

    def sets(
        self, criteria: Mapping[str, Any], organization: Organization, levels: Sequence[str]
    ) -> list[Criteria]:
        """The criteria with further ones: one set, or two of which either suffices."""
        context = Context(organization, levels, self._towns)
        first = self._extended(criteria, context, _tables().numbers[self._bits(TABLE_BITS)])
        if not _tables().has_several_sets[self._bits(TABLE_BITS)]:
            return [first]
        second = self._extended(criteria, context, 1)
        return [first] if second == first else [first, second]

    def _extended(self, criteria: Mapping[str, Any], context: Context, number: int) -> Criteria:
        found = dict(criteria)
        tables = _tables()
        for _ in range(number):
            name = tables.names[self._bits(TABLE_BITS)]
            if name in found or _is_answered_already(name, found):
                continue
            value = tables.draws[name](self._bits, context)
            if value is not None:
                found[name] = value
        return found


_ALTERNATIVES: Final = (
    ("citizenship_required", "citizenships", "immigration_statuses"),
    (
        "residency_states",
        "residency_counties",
        "residency_countries",
        "residency_zips",
        "residency_places",
    ),
)
"""Criteria of which one suffices: a second one would make the first pointless."""


def _is_answered_already(name: str, criteria: Mapping[str, Any]) -> bool:
    return any(
        name in alternatives and any(other in criteria for other in alternatives)
        for alternatives in _ALTERNATIVES
    )
