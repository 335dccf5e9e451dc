"""JSON Merge Patch: the fields that it names change, and the result is validated as a whole."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from scholarship_api.catalogue.merge_patch import merge
from tests.catalogue.api import (
    Api,
    address,
    changed,
    created,
    refusal,
    refused_fields,
    serving,
)
from tests.catalogue.awards import FULL, Row

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


# RFC 7396, appendix A.
MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:  # noqa: ANN401
    kept = repr(target)
    assert merge(target, patch) == result
    assert repr(target) == kept


PATCHES: list[tuple[Row, Row]] = [
    ({"name": "New"}, {"name": "New"}),
    ({"name": " New "}, {"name": "New"}),
    ({"max_awards": None}, {"max_awards": None}),
    ({"description": None}, {"description": ""}),
    ({"renewable": None}, {"renewable": False}),
    ({"amount": 5}, {"amount": 5, "amount_min": 5, "amount_max": 5}),
    ({"amount": None}, {"amount": None, "amount_min": None, "amount_max": None}),
    ({"amount_max": None}, {"amount": 99.99, "amount_min": 99.99, "amount_max": None}),
    ({"amount_max": 100}, {"amount": 100, "amount_min": 99.99}),
    (
        {"application_deadline": None, "deadline_kind": "rolling"},
        {"availability": "rolling", "deadline_kind": "rolling", "days_left": None},
    ),
    ({"deadline_timezone": "UTC"}, {"application_deadline": "2127-03-01T18:29:59Z"}),
    ({"application_deadline": "2127-04-01"}, {"application_deadline": "2127-04-01T18:29:59Z"}),
    (
        {"eligibility_criteria": {"min_gpa": None, "max_age": 30, "residency_states": ["NY"]}},
        {
            "eligibility_criteria": {
                **FULL["eligibility_criteria"],
                "fields_of_study": ["law", "social_sciences"],
                "max_gpa": None,
                "min_gpa": None,
                "max_age": 30,
                "residency_states": ["NY"],
            }
        },
    ),
    ({"availability": "closed", "version": 9, "days_left": None}, {"version": 1}),
    ({}, {"version": 1}),
]


@pytest.mark.parametrize(("patch", "expected"), PATCHES)
@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
async def test_a_patch_changes_the_fields_that_it_names(
    api: Api, patch: Row, expected: Row, media_type: str
) -> None:
    answer = await created(api.partner, **FULL)
    headers = {"If-Match": answer.headers["etag"], "Content-Type": media_type}
    patched = await api.partner.client.patch(address(answer), json=patch, headers=headers)
    assert patched.status_code == 200, patched.text
    body = patched.json()
    assert {name: body[name] for name in expected} == expected
    derived = {"amount", "amount_min", "amount_max", "availability", "days_left", "version"}
    derived.add("eligibility_sets")
    untouched = answer.json().keys() - patch.keys() - expected.keys() - derived - {"updated_at"}
    assert {name: body[name] for name in untouched} == {
        name: answer.json()[name] for name in untouched
    }


@pytest.mark.parametrize(
    ("patch", "fields"),
    [
        ({"name": None}, {"name"}),
        ({"id": None}, {"id"}),
        ({"deadline_kind": "rolling"}, {""}),
        ({"application_deadline": None}, {""}),
        ({"amount": 5, "amount_max": 6}, {""}),
        ({"amount_min": 10_000_000_000}, {"amount_min"}),
        ({"currency": None}, {""}),
        ({"unknown": 1}, {"unknown"}),
        ({"unknown": None}, None),
        ({"eligibility_criteria": {"min_gpa": 5}}, {"eligibility_criteria.min_gpa"}),
        ({"eligibility_criteria": {"unknown": {}}}, {"eligibility_criteria.unknown"}),
        ({"eligibility_criteria": []}, {"eligibility_criteria"}),
        ({"status": "gone"}, {"status"}),
        ([], {""}),
        ("text", {""}),
        (5, {""}),
    ],
)
async def test_the_result_of_a_patch_is_validated_as_a_whole(
    api: Api, patch: object, fields: set[str] | None
) -> None:
    answer = await created(api.partner, **FULL)
    patched = await changed(api.partner, "PATCH", address(answer), patch, answer.headers["etag"])
    if fields is None:
        assert patched.status_code == 200
    else:
        assert refused_fields(patched) == fields
    assert (await api.anonymous.get(address(answer))).json() == answer.json()


@pytest.mark.parametrize("media_type", ["application/json-patch+json", "text/plain", ""])
async def test_other_patch_formats_are_refused(api: Api, media_type: str) -> None:
    answer = await created(api.admin)
    refused = await api.admin.client.patch(
        address(answer), content=b"{}", headers={"If-Match": "*", "Content-Type": media_type}
    )
    assert refusal(refused) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert refused.headers["accept-patch"] == "application/merge-patch+json"
