"""The client of the CommonGrants SDK lists, reads and searches the whole sample catalogue."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import anyio.to_thread
import pytest
from common_grants_sdk.client import Auth, Client
from common_grants_sdk.client.config import Config
from common_grants_sdk.client.exceptions import APIError
from common_grants_sdk.schemas.pydantic.models.opp_status import OppStatusOptions
from fastapi import FastAPI

from scholarship_api.exchange.common_grants.identifiers import opportunity_id
from tests.exchange.sample import SAMPLE
from tests.exchange.serving import served

pytestmark = pytest.mark.anyio

T = TypeVar("T")
PUBLISHED = {
    opportunity_id(award_id): award
    for award_id, award in SAMPLE.items()
    if award.get("status", "published") == "published"
}


@pytest.fixture(scope="module")
async def base_url(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


class Anonymous(Auth):
    """Sends no credentials: the routes are public, and a wrong key would be refused."""

    def __init__(self) -> None:
        pass

    def get_headers(self) -> dict[str, str]:
        return {}


@pytest.fixture
def sdk(base_url: str) -> Iterator[Client]:
    config = Config(
        base_url=base_url, api_key="none", timeout=60, page_size=50, list_items_limit=10_000
    )
    with Client(config, Anonymous()) as client:
        yield client


async def run(call: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(call)


async def test_it_lists_every_published_award(sdk: Client) -> None:
    found = await run(sdk.opportunities.list)
    assert not found.errors
    assert {item.id for item in found.items} == PUBLISHED.keys()
    assert [item.title for item in found.items if item.title != PUBLISHED[item.id]["name"]] == []


async def test_it_reads_every_published_award(sdk: Client) -> None:
    def read() -> list[Any]:
        return [sdk.opportunities.get(number) for number in PUBLISHED]

    assert {item.id for item in await run(read)} == PUBLISHED.keys()


async def test_it_searches(sdk: Client) -> None:
    found = await run(
        lambda: sdk.opportunities.search("engineering", status=[OppStatusOptions.OPEN])
    )
    assert not found.errors
    assert found.items
    assert {item.status.value for item in found.items} == {OppStatusOptions.OPEN}


async def test_it_searches_without_words_for_the_whole_catalogue(sdk: Client) -> None:
    found = await run(sdk.opportunities.search)
    assert not found.errors
    assert {item.id for item in found.items} == PUBLISHED.keys()


async def test_a_missing_opportunity_is_an_error_of_the_api(sdk: Client) -> None:
    with pytest.raises(APIError, match="404"):
        await run(lambda: sdk.opportunities.get(uuid.uuid4()))
