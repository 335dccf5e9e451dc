"""A cached answer is kept over writes that do not concern it, and equals a new one."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.search import limits
from scholarship_api.search.responses.response_cache import ResponseCache
from scholarship_api.settings.settings import Settings
from tests.search.conftest import WORDS, Awards

pytestmark = pytest.mark.anyio

SEARCHES: Final = [
    "/api/v1/search",
    "/api/v1/search?facets=true&include_closed=true",
    "/api/v1/search?states=CA&min_gpa=3.2",
    "/api/v1/search?fields_of_study=nursing&facets=true",
    "/api/v1/search?min_amount=2000&sort=amount&limit=5",
    "/api/v1/search?scholarship_types=merit_based&renewable=true&sort=newest",
    "/api/v1/search?citizenship=US&grade_level=graduate&include_closed=true",
    *(f"/api/v1/search?q={word}" for word in WORDS),
    "/api/v1/search?q=quokka+zebra&facets=true",
    "/api/v1/search?q=quokka+-zebra",
    "/api/v1/search?q=quoka+award",
    "/api/v1/search?q=ibis&states=NY&facets=true",
    "/api/v1/search?q=marmot+baker&sort=deadline&include_closed=true",
    "/api/v1/search?q=curie&fields_of_study=law&limit=3",
    "/api/v1/search?q=wombat+ibis",
    "/api/v1/search/suggestions?prefix=qu",
    "/api/v1/scholarships/smart-search?q=zebra&states=TX",
    "/api/v1/scholarships/organization/baker%20trust",
    "/api/v1/scholarships/fields/engineering",
]
WRITES: Final = [
    "UPDATE scholarships SET name = %(word)s || ' renamed' WHERE id = %(id)s",
    "UPDATE scholarships SET description = %(word)s WHERE id = %(id)s",
    "UPDATE scholarships SET amount_max = 9, amount_min = 1, currency = 'USD' WHERE id = %(id)s",
    "UPDATE scholarships SET residency_states = ARRAY[%(state)s] WHERE id = %(id)s",
    "UPDATE scholarships SET status = 'archived' WHERE id = %(id)s",
    "UPDATE scholarships SET status = 'published' WHERE id = %(id)s",
    "UPDATE scholarships SET organization = 'Baker Trust' WHERE id = %(id)s",
    "UPDATE scholarships SET min_gpa = 3.9, max_gpa = NULL WHERE id = %(id)s",
    "UPDATE scholarships SET max_awards = 3 WHERE id = %(id)s",
    "DELETE FROM scholarships WHERE id = %(id)s",
    "UPDATE scholarships SET id = id || 'x' WHERE id = %(id)s",
]


@pytest.fixture
async def services(
    module_database_url: str, random_awards: Awards
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient, httpx.AsyncClient]]:
    """An application, its client, and the client of one without a response cache."""
    settings = Settings(
        environment="test",
        database_url=SecretStr(module_database_url),
        rate_limit_enabled=False,
        jwt_secret_key=SecretStr("a key that both applications have" * 2),
    )
    apps = [create_app(settings), create_app(settings)]
    apps[1].state.answers.cache = ResponseCache(max_response_bytes=0)
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://testserver"
            )
            clients.append(await stack.enter_async_context(client))
        yield apps[0], clients[0], clients[1]


def content(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    body.pop("took_ms", None)
    if not body.get("total_is_exact", True):
        # Estimates from a sample, which PostgreSQL may take anew.
        body.pop("total")
        body.pop("facets", None)
    return body


@pytest.mark.slow
@pytest.mark.parametrize("known_matches", [limits.KNOWN_MATCHES, 20])
async def test_cached_answers_equal_new_ones_after_any_write(
    known_matches: int,
    services: tuple[FastAPI, httpx.AsyncClient, httpx.AsyncClient],
    module_database_url: str,
    random_awards: Awards,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the awards with the words are too many to be known."""
    monkeypatch.setattr(limits, "KNOWN_MATCHES", known_matches)
    monkeypatch.setattr(limits, "RANKED_MATCHES", min(known_matches, limits.RANKED_MATCHES))
    app, cached, new = services
    rng = random.Random(3)  # noqa: S311 - test data
    ids = [award["id"] for award in random_awards]
    kept = 0
    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as writer:
        for _ in range(20):
            values = {
                "id": rng.choice(ids),
                "word": rng.choice([*WORDS, "wombat", "nothing"]),
                "state": rng.choice(["CA", "NY", "TX"]),
            }
            writer.execute(rng.choice(WRITES), values)
            before = dict(app.state.answers.cache._responses._items)
            for path in SEARCHES:
                assert content(await cached.get(path)) == content(await new.get(path)), path
            after = app.state.answers.cache._responses._items
            kept += sum(after[key][0] is before[key][0] for key in after if key in before)
    assert kept > 20 * len(SEARCHES) / 5


async def test_an_unrelated_write_keeps_an_answer_and_a_related_one_does_not(
    services: tuple[FastAPI, httpx.AsyncClient, httpx.AsyncClient], module_database_url: str
) -> None:
    app, client, _ = services
    path = "/api/v1/search?q=aardvark&states=OR"
    insert = """
        INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,
            residency_states)
        VALUES (%s, %s, 'Trust', 'merit_based', 'rolling', %s)
    """

    def responses() -> set[int]:
        return {id(each[0]) for each in app.state.answers.cache._responses._items.values()}

    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as writer:
        writer.execute(insert, ["aardvark-1", "Aardvark award", ["OR"]])
        assert content(await client.get(path))["total"] == 1
        kept = responses()
        # Known words, in an award that the filter keeps; then the words without the filter.
        for award in (["other", "Award", ["OR"]], ["aardvark-2", "Aardvark award", ["CA"]]):
            writer.execute(insert, award)
            assert content(await client.get(path))["total"] == 1
            assert responses() == kept
        writer.execute(insert, ["aardvark-3", "Aardvark award", ["CA", "OR"]])
        assert content(await client.get(path))["total"] == 2
        assert responses() != kept
        writer.execute("DELETE FROM scholarships WHERE id = 'aardvark-1'")
        assert content(await client.get(path))["total"] == 1


async def test_what_is_only_shown_of_an_award_concerns_the_pages_that_show_it(
    services: tuple[FastAPI, httpx.AsyncClient, httpx.AsyncClient], module_database_url: str
) -> None:
    app, cached, new = services
    insert = """
        INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)
        VALUES (%s, 'Numbat award', 'Trust', 'merit_based', 'rolling')
    """
    pages = [f"/api/v1/search?q=numbat&limit=1&offset={offset}" for offset in (0, 1)]

    def responses() -> list[object]:
        items = app.state.answers.cache._responses._items
        return [response for key, (response, _) in items.items() if "numbat" in key]

    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as writer:
        for award_id in ("numbat-1", "numbat-2"):
            writer.execute(insert, [award_id])
        first, second = [content(await cached.get(page)) for page in pages]
        assert first["total"] == second["total"] == 2
        before = responses()
        assert len(before) == 2
        shown = second["items"][0]["id"]
        writer.execute("UPDATE scholarships SET max_awards = 7 WHERE id = %s", [shown])
        for page in pages:
            assert content(await cached.get(page)) == content(await new.get(page))
        assert sum(one is other for one in before for other in responses()) == 1
        writer.execute(
            "UPDATE scholarships SET amount_max = 7, currency = 'USD' WHERE id = %s", [shown]
        )
        for page in pages:
            assert content(await cached.get(page)) == content(await new.get(page))
        assert not any(one is other for one in before for other in responses())
