"""Plain SQL that says which awards the filters of a search keep, to compare answers with.

It knows nothing of the read model. A temporary table has one row for each set of criteria of each
award, with everything that is named of a kind in one array: an award is kept if one of its sets
names nothing of that kind, or something that suits the filter.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psycopg

from scholarship_api.catalogue.read_model.places import FIPS_OF_STATE, locate_zip

Connection = psycopg.Connection[tuple[Any, ...]]

_PLACES: Final = """
CREATE TEMPORARY TABLE fips (digits text PRIMARY KEY, state text);
CREATE TEMPORARY TABLE zips (zip text PRIMARY KEY, state text);
"""

_CRITERIA_COLUMNS: Final = """jsonb_strip_nulls(jsonb_build_object(
    'fields_of_study', fields_of_study, 'grade_levels', grade_levels, 'min_gpa', min_gpa,
    'max_gpa', max_gpa, 'residency_states', residency_states,
    'citizenship_required', citizenship_required))"""
"""The only set of an award without `eligibility_sets`."""

_SETS: Final = f"""
CREATE TEMPORARY TABLE sets AS
SELECT a.id, a.scholarship_type, a.renewable, a.amount, a.application_deadline,
    coalesce(a.coverage ->> 'kind' IN ('full_tuition', 'full_cost'), false) AS covers_all,
    (s ->> 'min_gpa')::numeric AS min_gpa,
    (s ->> 'max_gpa')::numeric AS max_gpa,
    ARRAY(SELECT jsonb_array_elements_text(s -> 'fields_of_study')) AS fields,
    ARRAY(SELECT jsonb_array_elements_text(s -> 'grade_levels')) AS grades,
    ARRAY(
        SELECT jsonb_array_elements_text(s -> 'residency_states')
        UNION ALL
        SELECT 'country ' || jsonb_array_elements_text(s -> 'residency_countries')
        UNION ALL
        SELECT coalesce(fips.state, 'nowhere')
        FROM jsonb_array_elements_text(s -> 'residency_counties') AS county
        LEFT JOIN fips ON fips.digits = left(county, 2)
        UNION ALL
        SELECT coalesce(zips.state, 'nowhere')
        FROM jsonb_array_elements_text(s -> 'residency_zips') AS code
        LEFT JOIN zips ON zips.zip = code
        UNION ALL
        SELECT coalesce(place ->> 'state', 'anywhere')
        FROM jsonb_array_elements(s -> 'residency_places') AS place
    ) AS homes,
    ARRAY(
        SELECT s ->> 'citizenship_required' WHERE s ->> 'citizenship_required' IS NOT NULL
        UNION ALL
        SELECT jsonb_array_elements_text(s -> 'citizenships')
        UNION ALL
        SELECT 'status ' || jsonb_array_elements_text(s -> 'immigration_statuses')
        UNION ALL
        SELECT 'status of a foreigner'
        FROM jsonb_array_elements_text(s -> 'immigration_statuses') AS status
        WHERE status NOT IN ('us_citizen', 'us_national')
    ) AS citizens
FROM scholarships AS a,
    jsonb_array_elements(coalesce(a.eligibility_sets, jsonb_build_array({_CRITERIA_COLUMNS}))) AS s
WHERE a.status = 'published'
"""

_CONDITIONS: Final = {
    "fields_of_study": "(fields = '{}' OR fields && %(fields_of_study)s::text[])",
    "grade_level": "(grades = '{}' OR grades && %(grade_level)s::text[])",
    "states": "(homes = '{}' OR homes && %(states)s::text[])",
    "citizenship": "(citizens = '{}' OR citizens && %(citizenship)s::text[])",
    "min_gpa": "coalesce(min_gpa <= %(min_gpa)s::numeric, true)"
    " AND coalesce(max_gpa >= %(min_gpa)s::numeric, true)",
    "scholarship_types": "scholarship_type = ANY (%(scholarship_types)s::text[])",
    "renewable": "renewable = %(renewable)s::boolean",
    "max_amount": "amount <= %(max_amount)s::numeric",
}
_MIN_AMOUNT: Final = "amount >= %(min_amount)s::numeric"
_MIN_AMOUNT_ALONE: Final = f"({_MIN_AMOUNT} OR covers_all)"
"""An award that covers everything is above any amount, but has no amount below another."""

_NO_FILTERS: Final = frozenset({"limit"})

_TERRITORIES: Final = frozenset({"PR", "GU", "VI", "MP", "UM", "AS"})
"""States that are countries, too."""


def prepare(connection: Connection) -> None:
    """Make the tables that `counts` reads; they belong to the connection."""
    connection.execute(_PLACES)
    named = connection.execute(
        "SELECT DISTINCT jsonb_array_elements_text(s -> 'residency_zips')"
        " FROM scholarships, jsonb_array_elements(eligibility_sets) AS s"
    ).fetchall()
    zips = ((code, found.state) for (code,) in named if (found := locate_zip(code)) is not None)
    digits = ((number, state) for state, number in FIPS_OF_STATE.items())
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO zips VALUES (%s, %s)", list(zips))
        cursor.executemany("INSERT INTO fips VALUES (%s, %s)", list(digits))
    connection.execute(_SETS)
    connection.execute("ANALYZE sets")


def counts(connection: Connection, path: str) -> Mapping[str, int]:
    """The number of open awards of each type that a search by filters only finds."""
    condition, values = _where(path)
    return dict(
        connection.execute(
            "SELECT scholarship_type, count(DISTINCT id) FROM sets"
            " WHERE (application_deadline IS NULL OR application_deadline >= now())"
            f" AND {condition} GROUP BY 1",
            values,
        ).fetchall()
    )


def _where(path: str) -> tuple[str, dict[str, Any]]:
    """The condition of a search's filters, and its values. Raises KeyError for other filters."""
    asked = {name: text for name, [text] in parse_qs(urlsplit(path).query).items()}
    conditions, values = ["true"], dict[str, Any]()
    for name in asked.keys() - _NO_FILTERS:
        if name == "min_amount":
            conditions.append(_MIN_AMOUNT if "max_amount" in asked else _MIN_AMOUNT_ALONE)
        else:
            conditions.append(_CONDITIONS[name])
        values[name] = _suiting(name, asked[name])
    return " AND ".join(conditions), values


def _suiting(name: str, text: str) -> str | list[str]:
    """Everything that suits the value of a filter, or the value if it is a bound."""
    codes = text.split(",")
    if name == "states":
        countries = ("US", *_TERRITORIES.intersection(codes))
        return [*codes, "anywhere", *(f"country {code}" for code in countries)]
    if name == "citizenship":
        return _suiting_citizen(text)
    return codes if name in ("fields_of_study", "grade_level", "scholarship_types") else text


def _suiting_citizen(citizenship: str) -> list[str]:
    if citizenship == "US":
        return ["US", "permanent_resident", "status us_citizen"]
    if citizenship == "permanent_resident":
        return [citizenship, f"status {citizenship}", "status eligible_noncitizen"]
    return [citizenship, "international", "status of a foreigner"]
