"""The endpoints that check eligibility: their input, answers and order."""

import asyncio
import datetime as dt
import json
import logging
import random
from typing import Any

import httpx
import pytest

from scholarship_api.catalogue.read_model.answers import derive
from scholarship_api.catalogue.read_model.rule import Verdict, assess
from tests.eligibility.awards import NO_CRITERIA, Award, award, put, random_award

pytestmark = pytest.mark.anyio

SINGLE = "/api/v1/scholarships/eligibility-check"
BULK = "/api/v1/scholarships/bulk-eligibility-check"
CHECK = "/api/v1/eligibility/check"
NOW = dt.datetime.now(dt.UTC)
YESTERDAY, NEXT_MONTH = (NOW + dt.timedelta(days=days) for days in (-1, 30))

PROFILE: Award = {
    "gpa": 3.5,
    "grade_level": "undergraduate",
    "field_of_study": "engineering",
    "citizenship": "US",
    "state_of_residence": "CA",
    "age": 20,
    "financial_need": False,
}
AWARDS = [
    award("open_to_all"),
    award("met", eligibility_criteria={"min_gpa": 3, "fields_of_study": ["engineering"]}),
    award("failed", eligibility_criteria={"min_gpa": 3.75, "financial_need": True}),
    award("closed", application_deadline=YESTERDAY.isoformat()),
    award("upcoming", application_deadline=YESTERDAY.isoformat(), recurs="yearly"),
    award("open", application_deadline=NEXT_MONTH.isoformat()),
    award("archived", status="archived"),
    award("draft", status="draft"),
]


@pytest.fixture(scope="module")
def awards(module_database_url: str) -> list[Award]:
    """AWARDS and 300 random ones, as columns of the table."""
    rng = random.Random(3)  # noqa: S311 - test data
    random_ones = [random_award(number, rng, today=NOW.date()) for number in range(300)]
    return put(module_database_url, [*AWARDS, *random_ones])


async def check_all(client: httpx.AsyncClient, **query: Any) -> list[Award]:  # noqa: ANN401
    """All pages of the whole catalogue."""
    results: list[Award] = []
    while True:
        page = (
            await client.post(CHECK, json={**query, "limit": 100, "offset": len(results)})
        ).json()
        results += page["results"]
        assert page["has_next"] is (len(results) < page["checked_scholarships"])
        if not page["has_next"]:
            return results


# --- One award and several -----------------------------------------------------------------------


