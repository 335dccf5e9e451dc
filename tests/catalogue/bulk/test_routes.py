"""POST /scholarships/import reads the body as a file of awards."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from scholarship_api.catalogue.bulk import routes
from tests.catalogue.api import AWARDS, Api, User, refusal, refused_fields, serving
from tests.catalogue.awards import award, ndjson

pytestmark = pytest.mark.anyio

Catalogue = psycopg.Connection[dict[str, Any]]
IMPORT = f"{AWARDS}/import"
CSV = (
    b"id,name,organization,scholarship_type,amount_max,currency,fields_of_study\n"
    b'a,"One, two",Acme,athletic,10.50,USD,law;arts\n'
    b"b,B,Acme,nonsense,,,\n"
    b"c,C,Acme,athletic,,,\n"
)


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
async def catalogue(module_database_url: str) -> AsyncIterator[Catalogue]:
    # Deleting waits for a refresh on this event loop, which it blocks.
    refreshing = [t for t in asyncio.all_tasks() if t.get_name() == routes.REFRESH_TASK]
    await asyncio.gather(*refreshing)
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        # TRUNCATE would wait for readers on this event loop as well, such as the read model's.
        connection.execute("DELETE FROM scholarships")
        connection.execute("DELETE FROM search_words")
        yield connection


async def send(
    user: User,
    content: bytes | AsyncIterator[bytes],
    media_type: str = "application/x-ndjson",
) -> httpx.Response:
    return await user.client.post(IMPORT, content=content, headers={"Content-Type": media_type})


def ids(catalogue: Catalogue) -> list[str]:
    return [row["id"] for row in catalogue.execute("SELECT id FROM scholarships ORDER BY id")]


async def test_good_rows_are_written_and_bad_ones_explained(api: Api, catalogue: Catalogue) -> None:
    content = ndjson(
        award(id="a"),
        award(id="b", name=""),
        award(id="c", eligibility_criteria={"min_gpa": 5}, unknown=1),
        award(id="a", name="Later"),
        award(id="d"),
    )
    answer = await send(api.admin, content + b"no JSON\n")
    assert answer.status_code == 200
    body = answer.json()
    assert {name: body[name] for name in body if name != "errors"} == {
        "rows": 6,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "repeated": 1,
        "bad": 3,
        "error_count": 4,
    }
    assert [(error["line"], error["field"]) for error in body["errors"]] == [
        (2, "name"),
        (3, "eligibility_criteria.min_gpa"),
        (3, "unknown"),
        (6, ""),
    ]
    assert all(error["reason"] for error in body["errors"])
    assert ids(catalogue) == ["a", "d"]


async def test_rows_update_awards_with_the_same_id(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(award(id="a"), award(id="b")))
    answer = await send(api.admin, ndjson(award(id="a"), award(id="b", name="New"), award(id="c")))
    body = answer.json()
    assert (body["created"], body["updated"], body["unchanged"]) == (1, 1, 1)
    read = await api.anonymous.get(f"{AWARDS}/b")
    assert (read.json()["name"], read.json()["version"]) == ("New", 2)


async def test_an_import_is_found_at_once(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(award(id="a", name="Theremin award")))
    found = await api.anonymous.get("/api/v1/search", params={"q": "theremin"})
    assert [item["id"] for item in found.json()["items"]] == ["a"]


@pytest.mark.parametrize(
    "media_type",
    ["text/csv", "text/csv; charset=utf-8", 'Text/CSV;charset="UTF-8"', "text/csv;header=present"],
)
async def test_csv_is_imported(api: Api, catalogue: Catalogue, media_type: str) -> None:
    body = (await send(api.admin, CSV, media_type)).json()
    assert (body["rows"], body["created"], body["bad"]) == (3, 2, 1)
    assert [(error["line"], error["field"]) for error in body["errors"]] == [
        (3, "scholarship_type")
    ]
    read = (await api.anonymous.get(f"{AWARDS}/a")).json()
    assert (read["name"], read["amount"]) == ("One, two", 10.5)
    assert read["eligibility_criteria"]["fields_of_study"] == ["law", "arts"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "APPLICATION/JSONL; charset=utf-8",
    ],
)
async def test_ndjson_is_imported(api: Api, catalogue: Catalogue, media_type: str) -> None:
    assert (await send(api.admin, ndjson(award()), media_type)).json()["created"] == 1


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "text/plain", "", "multipart/form-data", "text/csv; charset=utf-16"],
)
async def test_other_media_types_are_refused(
    api: Api, catalogue: Catalogue, media_type: str
) -> None:
    answer = await send(api.admin, ndjson(award()), media_type)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert ids(catalogue) == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "text/csv"),
        (b"a,b\n1,2\n", "text/csv"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "application/x-ndjson"),
        (b"PK\x03\x04\x00\x00\x00\x00", "text/csv"),
        (json.dumps([award()]).encode(), "application/x-ndjson"),
    ],
)
async def test_a_file_in_another_format_is_refused_as_a_whole(
    api: Api, catalogue: Catalogue, content: bytes, media_type: str
) -> None:
    assert refused_fields(await send(api.admin, content, media_type)) == {"body"}
    assert ids(catalogue) == []


@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
async def test_a_body_without_rows_is_accepted(
    api: Api, catalogue: Catalogue, content: bytes
) -> None:
    answer = await send(api.admin, content)
    assert (answer.status_code, answer.json()["rows"]) == (200, 0)


async def test_fifty_errors_are_listed_and_all_counted(api: Api, catalogue: Catalogue) -> None:
    answer = await send(api.admin, b"x\n" * 700)
    body = answer.json()
    assert (body["bad"], body["error_count"], len(body["errors"])) == (700, 700, 50)


async def test_only_administrators_import(api: Api, catalogue: Catalogue) -> None:
    for user in (api.partner, api.student, api.reader):
        assert refusal(await send(user, ndjson(award()))) == (403, "FORBIDDEN")
    anonymous = await api.anonymous.post(IMPORT, content=ndjson(award()))
    assert refusal(anonymous) == (401, "UNAUTHORIZED")
    assert ids(catalogue) == []


async def arriving(content: bytes, size: int, pause: float = 0) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(pause)


async def test_a_body_may_arrive_in_chunks_of_any_size(api: Api, catalogue: Catalogue) -> None:
    content = ndjson(*(award(id=f"{number:03}", name="ñ" * 50) for number in range(100)))
    for size in (1, 7, 1000):
        catalogue.execute("DELETE FROM scholarships")
        body = (await send(api.admin, arriving(content, size))).json()
        assert (body["rows"], body["created"]) == (100, 100)


async def test_a_body_over_the_limit_is_refused_with_and_without_a_declared_length(
    api: Api, catalogue: Catalogue
) -> None:
    content = ndjson(*(award(id=f"{number}", description="x" * 10_000) for number in range(110)))
    assert len(content) > 1_048_576
    for body in (content, arriving(content, 65_536)):
        assert refusal(await send(api.admin, body)) == (413, "PAYLOAD_TOO_LARGE")
        assert ids(catalogue) == []


@pytest.mark.slow
async def test_larger_bodies_are_written_batch_by_batch_as_they_arrive(
    module_database_url: str, catalogue: Catalogue
) -> None:
    rows = 12_000
    content = ndjson(*(award(id=f"{number:05}", description="x" * 200) for number in range(rows)))
    assert len(content) > 3 * routes.HEAD_BYTES
    seen_before_the_end: list[int] = []

    async def watched() -> AsyncIterator[bytes]:
        async for chunk in arriving(content, 262_144, pause=0.05):
            yield chunk
        for _ in range(200):
            seen_before_the_end.append(len(ids(catalogue)))
            if seen_before_the_end[-1]:
                break
            await asyncio.sleep(0.05)

    async with serving(module_database_url, max_request_size_bytes=100_000_000) as api:
        answer = await send(api.admin, watched())
    assert (answer.json()["rows"], answer.json()["created"]) == (rows, rows)
    assert seen_before_the_end[-1] >= 5_000
    assert len(ids(catalogue)) == rows


async def test_a_slow_client_holds_no_connection(
    module_database_url: str, catalogue: Catalogue
) -> None:
    async with serving(module_database_url, database_pool_size=1, database_max_overflow=0) as api:
        content = ndjson(*(award(id=f"{number}") for number in range(40)))
        slow = asyncio.create_task(send(api.admin, arriving(content, 100, pause=0.02)))
        await asyncio.sleep(0.2)
        assert not slow.done()
        assert (await api.anonymous.get(f"{AWARDS}/nothing")).status_code == 404
        assert not slow.done()
        assert (await slow).json()["created"] == 40


async def test_rows_are_validated_outside_of_the_event_loop(api: Api, catalogue: Catalogue) -> None:
    """Measured in CPU time, so that a busy machine makes no difference."""
    content = ndjson(*(award(id=f"{number}", unknown=number) for number in range(7_000)))
    process_seconds, loop_seconds = time.process_time(), time.thread_time()
    body = (await send(api.admin, content)).json()
    process_seconds, loop_seconds = (
        time.process_time() - process_seconds,
        time.thread_time() - loop_seconds,
    )
    assert body["bad"] == 7_000
    assert loop_seconds < 0.5 * process_seconds


async def test_concurrent_imports_of_the_same_rows_succeed(api: Api, catalogue: Catalogue) -> None:
    one = ndjson(*(award(id=f"{number}", name="One") for number in range(300)))
    two = ndjson(*(award(id=f"{number}", name="Two") for number in reversed(range(300))))
    answers = await asyncio.gather(*(send(api.admin, content) for content in (one, two, one, two)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum(answer.json()["created"] for answer in answers) == 300
    assert len(ids(catalogue)) == 300


async def test_statistics_are_refreshed_in_the_background(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(*(award(id=f"{number}", name="Viola") for number in range(7))))
    for _ in range(200):
        row = catalogue.execute("SELECT documents FROM search_words WHERE word = 'viola'")
        if (row.fetchone() or {})["documents"] == 7:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the words were not counted")
