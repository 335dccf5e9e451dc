"""A walk over every documented route by role and organization.

Acme Trust has a draft, an award, and interactions with it. Each identity sends each route a request
about them. The access rules say who is refused; nobody else may see the draft or the figures.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import httpx
import pytest

from tests.catalogue.api import Api, created
from tests.security.conftest import assert_error, connect

pytestmark = pytest.mark.anyio

DRAFT: Final = "Zqsecretdraft"
AWARD: Final = "Zqpublicaward"
ENDS_THE_TOKEN: Final = ("/api/v1/auth/me", "/api/v1/auth/logout")
"""Walked by the anonymous client alone: DELETE and POST here would end the walk of others."""

WRITES: Final = ("PUT", "PATCH", "DELETE")

ADMINS_ONLY: Final = frozenset(
    {
        ("POST", "/api/v1/scholarships/import"),
        ("POST", "/api/v1/scholarships/import/preview"),
        ("GET", "/api/v1/analytics/summary"),
        ("GET", "/api/v1/analytics/user/{id}"),
        ("GET", "/api/v1/analytics/interactions"),
        ("GET", "/api/v1/analytics/search-trends"),
        ("GET", "/api/v1/analytics/searches"),
        ("GET", "/api/v1/search/synonyms/built-in"),
        *(
            (method, f"/api/v1/search/{entries}")
            for entries in ("rules", "synonyms")
            for method in ("GET", "POST")
        ),
        *(
            (method, f"/api/v1/search/{entries}/{{id}}")
            for entries in ("rules", "synonyms")
            for method in ("GET", "PUT", "DELETE")
        ),
        ("GET", "/api/v1/usage"),  # and for API keys
    }
)

SCOPES: Final[Mapping[str, set[str]]] = {
    "admin": {
        *("scholarships:read", "scholarships:write", "analytics:read", "analytics:write"),
        *("audit:read", "keys:write", "subjects:read", "subjects:write", "webhooks:write"),
    },
    "partner": {"scholarships:read", "scholarships:write", "analytics:read"},
    "other": {"scholarships:read", "scholarships:write", "analytics:read"},
    "student": {"scholarships:read"},
    "reader": {"scholarships:read"},
}


def clients(api: Api) -> dict[str, httpx.AsyncClient]:
    """Each identity; `partner` is of Acme Trust and `other` of Other Trust."""
    identities = ("admin", "partner", "other", "student", "reader")
    return {"anonymous": api.anonymous} | {name: getattr(api, name).client for name in identities}


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def required_scopes(operation: Mapping[str, Any]) -> set[str] | None:
    """The scopes that the document names; None for a public route."""
    security = operation.get("security") or [{}]
    if {} in security:
        return None
    return {
        scope for requirement in security for scopes in requirement.values() for scope in scopes
    }


async def send(
    client: httpx.AsyncClient, method: str, path: str, operation: Mapping[str, Any], subject: str
) -> httpx.Response:
    media_type = next(iter(operation.get("requestBody", {}).get("content", {"": ""})))
    headers = {"Content-Type": media_type} if media_type else {}
    return await client.request(
        method,
        re.sub(r"\{.*?\}", subject, path),
        headers={**headers, "If-Match": '"999999"'},
        content=b"{}" if media_type else b"",
        params={"q": DRAFT} if method == "GET" and path.endswith("search") else {},
    )


@pytest.fixture(scope="module")
async def awards(api: Api) -> dict[str, str]:
    """The ids of Acme Trust's draft and award."""
    draft = await created(api.partner, name=DRAFT, status="draft")
    award = await created(api.partner, name=AWARD)
    ids = {"draft": draft.json()["id"], "award": award.json()["id"]}
    for kind in ("viewed", "applied"):
        body = {"scholarship_id": ids["award"], "type": kind}
        answer = await api.student.client.post("/api/v1/interactions", json=body)
        assert answer.status_code == 201
    return ids