async def test_a_single_check_explains_each_criterion(
    client: httpx.AsyncClient, awards: list[Award]
) -> None:
    answer = await client.post(SINGLE, json={"user_profile": PROFILE, "scholarship_id": "failed"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "scholarship_id": "failed",
        "found": True,
        "eligible": False,
        "verdict": "ineligible",
        "match_score": 0.4,
        "availability": "rolling",
        "reasons": ["GPA 3.5 is below the minimum of 3.75.", "Financial need is required."],
        "criteria": [
            {
                "criterion": "min_gpa",
                "outcome": "failed",
                "required": 3.75,
                "actual": 3.5,
                "reason": "GPA 3.5 is below the minimum of 3.75.",
            },
            {
                "criterion": "financial_need",
                "outcome": "failed",
                "required": True,
                "actual": False,
                "reason": "Financial need is required.",
            },
        ],
        "to_confirm": [],
        "missing": [],
        "nearest_set": 0,
        "preferences": [],
    }


@pytest.mark.parametrize("scholarship_id", ["nobody", "draft"])
async def test_a_single_check_of_an_unknown_award_is_not_found(
    client: httpx.AsyncClient, awards: list[Award], scholarship_id: str
) -> None:
    answer = await client.post(
        SINGLE, json={"user_profile": PROFILE, "scholarship_id": scholarship_id}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_bulk_check_keeps_the_order_of_the_request(
    client: httpx.AsyncClient, awards: list[Award]
) -> None:
    ids = ["open", "nobody", "failed", "draft", "open", "archived"]
    answer = await client.post(BULK, json={"user_profile": PROFILE, "scholarship_ids": ids})
    assert answer.status_code == 200
    results = answer.json()
    assert [result["scholarship_id"] for result in results] == ids
    assert [result["found"] for result in results] == [True, False, True, False, True, True]
    assert results[1] == {
        "scholarship_id": "nobody",
        "found": False,
        "eligible": False,
        "verdict": None,
        "match_score": 0.0,
        "availability": None,
        "reasons": ["There is no scholarship with this id."],
        "criteria": [],
        "to_confirm": [],
        "missing": [],
        "nearest_set": None,
        "preferences": [],
    }
    for result in results:
        if result["found"]:
            single = {"user_profile": PROFILE, "scholarship_id": result["scholarship_id"]}
            assert (await client.post(SINGLE, json=single)).json() == result


@pytest.mark.parametrize(
    ("scholarship_id", "availability", "reason"),
    [
        ("closed", "closed", f"Closed: the deadline was {YESTERDAY.date()}."),
        (
            "upcoming",
            "upcoming",
            f"Closed: the deadline was {YESTERDAY.date()}; the next round is to be announced.",
        ),
        ("archived", "closed", "Closed: this award is no longer offered."),
    ],
)
async def test_the_first_reason_says_that_an_award_is_closed(
    client: httpx.AsyncClient,
    awards: list[Award],
    scholarship_id: str,
    availability: str,
    reason: str,
) -> None:
    single = {"user_profile": PROFILE, "scholarship_id": scholarship_id}
    result = (await client.post(SINGLE, json=single)).json()
    assert result["availability"] == availability
    assert result["reasons"] == [reason, "This award is open to all."]
    # The verdict is about the student.
    assert result["verdict"] == "eligible"


# --- The whole catalogue --------------------------------------------------------------------------


@pytest.mark.parametrize("include_closed", [False, True])
@pytest.mark.parametrize("profile", [PROFILE, {"citizenship": "DE"}, {"annual_income": 0}])
async def test_the_catalogue_is_ranked_by_the_rule(
    client: httpx.AsyncClient, awards: list[Award], profile: Award, include_closed: bool
) -> None:
    expected = []
    now = dt.datetime.now(dt.UTC)  # a deadline may have passed since the tests were collected
    for columns in awards:
        deadline = columns["application_deadline"]
        if columns["status"] == "published" and (
            include_closed or deadline is None or deadline >= now
        ):
            assessment = assess({name: columns.get(name) for name in NO_CRITERIA}, derive(profile))
            rank = list(Verdict).index(assessment.verdict)
            last = dt.datetime.max.replace(tzinfo=dt.UTC)
            expected.append((rank, -assessment.score, deadline or last, columns["id"], assessment))
    expected.sort(key=lambda entry: entry[:4])
    results = await check_all(client, **profile, include_closed=include_closed)
    assert [result["scholarship_id"] for result in results] == [entry[3] for entry in expected]
    for result, entry in zip(results, expected, strict=True):
        assessment = entry[4]
        assert result["score"] == assessment.score / 100
        assert result["verdict"] == assessment.verdict
        assert result["eligible"] is (assessment.verdict is Verdict.ELIGIBLE)
        assert result["reasons"][-len(assessment.reasons) :] == assessment.reasons
    page = (
        await client.post(CHECK, json={**profile, "include_closed": include_closed, "limit": 1})
    ).json()
    assert page["checked_scholarships"] == len(expected)
    assert page["eligible_count"] == sum(entry[0] == 0 for entry in expected)


async def test_a_page_says_where_it_is(client: httpx.AsyncClient, awards: list[Award]) -> None:
    page = (await client.get(CHECK, params={"gpa": "3.50", "offset": 40})).json()
    assert set(page) == {
        *("eligible_count", "results", "checked_scholarships", "user_profile", "took_ms"),
        *("page", "page_size", "has_next", "has_previous"),
    }
    assert (page["page"], page["page_size"], len(page["results"])) == (3, 20, 20)
    assert page["has_next"]
    assert page["has_previous"]
    assert page["user_profile"] == {"gpa": 3.5}
    beyond = (await client.get(CHECK, params={"gpa": "3.50", "offset": 10_000})).json()
    assert (beyond["results"], beyond["has_next"]) == ([], False)
    assert beyond["checked_scholarships"] == page["checked_scholarships"]


async def test_given_ids_are_checked_in_their_order(
    client: httpx.AsyncClient, awards: list[Award]
) -> None:
    ids = ["failed", "closed", "nobody", "met"]
    page = (await client.post(CHECK, json={**PROFILE, "scholarship_ids": ids})).json()
    assert [result["scholarship_id"] for result in page["results"]] == ids
    assert [result["eligible"] for result in page["results"]] == [False, True, False, True]
    assert (page["checked_scholarships"], page["eligible_count"]) == (3, 2)
    assert page["user_profile"] == PROFILE
    rest = (
        await client.post(CHECK, json={**PROFILE, "scholarship_ids": ids, "limit": 2, "offset": 2})
    ).json()
    assert rest["results"] == page["results"][2:]
    assert rest["eligible_count"] == 2


async def test_get_post_and_the_old_path_give_the_same_answer(
    client: httpx.AsyncClient, awards: list[Award]
) -> None:
    body = {**PROFILE, "field_of_study": "computer_science", "scholarship_ids": ["met", "open"]}
    query = {**body, "financial_need": "false", "scholarship_ids": "met,open"}
    repeated = {**body, "financial_need": "0"}
    answers = [
        await client.post(CHECK, json=body),
        await client.get(CHECK, params=query),
        await client.get(CHECK, params=repeated),
        await client.get("/eligibility/check", params=query),
        await client.post("/eligibility/check", json=body),
    ]
    pages = [{**answer.json(), "took_ms": 0} for answer in answers]
    assert all(page == pages[0] for page in pages)
    assert pages[0]["user_profile"] == {**PROFILE, "field_of_study": "technology"}
    for answer in answers:
        is_old = answer.request.url.path == "/eligibility/check"
        assert answer.headers.get("deprecation") == ("true" if is_old else None)
        assert answer.headers.get("link") == (
            f'<{CHECK}>; rel="successor-version"' if is_old else None
        )
        assert answer.headers["cache-control"] == "no-store"


async def test_legacy_names_and_spellings_are_accepted(
    client: httpx.AsyncClient, awards: list[Award]
) -> None:
    sent = {
        "grade_level": "High School",
        "field_of_study": "social_work",
        "citizenship": "de",
        "state_of_residence": "ca",
        "gpa": "",
    }
    page = (await client.get(CHECK, params=sent)).json()
    assert page["user_profile"] == {
        "grade_level": "high_school",
        "field_of_study": "social_sciences",
        "citizenship": "DE",
        "state_of_residence": "CA",
    }


# --- Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "profile",
    [{}, {"gpa": None}, {"gpa": "", "age": None}, {"limit": 5}, {"scholarship_ids": ["met"]}],
)
async def test_an_empty_profile_is_refused(
    client: httpx.AsyncClient, awards: list[Award], profile: Award
) -> None:
    """The predecessor assumed an undergraduate from the US, aged 20, and found awards."""
    assert (await client.post(CHECK, json=profile)).status_code == 422
    query = {name: value for name, value in profile.items() if value is not None}
    assert (await client.get(CHECK, params=query)).status_code == 422
    only = {name: value for name, value in profile.items() if name in PROFILE}
    body = {"user_profile": only, "scholarship_id": "met"}
    assert (await client.post(SINGLE, json=body)).status_code == 422
    bulk = {"user_profile": only, "scholarship_ids": ["met"]}
    assert (await client.post(BULK, json=bulk)).status_code == 422


BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "gpa": ([0, 4, 3.6666666666666665, "2.5"], [-0.01, 4.01, "NaN", "Infinity", True, "x", [3]]),
    "age": ([13, 120, "18", 20.0], [12, 121, 20.5, True, "NaN", "9" * 5000]),
    "annual_income": ([0, 45000.5, 9_999_999_999.99], [-1, "Infinity", "-Infinity", 1e300, True]),
    "financial_need": ([True, False, "true", "0"], ["perhaps", 2, []]),
    "credits_completed": ([0, 300], [-1, 301, 1.5, True]),
    "grade_level": (["graduate", "post-doctoral"], ["phd", 3, ["graduate"], "\x00", "\ud800"]),
    "field_of_study": (["arts", "sciences"], ["alchemy", 1, {}, "%"]),
    "citizenship": (["US", "international"], ["USA", "XX", 1, "\x00", "U S"]),
    "state_of_residence": (["PR", "dc"], ["ZZ", "California", 1, "\x00"]),
    "scholarship_ids": ([["a"], ["a"] * 50, "a,b"], [[], "", ",", ["a"] * 51, ["a\x00"], [""]]),
    "limit": ([1, 100, "", None], [0, 101, "x"]),
    "offset": ([0, 10_000], [-1, 10_001]),
    "user_id": ([], ["somebody", None, ""]),
}


