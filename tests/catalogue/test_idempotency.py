"""With an Idempotency-Key, a request that is repeated creates one award."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.catalogue.api import (
    AWARDS,
    Api,
    User,
    created,
    new_award,
    own_id,
    refusal,
    refused_fields,
    serving,
)

pytestmark = pytest.mark.anyio

Rows = psycopg.Connection[Any]


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
def rows(module_database_url: str) -> Iterator[Rows]:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # TRUNCATE would wait for readers on this event loop, which it blocks.
        connection.execute("DELETE FROM scholarships")
        connection.execute("DELETE FROM idempotency_keys")
        yield connection


async def post(user: User, key: str, **fields: object) -> httpx.Response:
    headers = {"Idempotency-Key": key}
    return await user.client.post(AWARDS, json=new_award(**fields), headers=headers)


def count(rows: Rows, table: str = "scholarships") -> int:
    found = rows.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found is not None
    return int(found[0])


async def test_a_repetition_gets_the_first_answer(api: Api, rows: Rows) -> None:
    first = await post(api.partner, "k", application_deadline="2127-01-01")
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    change = {"name": "Changed since"}
    await api.admin.client.patch(first.headers["location"], json=change, headers={"If-Match": "*"})
    again = await post(api.partner, "k", application_deadline="2127-01-01")
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("location", "content-location", "etag", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert count(rows) == 1


async def test_an_equal_award_written_differently_is_the_same_request(api: Api, rows: Rows) -> None:
    body = new_award(eligibility_criteria={"fields_of_study": ["computer_science"]}, max_awards=1)
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = await api.partner.client.post(AWARDS, content=json.dumps(body), headers=headers)
    body["eligibility_criteria"] = {"fields_of_study": ["technology"]}
    turned = json.dumps(dict(reversed(body.items())), indent=4)
    again = await api.partner.client.post(AWARDS, content=turned, headers=headers)
    assert again.content == first.content
    assert count(rows) == 1


async def test_a_key_cannot_be_used_for_another_request(api: Api, rows: Rows) -> None:
    await post(api.partner, "k")
    other = await post(api.partner, "k", name="Another")
    assert refused_fields(other) == {"Idempotency-Key"}
    assert count(rows) == 1


async def test_each_account_has_its_own_keys(api: Api, rows: Rows) -> None:
    first = await post(api.partner, "k")
    second = await post(api.admin, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_without_a_key_every_request_creates_an_award(api: Api, rows: Rows) -> None:
    await created(api.partner)
    await created(api.partner)
    assert (count(rows), count(rows, "idempotency_keys")) == (2, 0)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "é", "\x7f", "a\tb"])
async def test_keys_with_other_than_visible_ascii_are_refused(
    api: Api, rows: Rows, key: str
) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await api.partner.client.post(AWARDS, json=new_award(), headers=headers)
    assert refused_fields(answer) == {"Idempotency-Key"}
    assert count(rows) == 0


@pytest.mark.parametrize("key", ["x", "!~" * 127 + "!", '"8e03978e-40d5-43e8-bc93-6894a57f9324"'])
async def test_any_visible_ascii_is_accepted_as_a_key(api: Api, rows: Rows, key: str) -> None:
    assert (await post(api.partner, key)).status_code == 201
    assert (await post(api.partner, key)).headers["idempotency-replayed"] == "true"


async def test_a_failed_request_does_not_use_up_its_key(api: Api, rows: Rows) -> None:
    await created(api.admin, id=own_id("taken"))
    assert refusal(await post(api.partner, "k", id=own_id("taken"))) == (409, "CONFLICT")
    forbidden = await post(api.partner, "k", organization="Other Trust")
    assert refusal(forbidden) == (403, "FORBIDDEN")
    assert refused_fields(await post(api.partner, "k", name="")) == {"name"}
    rows.execute("ALTER TABLE search_words RENAME TO away")  # an error inside a trigger
    try:
        failed = await post(api.partner, "k")
    finally:
        rows.execute("ALTER TABLE away RENAME TO search_words")
    assert refusal(failed) == (500, "INTERNAL_ERROR")
    assert count(rows) == 1
    assert count(rows, "idempotency_keys") == 0
    retried = await post(api.partner, "k")
    assert (retried.status_code, "idempotency-replayed" in retried.headers) == (201, False)


@pytest.mark.slow
async def test_fifty_concurrent_repetitions_create_one_award(api: Api, rows: Rows) -> None:
    answers = await asyncio.gather(*(post(api.partner, "k") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (count(rows), count(rows, "idempotency_keys")) == (1, 1)


@pytest.mark.slow
async def test_repetitions_on_two_workers_create_one_award(
    api: Api, rows: Rows, module_database_url: str
) -> None:
    key = {"jwt_secret_key": api.app.state.settings.jwt_secret_key}
    async with serving(module_database_url, **key) as second:
        token = api.partner.client.headers["authorization"]
        twin = User(api.partner.id, second.anonymous)
        second.anonymous.headers["authorization"] = token
        users = [api.partner, twin] * 10
        answers = await asyncio.gather(*(post(user, "k") for user in users))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count(rows) == 1


async def test_a_repetition_that_waits_too_long_gets_a_conflict(
    api: Api, rows: Rows, module_database_url: str
) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as first:
        first.execute(
            "INSERT INTO idempotency_keys (account_id, key, fingerprint) VALUES (%s, 'k', '')",
            [api.partner.id],
        )
        assert refusal(await post(api.partner, "k")) == (409, "CONFLICT")
        first.rollback()
    assert (await post(api.partner, "k")).status_code == 201


async def test_keys_expire_after_a_day_and_are_purged(api: Api, rows: Rows) -> None:
    for key in ("fresh", "old", "older"):
        await post(api.partner, key)
    rows.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '23:59' WHERE key = 'fresh'"
    )
    rows.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '24:01' WHERE key LIKE 'old%'"
    )
    again = await post(api.partner, "old", name="Another body")
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)
    kept = rows.execute("SELECT key FROM idempotency_keys ORDER BY key").fetchall()
    assert kept == [("fresh",), ("old",)]
    assert (await post(api.partner, "fresh")).headers["idempotency-replayed"] == "true"
    assert count(rows) == 4


async def test_the_purge_reads_an_index(api: Api, rows: Rows) -> None:
    rows.execute(
        "INSERT INTO idempotency_keys (account_id, key, fingerprint)"
        " SELECT %s, number::text, '' FROM generate_series(1, 20000) AS number",
        [api.partner.id],
    )
    rows.execute("ANALYZE idempotency_keys")
    plan = rows.execute(
        "EXPLAIN SELECT account_id, key FROM idempotency_keys"
        " WHERE created_at < now() - interval '24:00' ORDER BY created_at LIMIT 100"
        " FOR UPDATE SKIP LOCKED"
    ).fetchall()
    assert any("ix_idempotency_keys_created_at" in line for (line,) in plan)


async def test_deleting_an_account_deletes_its_keys(api: Api, rows: Rows) -> None:
    await post(api.other, "k", organization="Other Trust")
    assert count(rows, "idempotency_keys") == 1
    assert (await api.other.client.delete("/api/v1/auth/me")).status_code == 204
    assert (count(rows, "idempotency_keys"), count(rows)) == (0, 1)
