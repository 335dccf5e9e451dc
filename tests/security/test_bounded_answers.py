"""A hostile request of the largest size costs little and gets a short answer, on every route."""

import re
import time
from itertools import islice
from typing import Final

import httpx
import pytest

from tests.catalogue.api import Api, created
from tests.security.hostile_inputs import BODY_BYTES, Hostile, list_fields, requests_to

pytestmark = pytest.mark.anyio

MAX_CPU_SECONDS: Final = 0.1
MAX_ANSWER_BYTES: Final = 65_536
MAX_REFUSAL_BYTES: Final = 1_500
"""The answer to a list that is too long: it has a few mistakes, and not one for each item."""

ENDS_THE_ACCOUNT: Final = ("/api/v1/auth/me", "/api/v1/auth/logout")
IMPORT: Final = "/api/v1/scholarships/import"
"""Reads every row of its body, so that its cost is in proportion to the number of rows."""

SUBJECTS: Final = "/api/v1/subjects"
"""Is for API keys alone."""

PARTS: Final = 8
"""Tests that share the requests, so that processes can run them side by side."""

ATTEMPTS: Final = 5
"""A garbage collection or another process's cache misses may fall into one of them."""


async def key_client(api: Api, *scopes: str) -> httpx.AsyncClient:
    """Sends an API key with `scopes`."""
    new = {"name": "platform", "scopes": scopes}
    key = (await api.admin.client.post("/api/v1/api-keys", json=new)).json()
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key['secret']}"}
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


async def cost(client: httpx.AsyncClient, hostile: Hostile, award: str) -> tuple[float, int, int]:
    """Seconds of CPU of this process, the client's included; the status; bytes of the answer."""
    target = re.sub(r"\{.*?\}", award, hostile.path)
    headers = {"Content-Type": hostile.media_type} if hostile.media_type else {}
    started = time.process_time()
    answer = await client.request(
        hostile.method,
        f"{target}?{hostile.query}" if hostile.query else target,
        content=hostile.body,
        headers={**headers, "If-Match": "*"},
    )
    return time.process_time() - started, answer.status_code, len(answer.content)


@pytest.mark.slow
async def test_every_list_of_the_document_is_tried(api: Api) -> None:
    document = api.app.openapi()
    tried = {hostile.id for hostile in requests_to(document)}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            for media_type, described in content.items():
                for field in list_fields(document, described.get("schema", {})):
                    name = f"{method.upper()} {path} {media_type} {field}: a list of numbers"
                    assert name in tried
    assert any("eligibility_criteria.fields_of_study: a list of" in name for name in tried)
    assert any("searches.[].states: a list of" in name for name in tried)
    assert len({hostile.path for hostile in requests_to(document)}) == len(document["paths"])
    largest = [len(one.body) for one in requests_to(document) if "a list of" in one.name]
    assert min(largest) > BODY_BYTES - 20


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_hostile_requests_cost_little_and_get_short_answers(api: Api, part: int) -> None:
    award = (await created(api.partner)).json()["id"]
    platform = await key_client(api, "subjects:read", "subjects:write")
    found: list[str] = []
    for hostile in islice(requests_to(api.app.openapi()), part, None, PARTS):
        if hostile.path in ENDS_THE_ACCOUNT or hostile.method == "DELETE":
            continue
        client = platform if hostile.path.startswith(SUBJECTS) else api.admin.client
        seconds, status, size = await cost(client, hostile, award)
        for _ in range(ATTEMPTS - 1):
            if seconds <= MAX_CPU_SECONDS or hostile.path == IMPORT:
                break
            again, status, size = await cost(client, hostile, award)
            seconds = min(seconds, again)
        assert status not in (401, 403, 405, 429), hostile.id
        if status == 422 and "a list of" in hostile.name and hostile.path != IMPORT:
            # Whatever the machine: the length is refused before any item is looked at.
            assert size < MAX_REFUSAL_BYTES, f"{hostile.id}: one mistake for each item"
        slow = seconds > MAX_CPU_SECONDS and hostile.path != IMPORT
        if slow or size > MAX_ANSWER_BYTES or status >= 500:
            found.append(f"{hostile.id}: {status}, {seconds * 1000:.0f} ms, {size} bytes")
    assert found == [], "\n".join(found)