@pytest.fixture(scope="module")
async def key_of_others(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """An API key of Other Trust that has every scope."""
    body = {"name": "key", "scopes": sorted(SCOPES["admin"]), "organization": "Other Trust"}
    answer = await api.admin.client.post("/api/v1/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    async with connect(api.app) as client:
        client.headers["X-API-Key"] = answer.json()["secret"]
        yield client


def expected_refusals(method: str, path: str, operation: Mapping[str, Any], name: str) -> set[int]:
    """401 or 403 when the rules refuse the identity, else nothing."""
    scopes = required_scopes(operation)
    if scopes is None:
        # A login refuses the credentials in its body.
        return {401, 422} if path.startswith("/api/v1/auth/login") else set()
    if name == "anonymous":
        return {401}
    if path.startswith("/api/v1/subjects/"):
        return {403}  # these are for API keys
    if (method, path) in ADMINS_ONLY and name != "admin":
        return {403}
    if name == "other" and method in WRITES and "{scholarship_id}" in path:
        return {403, 422}  # the award of Acme Trust; PUT looks at the body first
    return set() if scopes <= SCOPES[name] else {403}


@pytest.mark.slow
async def test_the_rules_say_who_is_refused(api: Api, awards: dict[str, str]) -> None:
    wrong: list[str] = []
    for method, path, operation in operations(api.app.openapi()):
        if path == "/metrics":  # answered to METRICS_TOKEN only
            continue
        for name, client in clients(api).items():
            if path in ENDS_THE_TOKEN and name != "anonymous":
                continue
            answer = await send(client, method, path, operation, awards["award"])
            expected = expected_refusals(method, path, operation, name)
            refused = answer.status_code in (401, 403)
            if answer.status_code not in expected if expected else refused:
                wrong.append(f"{name}: {method} {path}: {answer.status_code}")
    assert wrong == []


async def test_only_admins_and_its_owner_see_a_draft(
    api: Api, awards: dict[str, str], key_of_others: httpx.AsyncClient
) -> None:
    without_right = {
        **{name: clients(api)[name] for name in ("anonymous", "other", "student", "reader")},
        "key of others": key_of_others,
    }
    for method, path, operation in operations(api.app.openapi()):
        if path in ENDS_THE_TOKEN:
            continue
        for name, client in without_right.items():
            answer = await send(client, method, path, operation, awards["draft"])
            is_json = answer.headers.get("content-type") == "application/json"
            body = answer.json() if is_json else answer.text
            if isinstance(body, dict):
                body.pop("filters", None)  # repeat the query that was sent
                body.pop("suggestions", None)
            assert DRAFT.casefold() not in str(body).casefold(), (name, method, path)
    for name in ("admin", "partner"):
        answer = await clients(api)[name].get(f"/api/v1/scholarships/{awards['draft']}")
        assert answer.json()["name"] == DRAFT


async def test_only_admins_and_its_owner_see_the_figures_of_an_award(
    api: Api, awards: dict[str, str], key_of_others: httpx.AsyncClient
) -> None:
    """An award's score, and who did what with it, in all answers under /analytics."""
    for method, path, operation in operations(api.app.openapi()):
        if not path.startswith("/api/v1/analytics"):
            continue
        for name, client in {**clients(api), "key of others": key_of_others}.items():
            answer = await send(client, method, path, operation, str(api.student.id))
            owner = path.endswith("popular-scholarships") and name == "partner"
            if name != "admin" and not owner:
                for secret in (awards["award"], AWARD, str(api.student.id)):
                    assert secret not in answer.text, (name, path)
    for name in ("admin", "partner"):
        answer = await clients(api)[name].get("/api/v1/analytics/popular-scholarships")
        scores = {
            entry["scholarship_id"]: entry["score"] for entry in answer.json()["scholarships"]
        }
        assert scores[awards["award"]] == 6


async def test_only_admins_and_its_owner_change_an_award(api: Api, awards: dict[str, str]) -> None:
    for kind, status in (("award", 403), ("draft", 404)):
        for method, path, _ in operations(api.app.openapi()):
            if method not in WRITES or "{scholarship_id}" not in path:
                continue
            body = {"name": "Taken", "organization": "Other Trust", "scholarship_type": "athletic"}
            headers = {"Content-Type": "application/json", "If-Match": "*"}
            answer = await api.other.client.request(
                method, path.replace("{scholarship_id}", awards[kind]), json=body, headers=headers
            )
            assert_error(answer, status, {403: "FORBIDDEN", 404: "NOT_FOUND"}[status])
