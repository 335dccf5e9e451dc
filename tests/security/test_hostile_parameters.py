"""Every documented parameter with values that PostgreSQL or Python cannot take."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import httpx
import pytest

from scholarship_api.accounts.roles import Scope
from tests.catalogue.api import Api
from tests.security.conftest import connect
from tests.security.test_object_access import ENDS_THE_TOKEN, operations

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

VALUES: Final = {
    "NUL": "%00",
    "NUL in a text": "a%00b",
    "half of a surrogate pair": "%ED%A0%80",
    "not UTF-8": "%FF",
    "the year 10000 in UTC": "9999-12-31T23:59:59-23:59",
    "the year 0 in UTC": "0001-01-01T00:00:00%2B23:59",
    "more digits than 64 bits have": "9" * 30,
    "no number": "NaN",
    "a number without end": "1e400",
}
"""Percent-encoded, as they stand in an address."""

SOME_ID: Final = "018f2c3e-0000-7000-8000-000000000001"
FOR_KEYS: Final = "/api/v1/subjects/"


@pytest.fixture(scope="module")
async def key(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """An API key with every scope."""
    body = {"name": "key", "scopes": [str(scope) for scope in Scope]}
    answer = await api.admin.client.post("/api/v1/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    async with connect(api.app) as client:
        client.headers["X-API-Key"] = answer.json()["secret"]
        yield client


def with_id(path: str) -> str:
    return re.sub(r"\{.*?\}", SOME_ID, path)


def hostile_addresses(path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    """Addresses in which one parameter is hostile."""
    for parameter in operation.get("parameters", []):
        for value in VALUES.values():
            match parameter["in"]:
                case "query":
                    yield f"{with_id(path)}?{parameter['name']}={value}"
                case "path":
                    yield with_id(path.replace(f"{{{parameter['name']}}}", value))


async def test_no_value_of_a_parameter_is_an_error_of_the_server(
    api: Api, key: httpx.AsyncClient
) -> None:
    sent = 0
    failed: list[str] = []
    for method, path, operation in operations(api.app.openapi()):
        if path in ENDS_THE_TOKEN:
            continue
        client = key if path.startswith(FOR_KEYS) else api.admin.client
        media_type = next(iter(operation.get("requestBody", {}).get("content", {"": ""})))
        headers = {"Content-Type": media_type} if media_type else {}
        for address in hostile_addresses(path, operation):
            answer = await client.request(
                method,
                address,
                headers={**headers, "If-Match": "*"},
                content=b"{}" if media_type else b"",
            )
            sent += 1
            if answer.status_code >= 500:
                failed.append(f"{method} {address}: {answer.status_code}")
    assert failed == []
    assert sent > 1_000
