"""Recommendations and their order; an award scores the same alone and among all."""

import datetime as dt
import random
import zoneinfo
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.answers import derive
from scholarship_api.catalogue.read_model.model import ReadModel, microseconds
from scholarship_api.catalogue.read_model.records import NO_AMOUNT, AwardRecord
from scholarship_api.catalogue.read_model.rule import Verdict, assess
from scholarship_api.catalogue.service import days_left
from scholarship_api.recommendations import ranking, rules
from tests.catalogue.read_model.loading import loaded
from tests.eligibility.awards import NO_CRITERIA, Award, award, profiles, put, random_award

pytestmark = pytest.mark.anyio

PATH = "/api/v1/scholarships/recommendations"
NOW = dt.datetime.now(dt.UTC)

# Days left at the edges of the bands, and the points of the deadline.
BANDS = {0: -100, 1: -100, 6: -100, 7: 50, 29: 50, 30: 100, 180: 100, 181: 0, 400: 0}
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Auckland", "Pacific/Pago_Pago", "America/New_York")


class Awards(list[Award]):
    """Awards as columns of the table."""

    def __repr__(self) -> str:  # hypothesis shows the arguments of a failure
        return f"<{len(self)} awards>"


@pytest.fixture(scope="module")
def awards(module_database_url: str) -> Awards:
    rng = random.Random(5)  # noqa: S311 - test data
    random_ones = [random_award(number, rng, today=NOW.date()) for number in range(400)]
    return Awards(put(module_database_url, random_ones))


@pytest.fixture(scope="module")
def model(module_database_url: str, awards: Awards) -> ReadModel:
    return loaded(module_database_url)


def scores_of(model: ReadModel, profile: Award, now: dt.datetime) -> dict[str, int]:
    """The scores of all open awards, as `ranking` gives them."""
    answers = derive(profile)
    matches = model.match(answers, within=model.open(now), now=now)
    groups = ranking.by_score(model, matches, answers, now=now, include_all=True)
    return {model.ordinals.id_of(ordinal): score for score, group in groups for ordinal in group}


def is_open(columns: Award, now: dt.datetime) -> bool:
    deadline = columns["application_deadline"]
    return columns["status"] == "published" and (deadline is None or deadline >= now)


def score_of(columns: Award, profile: Award, now: dt.datetime) -> int:
    amount = columns["amount_max"]
    scored = rules.parts(
        {**columns, "amount": amount},
        profile,
        match_score=assess({name: columns[name] for name in NO_CRITERIA}, derive(profile)).score,
        days_left=days_left(
            application_deadline=columns["application_deadline"],
            deadline_timezone=columns["deadline_timezone"],
            now=now,
        ),
    )
    return rules.total(scored)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(profiles, st.integers(-400 * 24 * 60, 24 * 60))
def test_all_awards_at_once_score_as_each_alone(
    model: ReadModel, awards: Awards, profile: Award, minutes: int
) -> None:
    now = NOW + dt.timedelta(minutes=minutes)
    expected = {
        columns["id"]: score_of(columns, profile, now)
        for columns in awards
        if is_open(columns, now)
    }
    assert len(expected) > 100
    assert scores_of(model, profile, now) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 9, 11, 15, 23])
def test_days_left_are_calendar_days_in_the_deadlines_own_zone(zone: str, hour: int) -> None:
    """With an award for each day on which a band may begin or end."""
    now = dt.datetime(2027, 3, 10, hour, 30, tzinfo=dt.UTC)
    first = dt.date(2027, 3, 9)
    days = {first + dt.timedelta(days=left + shift) for left in BANDS for shift in range(3)}
    model = ReadModel()
    model.add(closing_on(day, name) for day in sorted(days) for name in ZONES)
    model.build_orders()
    scores = scores_of(model, {"age": 20}, now)
    today = now.astimezone(zoneinfo.ZoneInfo(zone)).date()
    matched = 400
    found = {
        left: scores[award_id]
        for day in days
        if (left := (day - today).days) in BANDS and (award_id := f"{zone}:{day}") in scores
    }
    assert found == {left: matched + points for left, points in BANDS.items()}


def closing_on(day: dt.date, zone: str) -> AwardRecord:
    closes_at = dt.datetime.combine(day, dt.time(23, 59, 59), zoneinfo.ZoneInfo(zone))
    return AwardRecord(
        id=f"{zone}:{day}",
        row_version=1,
        closes_at=microseconds(closes_at),
        amount=NO_AMOUNT,
        created_at=0,
        closing_day=(day - dt.date(1970, 1, 1)).days,
        time_zone=zone,
        scholarship_type="athletic",
        renewable=False,
        eligibility_sets=({},),
    )


# --- The endpoint ---------------------------------------------------------------------------------


