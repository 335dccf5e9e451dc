"""Cached responses through the whole application: their content, and when they are made anew."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from scholarship_api.activity.searches.recording import CountedSearch
from scholarship_api.app import create_app
from scholarship_api.catalogue import versions
from scholarship_api.search import metrics, service
from scholarship_api.settings.settings import Settings
from tests.search.conftest import Insert

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
NOON = dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(versions, "utc_now", clock)
    return clock


@pytest.fixture(scope="module")
def awards(insert_awards: Insert) -> None:
    soon = {"application_deadline": "2027-03-01T12:30:00Z", "deadline_timezone": "UTC"}
    later = {"application_deadline": "2027-03-09T23:59:59Z", "deadline_timezone": "UTC"}
    common: dict[str, Any] = {
        "organization": "Quokka Trust",
        "scholarship_type": "merit_based",
        "description": "",
    }
    insert_awards(
        [
            common | soon | {"id": "soon", "name": "Quokka grant that closes soon"},
            common | later | {"id": "later", "name": "Quokka grant that closes later"},
        ]
    )


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The texts that were searched for in the database."""
    searched: list[str | None] = []
    search = service.search

    async def counted(connection: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401
        searched.append(request.q)
        return await search(connection, request, **options)

    monkeypatch.setattr(service, "search", counted)
    return searched


@pytest.fixture
def app(module_database_url: str, awards: None, clock: Clock) -> FastAPI:
    return create_app(
        Settings(
            environment="test",
            database_url=SecretStr(module_database_url),
            rate_limit_search="5/minute",
            disable_rate_limit_backend=True,
        )
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client


@pytest.fixture
def database(module_database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    url = module_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_equal_searches_are_run_once(
    client: httpx.AsyncClient, searches: list[str | None]
) -> None:
    answers = [
        await client.get(PATH, params={"q": "quokka", "limit": "5"}),
        await client.get(PATH, params={"q": "quokka", "limit": "5"}),
        await client.get(PATH, params={"limit": "5", "query": "quokka"}),
        await client.post(PATH, json={"q": "quokka", "limit": 5}),
        await client.get("/search", params={"q": "quokka", "limit": "5"}),
    ]
    assert searches == ["quokka"]
    bodies = [answer.json() for answer in answers]
    assert all(body.pop("took_ms") > 0 for body in bodies)
    assert bodies == [bodies[0]] * 5
    assert answers[4].headers["Deprecation"] == "true"
    assert "Deprecation" not in answers[1].headers


async def test_if_none_match_is_304(client: httpx.AsyncClient) -> None:
    first = await client.get(PATH, params={"q": "quokka"})
    for tag in (first.headers["ETag"], first.headers["ETag"].removeprefix("W/"), '"x", *'):
        again = await client.get(PATH, params={"q": "quokka"}, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == "public, no-cache"
        assert "Origin" in again.headers["Vary"]
        assert "Content-Type" not in again.headers
    other = await client.get(PATH, params={"q": "quokka"}, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    heads = [await client.head(PATH, params={"q": "quokka"}) for _ in range(2)]
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 2
    head = heads[1]
    get = await client.get(PATH, params={"q": "quokka"})
    assert head.headers["ETag"] == get.headers["ETag"]
    assert int(head.headers["Content-Length"]) > 100


async def test_a_cached_response_has_all_headers_and_is_rate_limited(
    client: httpx.AsyncClient,
) -> None:
    answers = [await client.get(PATH, params={"q": "quokka"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers[:5]] == list("43210")
    first, cached = answers[0].headers, answers[1].headers
    own = {"x-request-id", "x-trace-id", "x-ratelimit-remaining", "content-length"}
    assert set(first) == set(cached)
    assert {n: v for n, v in first.items() if n not in own} == {
        n: v for n, v in cached.items() if n not in own
    }


async def test_a_write_is_seen_at_once(
    client: httpx.AsyncClient,
    database: "psycopg.Connection[Any]",
    searches: list[str | None],
) -> None:
    assert sorted(ids(await client.get(PATH, params={"q": "quokka"}))) == ["later", "soon"]
    database.execute("UPDATE scholarships SET status = 'draft' WHERE id = 'later'")
    assert ids(await client.get(PATH, params={"q": "quokka"})) == ["soon"]
    with database.transaction(force_rollback=True):
        database.execute("UPDATE scholarships SET status = 'draft' WHERE id = 'soon'")
        assert ids(await client.get(PATH, params={"q": "quokka"})) == ["soon"]
    database.execute("UPDATE scholarships SET status = 'published' WHERE id = 'later'")
    assert sorted(ids(await client.get(PATH, params={"q": "quokka"}))) == ["later", "soon"]
    assert len(searches) == 3


async def test_a_deadline_that_passes_closes_an_award(
    client: httpx.AsyncClient, clock: Clock, searches: list[str | None]
) -> None:
    assert sorted(ids(await client.get(PATH, params={"q": "quokka"}))) == ["later", "soon"]
    clock.now = dt.datetime(2027, 3, 1, 12, 30, tzinfo=dt.UTC)
    assert sorted(ids(await client.get(PATH, params={"q": "quokka"}))) == ["later", "soon"]
    clock.now += dt.timedelta(microseconds=1)
    assert ids(await client.get(PATH, params={"q": "quokka"})) == ["later"]
    assert ids(await client.get(PATH, params={"q": "quokka"})) == ["later"]
    assert len(searches) == 3  # a day may have turned somewhere at half past twelve


async def test_days_left_follow_the_day(client: httpx.AsyncClient, clock: Clock) -> None:
    async def left() -> int:
        [item] = (await client.get(PATH, params={"q": "quokka later"})).json()["items"]
        days: int = item["days_left"]
        return days

    clock.now = dt.datetime(2027, 3, 3, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    assert await left() == 6
    clock.now += dt.timedelta(microseconds=1)
    assert await left() == 5


async def test_a_bad_token_gets_no_cached_response(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH, params={"q": "quokka"})).status_code == 200
    bad = await client.get(PATH, params={"q": "quokka"}, headers={"Authorization": "Bearer x"})
    assert bad.status_code == 401
    assert bad.headers["Cache-Control"] == "no-store"


async def test_cached_searches_are_counted_as_searches(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[CountedSearch] = []
    sources: list[str] = []

    def record(counted: CountedSearch, *, client: str) -> None:
        assert client.startswith("address:")
        recorded.append(counted)

    monkeypatch.setattr(app.state.search_recorder, "record", record)
    monkeypatch.setattr(metrics, "observe_search", lambda source, **_: sources.append(source))
    for _ in range(3):
        await client.get(PATH, params={"q": "quokka"})
    await client.get(PATH, params={"q": "quokka", "offset": 20})
    assert recorded == [CountedSearch("quokka", has_results=True)] * 3
    assert sources == ["database", "cache", "cache", "database"]


async def test_errors_are_not_cached(client: httpx.AsyncClient) -> None:
    organizations = "/api/v1/scholarships/organization"
    for path, status in (
        (f"{organizations}/Nobody", 404),
        (f"{organizations}/quokka trust", 200),
        (f"{PATH}?limit=0", 422),
    ):
        assert [(await client.get(path)).status_code for _ in range(2)] == [status] * 2
