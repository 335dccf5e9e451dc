"""Logging in, and actions of an admin."""

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance import deployment
from tests.acceptance.deployment import assert_error


def test_a_wrong_login_is_refused(client: httpx.Client) -> None:
    nobody = {"username": f"nobody-{uuid.uuid4().hex[:12]}", "password": "not the password"}
    refused = client.post("/api/v1/auth/login-simple", json=nobody)
    assert_error(refused, 401, "UNAUTHORIZED")
    assert "WWW-Authenticate" in refused.headers
    assert_error(client.post("/api/v1/auth/login", data=nobody), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("token", [None, "Bearer nonsense", "Bearer eyJhbGciOiJub25lIn0.e30."])
def test_nothing_closed_opens_without_a_token(client: httpx.Client, token: str | None) -> None:
    headers = {"Authorization": token} if token else {}
    for path in ("/api/v1/auth/me", "/api/v1/scholarships", "/api/v1/analytics/summary"):
        assert_error(client.get(path, headers=headers), 401, "UNAUTHORIZED")


def test_logging_out_ends_the_token(admin: httpx.Client) -> None:
    me = admin.get("/api/v1/auth/me")
    assert me.status_code == 200
    assert me.headers["Cache-Control"] == "no-store"
    assert me.json()["username"] == deployment.required("USERNAME").lower()
    assert me.json()["role"] == "admin"
    assert admin.post("/api/v1/auth/logout").status_code == 204
    assert_error(admin.get("/api/v1/auth/me"), 401, "UNAUTHORIZED")


@pytest.fixture
def imported(admin: httpx.Client) -> Iterator[tuple[str, list[str]]]:
    """A unique word, and the ids of two awards that contain it."""
    word = "zq" + "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:12])
    ids = [f"acceptance-{word}-{number}" for number in range(2)]
    rows = [
        {
            "id": award,
            "name": f"Acceptance {word} {award}",
            "organization": "Acceptance tests",
            "scholarship_type": "merit_based",
            "deadline_kind": "rolling",
        }
        for award in ids
    ]
    broken = {"id": f"acceptance-{word}-broken", "name": word}
    answer = admin.post(
        "/api/v1/scholarships/import",
        content="\n".join(json.dumps(row) for row in [*rows, broken]),
        headers={"Content-Type": "application/x-ndjson"},
    )
    try:
        assert answer.status_code == 200, answer.text
        counts = {name: answer.json()[name] for name in ("rows", "created", "bad")}
        assert counts == {"rows": 3, "created": 2, "bad": 1}
        yield word, ids
    finally:
        for award in ids:
            path = f"/api/v1/scholarships/{award}"
            tag = admin.get(path).headers.get("ETag", "")
            admin.delete(path, headers={"If-Match": tag})


def test_what_is_imported_is_found_and_what_is_archived_is_not(
    admin: httpx.Client, imported: tuple[str, list[str]]
) -> None:
    word, ids = imported
    found = admin.get("/api/v1/search", params={"q": word}).json()
    assert sorted(item["id"] for item in found["items"]) == ids
    path = f"/api/v1/scholarships/{ids[0]}"
    assert_error(admin.delete(path), 428, "PRECONDITION_REQUIRED")
    tag = admin.get(path).headers["ETag"]
    assert admin.delete(path, headers={"If-Match": tag}).status_code == 204
    left = admin.get("/api/v1/search", params={"q": word}).json()
    assert [item["id"] for item in left["items"]] == ids[1:]
