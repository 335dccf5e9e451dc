"""Hostile bodies, values that the database refuses, and locked awards are no server error."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.catalogue.api import (
    AWARDS,
    Api,
    address,
    changed,
    created,
    new_award,
    refusal,
    refused_fields,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


HOSTILE: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"NaN",
    b"\xff",
    b"[" * 30_000 + b"]" * 30_000,
    b'{"version":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"amount_min": 1, "amount":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"\\ud800": 1}',
    b'{"name": "\\ud800"}',
    b'{"eligibility_criteria": {"\\ud800": "\\ud800"}}',
    b'{"version": "\\ud800"}',
    b'{"description": "\\u0000"}',
    b'{"contact_email": "a\\u0000@example.org"}',
    b'{"contact_email": "a@example.org\\u0001"}',
    b'{"source_url": "https://example.org/\\u0000"}',
    b'{"amount": NaN, "currency": "USD"}',
    b'{"amount": -Infinity, "currency": "USD"}',
    b'{"amount": 1e400, "currency": "USD"}',
    b'{"amount": ' + b"9" * 400 + b', "currency": "USD"}',
    b'{"amount": ' + b"9" * 5000 + b', "currency": "USD"}',
    b'{"amount": "sNaN", "amount_max": "sNaN", "currency": "USD"}',
    b'{"amount": -0.001, "currency": "USD"}',
    b'{"max_awards": 2147483648}',
    b'{"max_awards": 1e30}',
    b'{"recommendation_letters": -1}',
    b'{"application_deadline": 1e400}',
    b'{"application_deadline": [2027]}',
    b'{"application_deadline": "9999-12-31T23:59:59-14:00"}',
    b'{"application_deadline": "0001-01-01T00:00:00+14:00"}',
    b'{"application_deadline": "0001-01-01", "deadline_timezone": "Asia/Tokyo"}',
    b'{"notification_date": "2027-02-30"}',
    b'{"deadline_timezone": "../../etc/passwd"}',
    b'{"eligibility_criteria": {"fields_of_study": [1, null, {}]}}',
    b'{"eligibility_criteria": {"residency_states": "CA"}}',
    b'{"id": {"$ne": null}}',
    b'{"status": ["published"]}',
    b'{"__proto__": {}}',
    b'{"name": "' + "ﷺ".encode() * 255 + b'"}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body)[:50])
async def test_hostile_bodies_are_refused_without_a_server_error(api: Api, body: bytes) -> None:
    award = await created(api.admin)
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    required = b'{"name": "n", "organization": "o", "scholarship_type": "athletic", '
    for content in (body, required + body[1:] if body[:2] == b'{"' else body):
        for method, at in (("POST", AWARDS), ("PUT", address(award)), ("PATCH", address(award))):
            answer = await api.admin.client.request(method, at, content=content, headers=headers)
            assert answer.status_code in (200, 201, 400, 422), answer.text
            if answer.status_code >= 400:
                refusal(answer)
                assert "sqlalchemy" not in answer.text
                assert "psycopg" not in answer.text


async def test_a_value_that_the_database_refuses_is_a_validation_error(
    api: Api, module_database_url: str
) -> None:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True) as other:
        other.execute("ALTER TABLE scholarships ADD CONSTRAINT test CHECK (name <> 'Refused')")
        try:
            posted = await api.admin.client.post(AWARDS, json=new_award(name="Refused"))
            award = await created(api.admin)
            patched = await changed(api.admin, "PATCH", address(award), {"name": "Refused"}, "*")
        finally:
            other.execute("ALTER TABLE scholarships DROP CONSTRAINT test")
    assert refused_fields(posted) == refused_fields(patched) == {"body"}
    assert "test" not in posted.text


async def test_a_write_of_a_locked_award_is_answered_with_retry_after(
    api: Api, module_database_url: str
) -> None:
    answer = await created(api.admin)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as other:
        other.execute("SELECT FROM scholarships WHERE id = %s FOR UPDATE", [answer.json()["id"]])
        waiting = await changed(api.admin, "PATCH", address(answer), {"name": "New"}, "*")
    assert refusal(waiting) == (503, "DATABASE_UNAVAILABLE")
    assert waiting.headers["retry-after"]
    retried = await changed(api.admin, "PATCH", address(answer), {"name": "New"}, "*")
    assert retried.status_code == 200
