"""Filters, sort orders and facets, compared with the same rules in plain Python."""

import datetime as dt
import itertools
import zoneinfo
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType

pytestmark = pytest.mark.anyio

Award = dict[str, Any]

PATH = "/api/v1/search"
TODAY = dt.datetime.now(dt.UTC).date()

days = st.integers(-6, 42).map(lambda offset: (TODAY + dt.timedelta(days=offset)).isoformat())
instants = st.builds(
    lambda day, hour, zone: f"{day}T{hour:02d}:15:00{zone}",
    days,
    st.integers(0, 23),
    st.sampled_from(["", "Z", "+09:00", "-11:00"]),
)
amounts = st.sampled_from([0, 1, 500, 1000.0, 2500.5, 20000, 30000])
some_filters = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(["quokka", "zebra ibis", '"marmot award"', "award -quokka", "zeb"]),
        "fields_of_study": st.lists(st.sampled_from(list(FieldOfStudy)), min_size=1, max_size=3),
        "scholarship_types": st.lists(
            st.sampled_from(list(ScholarshipType)), min_size=1, max_size=3
        ),
        "states": st.lists(st.sampled_from(["CA", "NY", "TX", "VT"]), min_size=1, max_size=2),
        "min_amount": amounts,
        "max_amount": amounts,
        "min_gpa": st.sampled_from([0, 2.0, 2.75, 3.5, 4.0]),
        "citizenship": st.sampled_from(["US", "DE", "FR", "international", "permanent_resident"]),
        "grade_level": st.sampled_from(list(GradeLevel)),
        "deadline_after": days | instants,
        "deadline_before": days | instants,
        "renewable": st.booleans(),
        "include_closed": st.booleans(),
        "sort": st.sampled_from(["relevance", "deadline", "amount", "newest"]),
    },
)


def accepts(award: Award, filters: dict[str, Any], now: dt.datetime) -> bool:
    """The filters of docs/api.md, one line each."""

    def open_to(column: str, wanted: list[str]) -> bool:
        return not award[column] or bool(set(award[column]) & set(wanted))

    deadline, amount = award["application_deadline"], award["amount_max"]
    citizenship = filters.get("citizenship")
    accepted = {
        "international": {None, "international"},
        "permanent_resident": {None, "permanent_resident"},
        "US": {None, "US", "permanent_resident"},
    }.get(citizenship or "", {None, citizenship, "international"})
    gpa = None if "min_gpa" not in filters else Decimal(str(filters["min_gpa"]))
    rules = [
        award["status"] == "published",
        filters.get("include_closed") or deadline is None or deadline >= now,
        "q" not in filters or says(award, filters["q"]),
        "fields_of_study" not in filters or open_to("fields_of_study", filters["fields_of_study"]),
        "states" not in filters or open_to("residency_states", filters["states"]),
        "grade_level" not in filters or open_to("grade_levels", [filters["grade_level"]]),
        award["scholarship_type"] in filters.get("scholarship_types", [award["scholarship_type"]]),
        citizenship is None or award["citizenship_required"] in accepted,
        "min_amount" not in filters or (amount is not None and amount >= filters["min_amount"]),
        "max_amount" not in filters or (amount is not None and amount <= filters["max_amount"]),
        gpa is None or award["min_gpa"] is None or award["min_gpa"] <= gpa,
        gpa is None or award["max_gpa"] is None or award["max_gpa"] >= gpa,
        award["renewable"] == filters.get("renewable", award["renewable"]),
        "deadline_after" not in filters or compare(award, filters["deadline_after"]) >= 0,
        "deadline_before" not in filters or compare(award, filters["deadline_before"]) in (-1, 0),
    ]
    return all(rules)


def says(award: Award, q: str) -> bool:
    words = f"{award['name']} {award['organization']} {award['description']}".split()
    match q:
        case '"marmot award"':
            return ("marmot", "award") in itertools.pairwise(words)
        case "award -quokka":
            return "quokka" not in words
        case "zeb":
            return "zebra" in words
    return set(q.split()) <= set(words)


def compare(award: Award, bound: str) -> int:
    """-1, 0 or 1 for a deadline before, at or after the bound; a date is a day in its own zone."""
    deadline = award["application_deadline"]
    if deadline is None:
        return -99
    if len(bound) == 10:
        zone = zoneinfo.ZoneInfo(award["deadline_timezone"])
        mine: Any = deadline.astimezone(zone).date()
        other: Any = dt.date.fromisoformat(bound)
    else:
        mine, other = deadline, dt.datetime.fromisoformat(bound)
        other = other if other.tzinfo else other.replace(tzinfo=dt.UTC)
    return int(mine > other) - int(mine < other)


