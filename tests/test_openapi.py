"""The OpenAPI document: names for generated clients, and an example for each body."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.catalogue.api import AWARDS, Api, new_award, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    mail = {
        "smtp_url": "smtp://mail.invalid",
        "smtp_from": "noreply@example.org",
        "public_base_url": "https://api.example.org",
    }
    async with serving(module_database_url, **mail) as api:
        yield api


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def examples(document: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    """The examples of a body: those of its media type, else those of its schema."""
    if "example" in content:
        return [content["example"]]
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found: list[Any] = schema.get("examples", [])
    return found


async def test_operation_ids_are_short_and_unique(api: Api) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(api.app.openapi())]
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name), name
        assert len(name) <= 30, name


async def test_the_service_and_every_tag_are_described(api: Api) -> None:
    document = api.app.openapi()
    assert "X-RateLimit" in document["info"]["description"]
    described = {tag["name"] for tag in document["tags"] if tag["description"].endswith(".")}
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert used == described


async def test_every_operation_has_a_summary(api: Api) -> None:
    for method, path, operation in operations(api.app.openapi()):
        assert len(operation["summary"]) > 8, (method, path)
        assert len(operation["tags"]) == 1, (method, path)


async def test_every_error_is_json(api: Api) -> None:
    for method, path, operation in operations(api.app.openapi()):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/json"], (method, path, status)


SUBJECT = "/api/v1/subjects/one"


async def platform_key(api: Api) -> dict[str, str]:
    """The headers of an API key that may store data of subjects."""
    body = {"name": "platform", "scopes": ["subjects:read", "subjects:write"]}
    key = (await api.admin.client.post("/api/v1/api-keys", json=body)).json()
    return {"X-API-Key": key["secret"]}


async def stored_examples(
    client: httpx.AsyncClient, prefix: str, headers: dict[str, str]
) -> dict[str, str]:
    """Store what the examples of changes need; the ids by list."""
    stored = await client.put(f"{prefix}/profile", json={"gpa": 3}, headers=headers)
    assert stored.status_code == 201, stored.text
    news = {
        "saved-searches": {"name": "One", "query": {}},
        "applications": {"scholarship_id": "sch_003"},
    }
    ids = {}
    for name, new in news.items():
        created = await client.post(f"{prefix}/{name}", json=new, headers=headers)
        assert created.status_code == 201, created.text
        ids[name] = created.json()["id"]
    return ids


async def rule_examples(client: httpx.AsyncClient) -> dict[str, str]:
    """Create what the examples of changes of the search's rules need; the ids by list."""
    news = {
        "rules": {"query": "quokka", "pin": ["sch_001"]},
        "synonyms": {"kind": "two_way", "words": ["quokka", "wombat"]},
    }
    ids = {}
    for name, new in news.items():
        created = await client.post(f"/api/v1/search/{name}", json=new)
        assert created.status_code == 201, created.text
        ids[name] = created.json()["id"]
    return ids


async def test_every_body_has_an_example_that_is_accepted(api: Api) -> None:
    document = api.app.openapi()
    for number in (1, 2, 3):
        award = new_award(id=f"sch_00{number}")
        assert (await api.admin.client.post(AWARDS, json=award)).status_code == 201
    new_key = {"name": "examples", "scopes": ["scholarships:read"]}
    key = (await api.admin.client.post("/api/v1/api-keys", json=new_key)).json()
    platform = await platform_key(api)
    searched = (await api.anonymous.get("/api/v1/search")).json()
    saved = {
        "/api/v1/me": await stored_examples(api.admin.client, "/api/v1/me", {}),
        SUBJECT: await stored_examples(api.anonymous, SUBJECT, platform),
    }
    saved["/api/v1/me"] |= await rule_examples(api.admin.client)
    new_webhook = {"url": "https://hooks.example.org/", "events": ["scholarship.closed"]}
    webhook = (await api.admin.client.post("/api/v1/webhooks", json=new_webhook)).json()
    tried = 0
    for method, path, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if content["schema"].get("format") == "binary":
                continue  # JSON has no form for an example
            found = examples(document, content)
            assert found, (method, path, media_type)
            for example in found:
                if path == "/api/v1/events":  # takes an id that an answer had
                    example["search_id"] = searched["search_id"]
                options: dict[str, Any] = (
                    {"data": example}
                    if "form" in media_type
                    else {"content": example if isinstance(example, str) else json.dumps(example)}
                )
                url = (
                    path.replace("{scholarship_id}", "sch_001")
                    .replace("{external_id}", "one")
                    .replace("{webhook_id}", webhook["id"])
                )
                is_subject = url.startswith(SUBJECT)
                prefix = SUBJECT if is_subject else "/api/v1/me"
                id_ = saved[prefix].get(path.split("/")[-2], key["id"])
                answer = await (api.anonymous if is_subject else api.admin.client).request(
                    method,
                    url.replace("{id}", id_),
                    headers={
                        **({} if not is_subject else platform),
                        "Content-Type": media_type,
                        "If-Match": "*",
                    },
                    **options,
                )
                # No account of the examples of a login exists.
                expected = {401} if "/auth/login" in path else {200, 201, 202}
                assert answer.status_code in expected, (path, example, answer.text)
                if path.endswith("/import"):
                    assert answer.json()["bad"] == 0, answer.text
                tried += 1
    assert tried >= 16
