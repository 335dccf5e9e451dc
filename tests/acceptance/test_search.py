"""Anonymous searches of the catalogue."""

from typing import Any

import httpx
import pytest

from tests.acceptance import deployment
from tests.acceptance.deployment import assert_error, new_client

SEARCH = "/api/v1/search"
VERDICTS = {"eligible", "likely_eligible", "ineligible", "needs_information"}


def search(client: httpx.Client, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    query = {"q": deployment.variable("QUERY", "scholarship"), **parameters}
    answer = client.get(SEARCH, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["total"] > 0, "set ACCEPTANCE_QUERY to words that find something in the catalogue"
    return body


def test_finds_and_describes(client: httpx.Client) -> None:
    item = search(client, limit=1)["items"][0]
    assert item["id"]
    assert item["name"]
    assert item["organization"]
    assert len(item["description"]) <= 200
    assert item["availability"] in {"open", "upcoming", "rolling", "unknown"}
    assert "<mark>" in item["match"]


def test_query_and_body_give_the_same_answer(client: httpx.Client) -> None:
    by_query = search(client, limit=5)
    answer = client.post(SEARCH, json={"q": by_query["filters"]["q"], "limit": 5})
    by_body = answer.json()
    for name in ("items", "total", "filters"):
        assert by_query[name] == by_body[name]


def test_pages_do_not_repeat(client: httpx.Client) -> None:
    first = search(client, limit=1)
    if first["next_cursor"] is None:
        pytest.skip("ACCEPTANCE_QUERY finds one award only")
    second = search(client, limit=1, cursor=first["next_cursor"])
    assert first["items"][0]["id"] != second["items"][0]["id"]


def test_every_string_is_safe(client: httpx.Client) -> None:
    for text in ("%", "_", "'; DROP TABLE scholarships; --", '"', "\\", "\0", "-"):
        assert client.get(SEARCH, params={"q": text}).status_code in {200, 422}, text


def test_an_award_in_full(client: httpx.Client) -> None:
    path = f"/api/v1/scholarships/{search(client, limit=1)['items'][0]['id']}"
    answer = client.get(path)
    assert answer.status_code == 200
    unchanged = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert_error(client.get("/api/v1/scholarships/no-such-award"), 404, "NOT_FOUND")


def test_eligibility(client: httpx.Client) -> None:
    award = search(client, limit=1)["items"][0]["id"]
    profile = {"gpa": 3.9, "grade_level": "undergraduate", "scholarship_ids": [award]}
    answer = client.post("/api/v1/eligibility/check", json=profile)
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    assert result["scholarship_id"] == award
    assert result["verdict"] in VERDICTS


def test_the_old_address_says_where_to_go(client: httpx.Client) -> None:
    answer = client.get("/search", params={"limit": 1})
    assert answer.status_code == 200
    assert answer.headers["Deprecation"] == "true"
    assert SEARCH in answer.headers["Link"]


def test_searches_are_counted_by_all_workers_together() -> None:
    used = 0
    for _ in range(4):
        with new_client() as client:  # a new connection, so that any worker may answer
            answer = client.get(SEARCH, params={"limit": 1})
        limit = int(answer.headers["X-RateLimit-Limit"])
        remaining = int(answer.headers["X-RateLimit-Remaining"])
        assert 0 <= remaining < limit
        assert int(answer.headers["X-RateLimit-Reset"]) >= 0
        used = max(used, limit - remaining)
    # The sliding window may have forgotten one request meanwhile.
    assert used >= 3