@pytest.mark.parametrize("field", BOUNDS)
async def test_values_outside_of_their_bounds_are_refused(
    client: httpx.AsyncClient, awards: list[Award], field: str
) -> None:
    accepted, refused = BOUNDS[field]
    known = {} if field == "gpa" else {"gpa": 3}
    for value in accepted:
        answer = await post(client, {**known, field: value})
        assert answer.status_code == 200, (field, value, answer.text)
    for value in refused:
        answer = await post(client, {**known, field: value})
        assert answer.status_code == 422, (field, value, answer.text)
        assert answer.json()["details"]["fields"][0]["field"].startswith(field)
        if isinstance(value, str) and value.isprintable() and value:
            refusal = await client.get(CHECK, params={**known, field: value[:1000]})
            assert refusal.status_code == 422, (field, value)


async def post(client: httpx.AsyncClient, body: object) -> httpx.Response:
    content = json.dumps(body).encode()  # httpx itself refuses NaN and lone surrogates
    return await client.post(CHECK, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"gpa": NaN}', "application/json", 422),
        (b'{"gpa": -Infinity}', "application/json", 422),
        (b'{"gpa": 1e999}', "application/json", 422),
        (b'{"annual_income": 1' + b"0" * 9000 + b"}", "application/json", 400),
        (b'{"gpa": 3,}', "application/json", 422),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"gpa"', "application/json", 422),
        (b"[" * 60_000, "application/json", 400),
        (b'{"gpa": "\xff"}', "application/json", 400),
        (b'{"\\ud800": 3}', "application/json", 422),
        (b'{"gpa": 3, "constructor": {}}', "application/json", 422),
        (b"gpa=3", "application/x-www-form-urlencoded", 415),
        (b'{"gpa": 3}', "text/plain", 415),
    ],
)
@pytest.mark.parametrize("path", [SINGLE, BULK, CHECK, "/eligibility/check"])
async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, path: str, content: bytes, content_type: str, status: int
) -> None:
    answer = await client.post(path, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) >= {"trace_id", "code", "message", "status", "timestamp"}