def in_order(awards: list[Award], sort: str) -> list[str]:
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    if sort == "deadline":
        awards.sort(key=lambda award: (award["application_deadline"] or never, award["id"]))
    elif sort == "amount":
        unknown = Decimal(-1)
        awards.sort(
            key=lambda a: (unknown if a["amount_max"] is None else a["amount_max"], a["id"]),
            reverse=True,
        )
    else:  # newest: all rows came in one statement, so the id decides
        awards.sort(key=lambda award: award["id"], reverse=True)
    return [award["id"] for award in awards]


def is_ordered(filters: dict[str, Any]) -> bool:
    low, high = filters.get("min_amount"), filters.get("max_amount")
    after, before = filters.get("deadline_after"), filters.get("deadline_before")
    if after and before:
        start, end = (
            dt.datetime.fromisoformat(bound).replace(tzinfo=dt.UTC) for bound in (after, before)
        )
        if end - start < dt.timedelta(days=2):  # zones may turn closer ones round
            return False
    return low is None or high is None or low <= high


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filters=some_filters.filter(is_ordered))
async def test_a_search_finds_the_awards_that_the_plain_rules_accept(
    client: httpx.AsyncClient, random_awards: list[Award], filters: dict[str, Any]
) -> None:
    now = dt.datetime.now(dt.UTC)
    expected = [award for award in random_awards if accepts(award, filters, now)]
    found = await walk(client, filters)
    assert {row["id"] for row in found["items"]} == {award["id"] for award in expected}
    assert found["total"] == len(expected)
    assert found["total_is_exact"]
    sort = filters.get("sort", "relevance")
    if sort == "relevance":
        sort = "relevance" if "q" in filters else "deadline"
    if sort != "relevance":
        assert [row["id"] for row in found["items"]] == in_order(expected, sort)
    assert counts_of(found["facets"]) == expected_facets(expected)


async def walk(client: httpx.AsyncClient, filters: dict[str, Any]) -> dict[str, Any]:
    """All pages of a search by its cursors; POST and GET in turn."""
    answer = (
        (await client.post(PATH, json={**filters, "limit": 60, "facets": True}))
        .raise_for_status()
        .json()
    )
    everything = dict(answer)
    while answer["has_next"]:
        page = {**filters, "limit": 60, "cursor": answer["next_cursor"]}
        answer = (await client.get(PATH, params=page)).raise_for_status().json()
        everything["items"] = everything["items"] + answer["items"]
    return everything


def counts_of(facets: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        name: {entry["value"]: entry["count"] for entry in entries}
        for name, entries in facets.items()
        if name != "citizenship"
    }


def expected_facets(awards: list[Award]) -> dict[str, dict[str, int]]:
    def lists(column: str) -> dict[str, int]:
        named = Counter(value for award in awards for value in award[column])
        unrestricted = sum(not award[column] for award in awards)
        return {str(value): count + unrestricted for value, count in named.items()}

    return {
        "fields_of_study": lists("fields_of_study"),
        "states": lists("residency_states"),
        "grade_levels": lists("grade_levels"),
        "scholarship_types": dict(Counter(str(award["scholarship_type"]) for award in awards)),
        "renewable": dict(Counter(str(award["renewable"]).lower() for award in awards)),
    }


@pytest.mark.parametrize(
    "filters",
    [
        {"q": "quokka", "fields_of_study": ["law", "arts"], "sort": "amount"},
        {"states": ["CA"], "min_amount": 500, "facets": True, "limit": 3},
        {"deadline_before": f"{TODAY + dt.timedelta(days=9)}T10:00:00+02:00", "offset": 2},
    ],
)
async def test_get_and_post_have_the_same_answer(
    client: httpx.AsyncClient, random_awards: list[Award], filters: dict[str, Any]
) -> None:
    comma_separated = {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in filters.items()
    }
    answers = [
        (await client.post(PATH, json=filters)).json(),
        (await client.get(PATH, params=filters)).json(),
        (await client.get(PATH, params=comma_separated)).json(),
        (await client.post("/search", json=filters)).json(),
        (await client.get("/search", params=filters)).json(),
    ]
    for answer in answers:
        assert answer.pop("took_ms") >= 0
        assert answer == answers[0]
    assert answers[0]["items"]


async def test_citizenship_facet_counts_what_the_filter_keeps(
    client: httpx.AsyncClient, random_awards: list[Award]
) -> None:
    page = (await client.get(PATH, params={"facets": True})).json()
    counts = {entry["value"]: entry["count"] for entry in page["facets"]["citizenship"]}
    assert set(counts) == {"US", "DE", "international", "permanent_resident"}
    for citizenship, count in counts.items():
        narrowed = await client.get(PATH, params={"citizenship": citizenship})
        assert narrowed.json()["total"] == count