@pytest.mark.parametrize("include_ineligible", [False, True])
@pytest.mark.parametrize(
    "profile",
    [
        {"gpa": 3, "field_of_study": "law", "financial_need": True},
        {"citizenship": "US", "age": 18, "grade_level": "graduate", "state_of_residence": "CA"},
    ],
)
async def test_recommendations_are_ordered_by_score_deadline_and_id(
    client: httpx.AsyncClient, awards: Awards, profile: Award, include_ineligible: bool
) -> None:
    body = {"user_profile": profile, "limit": 50, "include_ineligible": include_ineligible}
    now = dt.datetime.now(dt.UTC)
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    expected = sorted(
        (-score_of(columns, profile, now), columns["application_deadline"] or last, columns["id"])
        for columns in awards
        if is_open(columns, now)
        and (
            include_ineligible
            or assess({name: columns[name] for name in NO_CRITERIA}, profile).verdict
            is not Verdict.INELIGIBLE
        )
    )[:50]
    found = answer.json()["recommendations"]
    assert [
        (-round(item["recommendation_score"] * 1000), item["scholarship"]["id"]) for item in found
    ] == [(score, scholarship_id) for score, _, scholarship_id in expected]
    verdicts = {item["eligibility"]["verdict"] for item in found}
    assert "needs_information" in verdicts
    assert ("ineligible" in verdicts) <= include_ineligible
    for item in found:
        assert item["scholarship"]["availability"] in ("open", "rolling", "unknown")
        points = sum(round(part["points"] * 1000) for part in item["score_parts"])
        assert min(1000, max(0, points)) == round(item["recommendation_score"] * 1000)
        assert item["eligibility"]["scholarship_id"] == item["scholarship"]["id"]


async def test_an_answer_explains_its_scores(client: httpx.AsyncClient, awards: Awards) -> None:
    answer = await client.post(PATH, json={"user_profile": {"field_of_study": "computer_science"}})
    body = answer.json()
    assert set(body) == {"recommendations", "recommendation_metadata", "user_profile", "took_ms"}
    assert len(body["recommendations"]) == 10
    assert body["recommendation_metadata"] == {
        "total_recommendations": 10,
        "request_limit": 10,
        "include_ineligible": False,
    }
    assert body["user_profile"] == {"field_of_study": "technology"}
    first = body["recommendations"][0]
    assert set(first) == {"scholarship", "eligibility", "recommendation_score", "score_parts"}
    assert [part["name"] for part in first["score_parts"]] == list(rules.PartName)
    assert "match" not in first["scholarship"]


async def test_expired_awards_are_never_recommended(
    client: httpx.AsyncClient, awards: Awards, module_database_url: str
) -> None:
    """The predecessor recommended closed awards with a slightly lower score."""

    def best(name: str, **fields: Any) -> Award:  # noqa: ANN401
        return award(
            name,
            amount=9000,
            currency="USD",
            **{"scholarship_type": "merit_based", **fields},
            eligibility_criteria={"fields_of_study": ["mathematics"]},
        )

    past = (NOW - dt.timedelta(minutes=1)).isoformat()
    soon = (NOW + dt.timedelta(hours=1)).isoformat()
    put(
        module_database_url,
        [
            best("past", application_deadline=past),
            best("past_yearly", application_deadline=past, recurs="yearly"),
            best("archived", status="archived"),
            best("draft", status="draft"),
            best("soon", application_deadline=soon),
            best("rolling"),
            best("unknown", deadline_kind="unknown"),
        ],
    )
    body = {"user_profile": {"field_of_study": "mathematics"}, "limit": 50}
    for include_ineligible in (False, True):
        answer = await client.post(PATH, json={**body, "include_ineligible": include_ineligible})
        found = [item["scholarship"]["id"] for item in answer.json()["recommendations"]]
        assert found[:3] == ["rolling", "unknown", "soon"]
        assert not {"past", "past_yearly", "archived", "draft"} & set(found)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user_profile"),
        ({"user_profile": None}, "user_profile"),
        ({"user_profile": {}}, "user_profile"),
        ({"user_profile": {"gpa": None}}, "user_profile"),
        ({"user_profile": {"gpa": 5}}, "user_profile.gpa"),
        ({"user_profile": {"gpa": "NaN"}}, "user_profile.gpa"),
        ({"user_profile": {"id": "somebody", "gpa": 3}}, "user_profile.id"),
        ({"user_profile": {"gpa": 3}, "limit": 0}, "limit"),
        ({"user_profile": {"gpa": 3}, "limit": 51}, "limit"),
        ({"user_profile": {"gpa": 3}, "limit": "many"}, "limit"),
        ({"user_profile": {"gpa": 3}, "include_ineligible": "perhaps"}, "include_ineligible"),
        ({"user_profile": {"gpa": 3}, "offset": 5}, "offset"),
        ({"user_profile": [], "limit": 5}, "user_profile"),
        ([], "body"),
    ],
)
async def test_invalid_values_are_refused(client: httpx.AsyncClient, body: Any, field: str) -> None:  # noqa: ANN401
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["details"]["fields"]] == [field]


async def test_a_body_must_be_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"gpa=3", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
