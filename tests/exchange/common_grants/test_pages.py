"""The list of a CommonGrants server is read to its last page."""

from collections.abc import AsyncIterator

import anyio.to_thread
import psycopg
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI, Response

from scholarship_api.catalogue.bulk.records import Record, UnreadableFile
from scholarship_api.cli import load
from scholarship_api.exchange.common_grants.pages import read_pages
from scholarship_api.exchange.common_grants.reader import read_common_grants
from tests.exchange.sample import SAMPLE
from tests.exchange.serving import served

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def base_url(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


async def read(url: str) -> list[Record]:
    return await anyio.to_thread.run_sync(lambda: list(read_common_grants(read_pages(url))))


async def test_every_award_of_the_server_is_read(base_url: str) -> None:
    records = await read(f"{base_url}/common-grants/opportunities")
    ids = [record.content["id"] for record in records if isinstance(record.content, dict)]
    assert sorted(map(str, ids)) == sorted(SAMPLE)


@pytest.mark.parametrize("path", ["/nothing", "/api", "/healthz", "/api/v1/search?limit=1"])
async def test_another_address_is_refused(base_url: str, path: str) -> None:
    with pytest.raises(UnreadableFile):
        await read(base_url + path)


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://example.org/", "http://127.0.0.1:1/", "http://[/"]
)
async def test_an_address_that_cannot_be_reached_is_refused(url: str) -> None:
    with pytest.raises(UnreadableFile):
        await read(url)


async def test_a_page_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scholarship_api.exchange.common_grants.pages.MAX_PAGE_BYTES", 1_000)
    app = FastAPI()

    @app.get("/")
    def long() -> Response:
        return Response(b'{"items": [' + b" " * 2_000)

    async with served(app) as url:
        with pytest.raises(UnreadableFile, match="more than 1,000 bytes"):
            await read(f"{url}/")


async def test_the_command_imports_from_an_address(
    base_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ENVIRONMENT", "test")
    url = database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE scholarships, search_words")

    def run() -> Result:
        address = f"{base_url}/common-grants/opportunities"
        return CliRunner().invoke(load("import"), [address])

    result = await anyio.to_thread.run_sync(run)
    assert result.exit_code == 0, result.output
    with psycopg.connect(url, autocommit=True) as connection:
        ids = connection.execute("SELECT id FROM scholarships").fetchall()
        connection.execute("TRUNCATE scholarships, search_words")
    assert {award_id for (award_id,) in ids} == set(SAMPLE)
