"""Two instances of the application, as two workers have them, on awards about quokkas."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest

from scholarship_api.settings.settings import Settings
from tests.api_keys.conftest import (
    Headers,
    address,
    admin,
    app,
    apps,
    client,
    clients,
    make_headers,
)
from tests.eligibility.awards import award, put

__all__ = ["address", "admin", "app", "apps", "client", "clients", "make_headers"]

Create = Callable[..., Awaitable[dict[str, Any]]]

SEARCH = "/api/v1/search"
RULES = f"{SEARCH}/rules"
SYNONYMS = f"{SEARCH}/synonyms"
QUOKKAS = [f"quokka_{number:02d}" for number in range(12)]


@pytest.fixture(scope="module")
def settings(module_database_url: str, redis_url: str) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": module_database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_per_minute": 100_000,
            "rate_limit_search": "100000/minute",
            "rate_limit_scholarships": "100000/minute",
            "jwt_secret_key": secrets.token_hex(40),
        }
    )


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    quokkas = [
        award(
            f"Quokka award {number}",
            id=award_id,
            organization="Quokka Trust" if number == 7 else f"Trust {number}",
            description="For quokka keepers.",
            scholarship_type="merit_based" if number % 2 else "need_based",
        )
        for number, award_id in enumerate(QUOKKAS)
    ]
    others = [
        award("Ibis grant", id="ibis", organization="Bird Trust", description="For ibis."),
        award("Quokka draft", id="draft", organization="Trust 1", status="draft"),
        award("Wombat prize", id="wombat", organization="Trust 1", description="For wombats."),
        award("Marmot prize", id="marmot", organization="Trust 1", description="For marmots."),
        award("Numerical fund", id="numbers", organization="Trust 2", description="Numeric."),
        award("Numerate fund", id="number", organization="Trust 2", description="Numerate."),
    ]
    put(module_database_url, [*quokkas, *others])


@pytest.fixture(autouse=True)
def _without_rules(module_database_url: str) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute("DELETE FROM search_rules")
        connection.execute("DELETE FROM search_synonyms")


@pytest.fixture
def create(client: httpx.AsyncClient, admin: Headers) -> Create:
    """A rule, or an entry of synonyms, that an administrator creates."""

    async def create(path: str = RULES, **body: Any) -> dict[str, Any]:  # noqa: ANN401
        answer = await client.post(path, json=body, headers=admin)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    return create


async def search(client: httpx.AsyncClient, q: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await client.get(SEARCH, params={"q": q, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


async def walk(
    client: httpx.AsyncClient,
    q: str,
    **params: Any,  # noqa: ANN401
) -> list[dict[str, Any]]:
    """The pages of a walk with a cursor."""
    pages = [await search(client, q, **params)]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append(await search(client, q, cursor=cursor, **params))
        assert len(pages) < 100
    return pages
