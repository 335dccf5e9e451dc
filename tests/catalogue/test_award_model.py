"""Sets of criteria, rounds, requirements and other parts of an award, through the API."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from scholarship_api.catalogue.criteria_set import requires
from tests.catalogue.api import AWARDS, Api, address, created, new_award, refused_fields, serving
from tests.catalogue.awards import Row, award, ndjson

pytestmark = pytest.mark.anyio

SETS: list[Row] = [
    {"genders": ["woman"], "citizenship_required": "US", "min_gpa": 3},
    {"heritages": ["asian.hmong"], "citizenship_required": "US", "min_gpa": 3.5},
]
PARTS: Row = {
    "eligibility_sets": SETS,
    "criteria_complete": True,
    "other_requirements": ["Lives on campus"],
    "preferences": [{"criteria": {"first_generation": True}, "weight": 3, "text": "First"}],
    "rounds": [
        {"academic_year": "2126/27", "closes_at": "2126-03-01", "timezone": "Asia/Tokyo"},
        {"key": "spring", "opens_at": "2126-09-01", "closes_at": "2127-03-01T12:00:00Z"},
        {"kind": "rolling", "opens_at": "2128-01-01"},
    ],
    "requirements": [
        {"kind": "essay", "prompt": "Why?", "min_words": 300, "max_words": 500},
        {"kind": "recommendation", "count": 2},
        {"kind": "portfolio", "required": False},
    ],
    "application": {"method": "external", "url": "https://example.org/apply", "fee": 0},
    "coverage": {"kind": "full_tuition", "components": ["tuition", "fees"], "years": 4},
    "flags": ["requires_fee"],
    "sources": [{"name": "Provider", "url": "https://example.org", "retrieved_on": "2026-05-01"}],
    "last_verified_by": "Aid office",
}


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


async def sent(api: Api, method: str, at: str, body: object) -> httpx.Response:
    return await api.partner.client.request(method, at, json=body, headers={"If-Match": "*"})


async def written(api: Api, method: str, at: str, body: object) -> Row:
    answer = await sent(api, method, at, body)
    assert answer.status_code == 200, answer.text
    read: Row = (await api.anonymous.get(at)).json()
    assert read == answer.json()
    return read


def required(criteria: Row) -> Row:
    """The criteria that require anything."""
    return {name: value for name, value in criteria.items() if requires(value)}


def sets_of(award: Row) -> list[Row]:
    return [required(criteria) for criteria in award["eligibility_sets"]]


# --- Reading and writing -------------------------------------------------------------------------


async def test_an_award_is_read_as_it_was_written(api: Api) -> None:
    body = (await created(api.partner, **PARTS)).json()

    assert sets_of(body) == SETS
    assert required(body["preferences"][0]["criteria"]) == {"first_generation": True}
    assert [each["key"] for each in body["rounds"]] == ["round_1", "spring", "round_2"]
    assert body["rounds"][0]["academic_year"] == "2126-27"
    assert body["rounds"][0]["closes_at"] == "2126-03-01T14:59:59Z"
    assert body["rounds"][1]["timezone"] == "UTC"
    assert [each["from"] for each in body["requirements"]] == [
        "applicant",
        "recommender",
        "applicant",
    ]
    for name in ("criteria_complete", "other_requirements", "flags", "last_verified_by"):
        assert body[name] == PARTS[name]
    assert body["coverage"]["kind"] == "full_tuition"
    assert body["application"]["fee"] == 0
    assert body["sources"][0]["retrieved_on"] == "2026-05-01"


async def test_an_answer_that_is_sent_back_changes_nothing(api: Api) -> None:
    answer = await created(api.partner, **PARTS)

    for method in ("PUT", "PATCH"):
        assert await written(api, method, address(answer), answer.json()) == answer.json()


async def test_an_award_without_the_new_parts_has_them_empty(api: Api) -> None:
    body = (await created(api.partner, eligibility_criteria={"min_gpa": 3})).json()

    assert sets_of(body) == [{"min_gpa": 3}]
    assert body["criteria_complete"] is False
    for name in ("other_requirements", "preferences", "rounds", "requirements", "flags", "sources"):
        assert body[name] == []
    for name in ("application", "coverage", "last_verified_by", "opens_at"):
        assert body[name] is None


async def test_lists_show_coverage_warnings_and_the_next_opening(api: Api) -> None:
    parts = {**PARTS, "rounds": PARTS["rounds"][1:], "name": "Xylophone prize"}
    await created(api.partner, **parts)

    answer = await api.anonymous.get("/api/v1/search", params={"q": "xylophone"})

    [item] = answer.json()["items"]
    assert item["coverage"]["kind"] == "full_tuition"
    assert item["flags"] == ["requires_fee"]
    assert (item["opens_at"], item["availability"]) == ("2126-09-01T00:00:00Z", "upcoming")
    assert item["days_left"] is None


# --- Sets and eligibility_criteria ---------------------------------------------------------------


async def test_several_sets_show_what_they_have_in_common(api: Api) -> None:
    body = (await created(api.partner, eligibility_sets=SETS)).json()

    assert required(body["eligibility_criteria"]) == {"citizenship_required": "US"}


@pytest.mark.parametrize(
    ("criteria", "citizenship"),
    [
        ({"citizenships": ["US"]}, "US"),
        ({"citizenships": ["US", "permanent_resident"]}, "permanent_resident"),
        ({"immigration_statuses": ["us_citizen", "permanent_resident"]}, "permanent_resident"),
        ({"citizenships": ["CA", "MX"]}, None),
        ({"citizenships": ["US"], "immigration_statuses": ["daca"]}, None),
    ],
)
async def test_clients_of_the_old_field_see_the_citizenship(
    api: Api, criteria: Row, citizenship: str | None
) -> None:
    answer = await created(api.partner, eligibility_criteria=criteria)
    body = answer.json()

    assert body["eligibility_criteria"]["citizenship_required"] == citizenship
    assert sets_of(body) == [criteria]
    assert await written(api, "PUT", address(answer), body) == body


async def test_criteria_that_are_patched_replace_the_sets_by_one(api: Api) -> None:
    answer = await created(api.partner, **PARTS)
    patch = {"eligibility_criteria": {"genders": ["man"], "citizenship_required": None}}

    body = await written(api, "PATCH", address(answer), patch)

    assert sets_of(body) == [{"genders": ["man"]}]
    assert required(body["eligibility_criteria"]) == {"genders": ["man"]}


async def test_sets_that_are_patched_replace_the_criteria(api: Api) -> None:
    answer = await created(api.partner, eligibility_criteria={"min_gpa": 2})

    body = await written(api, "PATCH", address(answer), {"eligibility_sets": SETS})
    assert sets_of(body) == SETS

    body = await written(api, "PATCH", address(answer), {"eligibility_sets": None})
    assert (sets_of(body), required(body["eligibility_criteria"])) == ([], {})


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        (
            {"citizenship_required": "US"},
            {"citizenships": ["CA", "MX"]},
            {"citizenships": ["CA", "MX"]},
        ),
        (
            {"citizenships": ["CA", "MX"]},
            {"citizenship_required": "US"},
            {"citizenship_required": "US"},
        ),
        ({"genders": ["man"]}, {"genders": None}, {}),
        ({"genders": ["man"]}, {"min_gpa": 2}, {"min_gpa": 2, "genders": ["man"]}),
    ],
)
async def test_criteria_are_patched_field_by_field(
    api: Api, before: Row, patch: Row, after: Row
) -> None:
    answer = await created(api.partner, eligibility_criteria=before)

    body = await written(api, "PATCH", address(answer), {"eligibility_criteria": patch})

    assert sets_of(body) == ([after] if after else [])


@pytest.mark.parametrize("sets", [SETS, SETS[:1], []])
async def test_an_answer_can_be_changed_in_its_criteria_or_its_sets(
    api: Api, sets: list[Row]
) -> None:
    answer = await created(api.partner, eligibility_sets=sets)
    changed = answer.json()
    changed["eligibility_criteria"]["min_gpa"] = 2.5
    criteria = required(changed["eligibility_criteria"])

    body = await written(api, "PUT", address(answer), changed)
    assert sets_of(body) == [criteria]

    body["eligibility_sets"] = [{"max_sai": 0}]
    body = await written(api, "PUT", address(answer), body)
    assert sets_of(body) == [{"max_sai": 0}]


async def test_sets_and_criteria_must_not_contradict_each_other(api: Api) -> None:
    award = new_award(eligibility_sets=SETS, eligibility_criteria={"min_gpa": 2})

    assert refused_fields(await api.partner.client.post(AWARDS, json=award)) == {
        "eligibility_criteria"
    }


# --- Fields that follow from others --------------------------------------------------------------


async def test_the_old_fields_follow_from_the_parts(api: Api) -> None:
    body = (
        await created(api.partner, **PARTS, essay_required=False, application_deadline="2030-01-01")
    ).json()

    assert (body["essay_required"], body["recommendation_letters"]) == (True, 2)
    assert body["application_deadline"] == "2126-03-01T14:59:59Z"
    assert (body["deadline_kind"], body["deadline_timezone"]) == ("fixed", "Asia/Tokyo")
    assert body["application_url"] == "https://example.org/apply"
    assert body["availability"] == "open"


@pytest.mark.parametrize(
    "patch",
    [
        {"application_deadline": "2030-01-01"},
        {"deadline_timezone": "UTC"},
        {"essay_required": False},
        {"recommendation_letters": 9},
    ],
)
async def test_a_field_that_follows_from_a_part_cannot_be_patched(api: Api, patch: Row) -> None:
    answer = await created(api.partner, **PARTS)

    assert refused_fields(await sent(api, "PATCH", address(answer), patch)) == set(patch)


async def test_an_award_that_loses_its_rounds_keeps_its_deadline(api: Api) -> None:
    answer = await created(api.partner, **PARTS)

    body = await written(api, "PATCH", address(answer), {"rounds": None, "requirements": []})
    assert (body["rounds"], body["application_deadline"]) == ([], "2126-03-01T14:59:59Z")

    patch = {"application_deadline": "2130-01-01", "essay_required": False}
    body = await written(api, "PATCH", address(answer), patch)
    assert (body["application_deadline"], body["essay_required"]) == ("2130-01-01T14:59:59Z", False)


# --- Refused values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"eligibility_sets": [5] * 9}, "eligibility_sets"),
        ({"other_requirements": [5] * 21}, "other_requirements"),
        ({"preferences": [5] * 11}, "preferences"),
        ({"rounds": [5] * 25}, "rounds"),
        ({"requirements": [5] * 31}, "requirements"),
        ({"flags": [5] * 21}, "flags"),
        ({"sources": [5] * 21}, "sources"),
        ({"eligibility_sets": [{"genders": [5] * 51}]}, "eligibility_sets.0.genders"),
        (
            {"preferences": [{"criteria": {"events": [5] * 51}}]},
            "preferences.0.criteria.events",
        ),
        ({"other_requirements": ["x" * 501]}, "other_requirements.0"),
        ({"other_requirements": ["a\u202eb"]}, "other_requirements.0"),
        ({"preferences": [{"weight": 4, "text": "x"}]}, "preferences.0.weight"),
        ({"preferences": [{}]}, "preferences.0"),
        ({"rounds": [{"kind": "fixed"}]}, "rounds.0"),
        ({"rounds": [{"key": "a"}, {"key": "a"}]}, "rounds"),
        ({"rounds": [{"opens_at": "2027-02-01", "closes_at": "2027-01-01"}]}, "body"),
        ({"rounds": [{"academic_year": "2027-29"}]}, "rounds.0.academic_year"),
        ({"rounds": [{"closes_at": "9999-12-31", "timezone": "America/New_York"}]}, "body"),
        ({"requirements": [{"kind": "essay", "min_words": 9, "max_words": 8}]}, "requirements.0"),
        ({"coverage": {"kind": "percent"}}, "coverage"),
        ({"coverage": {"kind": "full_tuition", "percent": 5}}, "coverage"),
        ({"application": {"url": "javascript:alert(1)"}}, "application.url"),
        ({"eligibility_criteria": {"unknown": 1}}, "eligibility_criteria.unknown"),
        (
            {"eligibility_criteria": {"citizenship_required": "US", "citizenships": ["CA"]}},
            "eligibility_criteria",
        ),
    ],
)
async def test_a_bad_value_is_one_error(api: Api, fields: dict[str, Any], refused: str) -> None:
    answer = await api.partner.client.post(AWARDS, json=new_award(**fields))

    assert refused_fields(answer) == {refused}, answer.text
    assert len(answer.json()["details"]["fields"]) == 1


@pytest.mark.parametrize(
    ("fields", "vocabulary"),
    [
        ({"eligibility_sets": [{"genders": ["queen"]}]}, "genders"),
        ({"eligibility_sets": [{"citizenships": ["XX"]}]}, "countries"),
        ({"eligibility_sets": [{"residency_counties": ["99999"]}]}, "counties"),
        ({"eligibility_sets": [{"military": [{"statuses": ["x"]}]}]}, "military_statuses"),
        ({"rounds": [{"kind": "sometimes"}]}, "round_kinds"),
        ({"requirements": [{"kind": "dance"}]}, "requirement_kinds"),
        ({"coverage": {"kind": "half"}}, "coverage_kinds"),
        ({"application": {"method": "fax"}}, "application_methods"),
        ({"flags": ["odd"]}, "flags"),
    ],
)
async def test_an_unknown_code_is_refused_with_the_address_of_its_list(
    api: Api, fields: dict[str, Any], vocabulary: str
) -> None:
    answer = await api.partner.client.post(AWARDS, json=new_award(**fields))

    [error] = answer.json()["details"]["fields"]
    assert answer.status_code == 422
    assert error["message"].endswith(f"see /api/v1/vocabularies/{vocabulary}")
    assert (await api.anonymous.get(f"/api/v1/vocabularies/{vocabulary}")).status_code == 200


async def test_parts_that_no_import_could_read_again_are_refused(api: Api) -> None:
    parents = f"sports.{'x' * 40}.{'y' * 40}.{'z' * 38}"
    many = [f"{parents}{number:02}" for number in range(50)]
    criteria = dict.fromkeys(("activities", "interests", "religions"), many)
    file = ndjson(award(preferences=[{"criteria": criteria}] * 10))

    answer = await api.admin.client.post(
        f"{AWARDS}/import", content=file, headers={"Content-Type": "application/x-ndjson"}
    )

    [error] = answer.json()["errors"]
    assert "at most 131,072 characters" in error["reason"], answer.text
