"""A search for what a student can win: verdicts, the order by match, sensitive filters."""

from typing import Any

import httpx
import pytest

from tests.eligibility.awards import award, put, serving

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
CHECK = "/api/v1/eligibility/check"
QUESTIONS = "/api/v1/eligibility/questions"
PROFILE = {"genders": ["woman"], "gpa": 3.5, "citizenship": "US"}

AWARDS = [
    award("women", eligibility_sets=[{"genders": ["woman"]}], amount=1000, currency="USD"),
    award("men", eligibility_sets=[{"genders": ["man"]}]),
    award("either", eligibility_sets=[{"genders": ["man"]}, {"min_gpa": 3}], amount=500,
          currency="USD"),
    award("asked", eligibility_sets=[{"first_generation": True}], amount=2000, currency="USD"),
    award("texts", eligibility_sets=[{"genders": ["woman"]}], other_requirements=["Write well."]),
    award("old", criteria_complete=False, eligibility_criteria={"min_gpa": 3}),
    award(
        "preferred",
        eligibility_sets=[{"first_generation": True}],
        preferences=[{"criteria": {"genders": ["woman"]}, "weight": 2}],
    ),
    award("tuition", coverage={"kind": "full_tuition"}),
    award("essay", requirements=[{"kind": "essay"}, {"kind": "recommendation", "count": 2}]),
    award("fee", application={"fee": 25}),
    award("half", eligibility_sets=[
        {"enrollment": ["half_time"], "institution_types": ["public"]},
    ]),
]  # fmt: skip


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> Any:  # noqa: ANN401 - an async generator
    put(module_database_url, AWARDS)
    async with serving(module_database_url) as client:
        yield client