@pytest.mark.parametrize(
    "query", ["gpa=NaN", "gpa=%00", "gpa=%FF", "citizenship=%27%3B--", "gpa=3&x=1", "age=%F0%9F"]
)
async def test_hostile_queries_are_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"{CHECK}?{query}")).status_code == 422


async def test_no_log_contains_a_profile_value(
    client: httpx.AsyncClient,
    awards: list[Award],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        accepted = await client.get(CHECK, params={"gpa": "3.1415926", "annual_income": 31337})
        await client.post(CHECK, json={"gpa": 3.1415926, "annual_income": 31337})
        refused = await client.get(CHECK, params={"gpa": "3.1415926", "annual_income": "-31337"})
        await asyncio.sleep(0)  # the end of the turn, when requests are logged
    assert (accepted.status_code, refused.status_code) == (200, 422)
    assert "31337" not in refused.text
    ours = [record for record in caplog.records if record.name not in ("httpx", "httpcore")]
    # The client of this test logs what it asks for, to the same stream.
    written = "".join(capfd.readouterr()).splitlines()
    kept = [line for line in written if "HTTP Request:" not in line]
    logged = "".join([*(str(record.__dict__) for record in ours), *kept])
    assert logged.count("request.finished") == 3
    assert "1415926" not in logged
    assert "31337" not in logged


@pytest.mark.parametrize(
    "body",
    [
        {f"unknown_{number}": 1 for number in range(3_000)},
        {**PROFILE, "scholarship_ids": ["x y"] * 5_000},
        {**PROFILE, "scholarship_ids": "," * 5_000},
        {"user_profile": {str(number): 1 for number in range(5_000)}, "scholarship_id": "a"},
        {"user_profile": PROFILE, "scholarship_ids": [1] * 5_000},
    ],
    ids=["keys", "wrong ids", "commas", "keys of the profile", "numbers"],
)
async def test_long_lists_and_many_keys_cost_one_error(
    client: httpx.AsyncClient, awards: list[Award], body: Award
) -> None:
    path = BULK if "user_profile" in body else CHECK
    answer = await client.post(path, json=body)
    assert answer.status_code == 422
    assert len(answer.content) < 2_000
