"""Likely duplicates of different imports are found, listed and dismissed."""

import io
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.exchange.duplicates import finder
from scholarship_api.exchange.duplicates.finder import find_duplicates, import_begins
from tests.catalogue.api import Api, serving
from tests.catalogue.awards import Row, award, ndjson

pytestmark = pytest.mark.anyio

DUPLICATES = "/api/v1/duplicates"


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
async def connection(
    module_database_url: str,
) -> AsyncIterator["psycopg.AsyncConnection[Any]"]:
    url = module_database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("TRUNCATE scholarships, duplicates")
        yield connection


def named(award_id: str, name: str, **fields: object) -> Row:
    return award(
        id=award_id,
        name=name,
        organization="Acme Trust",
        **{"website_url": "https://www.acme.example.org/awards", **fields},
    )


async def put(connection: "psycopg.AsyncConnection[Any]", *rows: Row) -> int:
    """Import the rows as one file, and find the duplicates of what it wrote."""
    since = await import_begins(connection)
    report = await import_stream(
        io.BytesIO(ndjson(*rows)), connection, reader=read_ndjson, refresh=False
    )
    assert not report.errors
    return await find_duplicates(connection, since=since)


async def pairs(connection: "psycopg.AsyncConnection[Any]") -> set[tuple[str, str]]:
    cursor = await connection.execute("SELECT first_id, second_id FROM duplicates")
    return {(first, second) for first, second in await cursor.fetchall()}


async def test_similar_names_on_the_same_site_are_found(
    connection: "psycopg.AsyncConnection[Any]",
) -> None:
    await put(
        connection,
        named("a1", "Curie Nursing Award"),
        named("a2", "Robotics Club Prize"),
        named("a3", "Curie Nursing Award", website_url="https://other.example.org"),
    )
    assert await pairs(connection) == set()
    found = await put(
        connection,
        named("b1", "Nursing Award: Curie", website_url="http://acme.example.org/x"),
        named("b2", "Something else entirely"),
        named("b3", "Curie Nursing Awards", source_url="https://third.example.org"),
    )
    assert found == 2
    assert await pairs(connection) == {("a1", "b1"), ("a1", "b3")}


async def test_awards_of_one_file_are_no_duplicates(
    connection: "psycopg.AsyncConnection[Any]",
) -> None:
    assert await put(connection, named("a1", "Curie Award"), named("a2", "Curie Award")) == 0


async def test_archived_awards_and_awards_without_a_site_are_left_out(
    connection: "psycopg.AsyncConnection[Any]",
) -> None:
    await put(
        connection,
        named("a1", "Curie Award", status="archived"),
        named("a2", "Curie Award", website_url=None),
    )
    assert await put(connection, named("b1", "Curie Award")) == 0


async def test_a_directory_says_nothing(
    connection: "psycopg.AsyncConnection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "MAX_SITE_AWARDS", 3)
    await put(connection, *(named(f"a{number}", "Curie Award") for number in range(5)))
    assert await put(connection, named("b", "Curie Award")) == 0


async def test_the_same_file_again_finds_nothing_new(
    connection: "psycopg.AsyncConnection[Any]",
) -> None:
    await put(connection, named("a1", "Curie Award"))
    await put(connection, named("b1", "Curie Award"))
    assert await put(connection, named("b1", "Curie Award")) == 0
    await put(connection, named("b1", "Curie Award", description="New"))
    assert await pairs(connection) == {("a1", "b1")}


async def test_pairs_are_listed_until_somebody_decides(
    connection: "psycopg.AsyncConnection[Any]", api: Api
) -> None:
    await put(connection, named("a1", "Curie Award"), named("a2", "Robotics Prize"))
    await put(connection, named("b1", "Curie Award"), named("b2", "Robotics Prizes"))
    answer = await api.partner.client.get(DUPLICATES, params={"limit": 1})
    content = answer.json()
    assert content["total"] == 2
    [first] = content["items"]
    assert (first["first"]["id"], first["second"]["id"]) == ("a1", "b1")
    assert (first["score"], first["site"]) == (100, "acme.example.org")
    dismissed = await api.partner.client.delete(f"{DUPLICATES}/{first['id']}")
    assert dismissed.status_code == 204
    merged = await api.partner.client.post(
        "/api/v1/scholarships/b2/merge", json={"into": "a2"}, headers={"If-Match": "*"}
    )
    assert merged.status_code == 200
    assert (await api.partner.client.get(DUPLICATES)).json() == {"items": [], "total": 0}


async def test_others_see_no_pairs(connection: "psycopg.AsyncConnection[Any]", api: Api) -> None:
    await put(connection, named("a1", "Curie Award"))
    await put(connection, named("b1", "Curie Award"))
    assert (await api.anonymous.get(DUPLICATES)).status_code == 401
    assert (await api.student.client.get(DUPLICATES)).status_code == 403
    assert (await api.other.client.get(DUPLICATES)).json()["total"] == 0
    [pair] = (await api.admin.client.get(DUPLICATES)).json()["items"]
    assert (await api.other.client.delete(f"{DUPLICATES}/{pair['id']}")).status_code == 404
    for number in ("0", "-1", "9" * 18, "9" * 40):
        answer = await api.admin.client.delete(f"{DUPLICATES}/{number}")
        assert answer.status_code in (404, 422)
    assert (await api.admin.client.get(DUPLICATES, params={"offset": -1})).status_code == 422