async def search(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    answer = await client.post(PATH, json={"limit": 100, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> set[str]:
    return {item["id"] for item in page["items"]}


async def test_each_hit_carries_its_verdict_and_score(client: httpx.AsyncClient) -> None:
    page = await search(client, profile=PROFILE, verdicts=["eligible", "likely_eligible",
                        "needs_information", "ineligible"])  # fmt: skip
    assert page["total"] == len(AWARDS)
    assert page["ineligible_hidden"] == 0
    checked = (await client.post(CHECK, json={**PROFILE, "limit": 100})).json()["results"]
    assert {item["id"]: (item["verdict"], item["match_score"]) for item in page["items"]} == {
        result["scholarship_id"]: (result["verdict"], result["score"]) for result in checked
    }
    by_id = {item["id"]: (item["verdict"], item["match_score"]) for item in page["items"]}
    assert by_id["women"] == ("eligible", 1)
    assert by_id["men"] == ("ineligible", 0.6)
    assert by_id["either"] == ("eligible", 1)
    assert by_id["texts"] == ("likely_eligible", 0.95)
    assert by_id["old"] == ("likely_eligible", 1)
    assert by_id["asked"] == ("needs_information", 0.8)
    assert by_id["preferred"] == ("needs_information", 0.9)


async def test_ineligible_awards_are_left_out_and_counted(client: httpx.AsyncClient) -> None:
    page = await search(client, profile=PROFILE)
    assert "men" not in ids(page)
    assert page["ineligible_hidden"] == 1
    page = await search(client, profile=PROFILE, verdicts=["eligible"])
    assert "women" in ids(page)
    assert ids(page).isdisjoint({"texts", "old", "asked", "men"})
    assert page["ineligible_hidden"] == 1
    assert page["filters"] == {"verdicts": ["eligible"]}


@pytest.mark.parametrize("q", [None, "curie"])
async def test_the_order_by_match_and_its_cursors(client: httpx.AsyncClient, q: str | None) -> None:
    """By verdict, then by score; a walk of small pages finds the same."""
    body = {"profile": PROFILE, "sort": "match"} | ({"q": q} if q else {})
    whole = (await search(client, **body))["items"]
    verdicts = ["eligible", "likely_eligible", "needs_information"]
    keys = [(verdicts.index(item["verdict"]), -item["match_score"]) for item in whole]
    assert keys == sorted(keys)
    walked: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await search(client, **body, limit=2, **({"cursor": cursor} if cursor else {}))
        walked += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert walked == whole
    paged = await search(client, **body, limit=3, offset=3)
    assert paged["items"] == whole[3:6]


async def test_words_are_searched_for_among_what_suits(client: httpx.AsyncClient) -> None:
    page = await search(client, q="curie", profile=PROFILE)
    assert "men" not in ids(page)
    assert page["total"] == len(AWARDS) - 1
    assert page["ineligible_hidden"] == 1
    assert all(item["verdict"] for item in page["items"])


async def test_a_cursor_of_another_profile_is_refused(client: httpx.AsyncClient) -> None:
    page = await search(client, profile=PROFILE, limit=1)
    other = {"profile": {"genders": ["man"]}, "limit": 1, "cursor": page["next_cursor"]}
    answer = await client.post(PATH, json=other)
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"] == "cursor"


async def test_an_answer_with_a_profile_is_in_no_cache(client: httpx.AsyncClient) -> None:
    for body in ({"profile": PROFILE}, {"genders": ["woman"]}, {"lgbtq": False}):
        answer = await client.post(PATH, json=body)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.parametrize("body", [{"sort": "match"}, {"verdicts": ["eligible"]}])
async def test_what_needs_a_profile_is_refused_without_one(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.post(PATH, json=body)).status_code == 422
    assert (await client.get(PATH, params={"sort": "match"})).status_code == 422


SENSITIVE = {
    "genders": ["woman"],
    "heritages": ["asian"],
    "religions": ["christian"],
    "conditions": ["autism"],
    "circumstances": ["foster_care"],
    "immigration_statuses": ["daca"],
    "military": ["veteran"],
    "lgbtq": True,
}


@pytest.mark.parametrize("name", SENSITIVE)
async def test_a_sensitive_filter_belongs_in_a_body(client: httpx.AsyncClient, name: str) -> None:
    value = SENSITIVE[name]
    assert (await client.post(PATH, json={name: value})).status_code == 200
    text = value[0] if isinstance(value, list) else "true"
    for path in (PATH, "/api/v1/scholarships/smart-search"):
        answer = await client.get(path, params={name: text})
        assert answer.status_code == 422
        [fault] = answer.json()["details"]["fields"]
        assert fault["field"] == name
        assert "body of POST /api/v1/search" in fault["message"]
        assert str(text) not in fault["message"]
    answer = await client.get(CHECK, params={"gpa": 3, name: text})
    assert answer.status_code == 422
    assert "body of POST" in answer.json()["details"]["fields"][0]["message"]


@pytest.mark.parametrize(
    ("filters", "left_out"),
    [
        ({"genders": ["man"]}, {"women", "texts"}),
        ({"enrollment": ["full_time"]}, {"half"}),
        ({"institution_types": ["private_nonprofit", "four_year"]}, {"half"}),
        ({"first_generation": False}, {"asked", "preferred"}),
        ({"first_generation": True}, set()),
        ({"essay_required": False}, {"essay"}),
        ({"max_recommendation_letters": 1}, {"essay"}),
        ({"no_fee": True}, {"fee"}),
        ({"countries": ["DE"]}, set()),
    ],
)
async def test_a_filter_leaves_out_what_it_fails(
    client: httpx.AsyncClient, filters: dict[str, object], left_out: set[str]
) -> None:
    everything = {each["id"] for each in AWARDS}
    assert everything - ids(await search(client, **filters)) == left_out


async def test_filters_of_kinds_keep_those(client: httpx.AsyncClient) -> None:
    assert ids(await search(client, coverage=["full_tuition"])) == {"tuition"}
    assert ids(await search(client, requirement_kinds=["essay", "video"])) == {"essay"}


async def test_full_tuition_is_above_any_amount(client: httpx.AsyncClient) -> None:
    page = await search(client, min_amount=900)
    assert ids(page) == {"women", "asked", "tuition"}
    assert page["unknown_amounts_hidden"] == len(AWARDS) - 4
    page = await search(client, min_amount=900, include_unknown_amounts=True)
    assert ids(page) == {each["id"] for each in AWARDS} - {"either"}
    assert page["unknown_amounts_hidden"] == 0
    assert "unknown_amounts_hidden" not in await search(client)
    assert ids(await search(client, max_amount=900)) == {"either"}


async def test_questions_ask_for_what_settles_most(client: httpx.AsyncClient) -> None:
    answer = await client.post(QUESTIONS, json={"profile": PROFILE})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "questions": [
            {
                "field": "first_generation",
                "question": "Are you the first in your family to go to college?",
                "awards_decided": 2,
                "amount_at_stake": 2000,
            }
        ],
        "awards_undecided": 3,
    }
    empty = (await client.post(QUESTIONS, json={"profile": {}})).json()
    assert [each["field"] for each in empty["questions"]][:2] == ["genders", "first_generation"]
    assert (await client.post(QUESTIONS, json={"profile": {"gpa": 9}})).status_code == 422


async def test_a_check_explains_every_set(client: httpx.AsyncClient) -> None:
    body = {**PROFILE, "scholarship_ids": ["either", "texts", "preferred"], "explain": True}
    either, texts, preferred = (await client.post(CHECK, json=body)).json()["results"]
    assert either["nearest_set"] == 1
    assert [each["verdict"] for each in either["sets"]] == ["ineligible", "eligible"]
    assert texts["to_confirm"] == ["Write well."]
    assert preferred["missing"] == ["first_generation"]
    assert preferred["preferences"] == [{"text": None, "weight": 2, "met": True}]


async def test_an_answer_of_another_scale_is_repeated_as_it_was_sent(
    client: httpx.AsyncClient,
) -> None:
    body = {"gpa": 7, "gpa_scale": 10, "scholarship_ids": ["old"]}
    page = (await client.post(CHECK, json=body)).json()
    assert page["user_profile"] == {"gpa": 7, "gpa_scale": 10}
    [result] = page["results"]
    assert result["criteria"][0]["reason"] == "GPA 2.8 is below the minimum of 3."
    assert (await client.post(CHECK, json={"gpa": 7})).status_code == 422
    assert (await client.post(CHECK, json={"gpa": 3, "gpa_scale": 7})).status_code == 422


async def test_an_empty_list_says_nothing_unless_it_is_answered(client: httpx.AsyncClient) -> None:
    async def verdict(**told: object) -> str:
        body = {"gpa": 3, **told, "scholarship_ids": ["women"]}
        return str((await client.post(CHECK, json=body)).json()["results"][0]["verdict"])

    assert await verdict(genders=[]) == "needs_information"
    assert await verdict(genders=["prefer_not_to_say"]) == "needs_information"
    assert await verdict(genders="prefer_not_to_say") == "needs_information"
    assert await verdict(genders=[], answered=["genders"]) == "ineligible"
    assert await verdict(gender="woman") == "eligible"
