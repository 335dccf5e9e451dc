"""No search reads the whole catalogue: the plans of all statements on 100 000 awards.

The statements are those that the service sends.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import service
from scholarship_api.search.items import ItemCache
from scholarship_api.search.schemas import FACETS, SearchRequest, Sort
from scholarship_api.search.snapshot import CatalogueVersion, Snapshot
from scholarship_api.settings.settings import Settings
from tests.search.conftest import CODEC
from tests.search.large_catalogue import fill

pytestmark = pytest.mark.anyio

ROWS = 100_000
NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
WATCHED = frozenset({"scholarships", "search_words"})
MOST_READ = ROWS // 3
"""Rows that a sequential scan may read: where many match, counting soon reaches its cap."""

MOST_SORTED = ROWS // 4
"""Rows that may be sorted: the matches of a word of every fifth award, but not all awards."""

MOST_FOR_SUGGESTIONS = ROWS // 10
"""Rows of a table that suggestions may read, in any way."""


@pytest.fixture(scope="module")
def catalogue(module_database_url: str) -> str:
    url = module_database_url.replace("+psycopg", "")
    fill(url, awards=ROWS)
    return url


class Watched:
    """Sends statements to the database, and notes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sent: list[tuple[str, Mapping[str, object]]] = []

    async def __call__(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        self.sent.append((statement, parameters))
        return await self._database.fetch(statement, parameters)

    async def explain(self, statement: str, parameters: Mapping[str, object]) -> Any:  # noqa: ANN401
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        [[explained]] = await self._database.fetch(explain, parameters)
        return json.loads(explained)[0]["Plan"]


@pytest.fixture
async def fetch(catalogue: str) -> AsyncIterator[Watched]:
    database = Database(Settings(environment="test", database_url=SecretStr(catalogue)))
    yield Watched(database)
    await database.close()


@pytest.fixture(scope="module")
async def catalogue_version(catalogue: str) -> AsyncIterator[CatalogueVersion]:
    database = Database(Settings(environment="test", database_url=SecretStr(catalogue)))
    current = CurrentModel(database, CatalogueVersions(database))
    await current.loaded()
    yield CatalogueVersion(current, await current.version())
    await current.close()
    await database.close()


@pytest.fixture
def snapshot(fetch: Watched, catalogue_version: CatalogueVersion) -> Snapshot:
    return Snapshot(fetch, NOW, catalogue=catalogue_version)


async def plans(fetch: Watched) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statements that were sent since the last call, with their plans."""
    sent, fetch.sent = fetch.sent, []
    assert sent
    found = []
    for statement, params in sent:
        if statement.lstrip().startswith("EXPLAIN"):
            continue
        found.append((statement, await fetch.explain(statement, params)))
    return iter(found)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def assert_indexed(fetch: Watched) -> None:
    for statement, plan in await plans(fetch):
        for node in nodes(plan):
            kind, table = node["Node Type"], node.get("Relation Name")
            if kind == "Seq Scan" and table in WATCHED:
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                assert read <= MOST_READ, f"{kind} of {read} rows of {table}: {statement}"
            if "Sort" in kind:
                rows = max((part["Actual Rows"] for part in node["Plans"]), default=0)
                assert rows <= MOST_SORTED, f"{kind} of {rows} rows: {statement}"


TEXTS = ("engineering", "nursing", "quokka7", "award", '"award fund"', "engineering -fund")
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"fields_of_study": "nursing"},
    {"states": "WY", "scholarship_types": "athletic", "min_amount": 5_000},
    {"citizenship": "DE", "min_amount": 1_000, "min_gpa": 3.5},
    {"grade_level": "doctoral"},
    {"min_amount": 20_000},
    {"max_amount": 400},
    {"min_gpa": 2.0},
    {"renewable": True},
    {"deadline_after": "2028-02-01"},
    {"deadline_before": "2027-03-20"},
    {"include_closed": True},
)


ORDERS = [sort for sort in Sort if sort is not Sort.MATCH]  # which needs a profile


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("q", TEXTS)
async def test_searches_use_indexes(fetch: Watched, snapshot: Snapshot, q: str, sort: Sort) -> None:
    for filters in FILTERS:
        request = SearchRequest(q=q, sort=sort, **filters)
        page = await service.search(snapshot, request, codec=CODEC)
        if page.next_cursor:
            following = request.model_copy(update={"cursor": page.next_cursor})
            await service.search(snapshot, following, codec=CODEC)
        await assert_indexed(fetch)


@pytest.mark.parametrize("q", ["engineering", "quokka7"])
async def test_facets_use_indexes(fetch: Watched, snapshot: Snapshot, q: str) -> None:
    for filters in FILTERS:
        request = SearchRequest(q=q, facets=FACETS, **filters)
        await service.search(snapshot, request, codec=CODEC)
        await assert_indexed(fetch)


async def test_lists_of_an_organization_use_indexes(fetch: Watched, snapshot: Snapshot) -> None:
    for sort in ORDERS:
        await service.search(
            snapshot, SearchRequest(sort=sort), codec=CODEC, organization="organization 7"
        )
        await assert_indexed(fetch)


@pytest.mark.parametrize("sort", ORDERS)
async def test_filters_alone_ask_for_the_rows_of_a_page_only(
    fetch: Watched, snapshot: Snapshot, sort: Sort
) -> None:
    uncached = replace(snapshot, items=ItemCache(max_bytes=0))
    for filters in FILTERS:
        request = SearchRequest(sort=sort, facets=FACETS, **filters)
        page = await service.search(uncached, request, codec=CODEC)
        assert len(page.items) == min(page.total, 20) > 0
        for _, plan in await plans(fetch):
            [scanned] = [node for node in nodes(plan) if "Relation Name" in node]
            assert scanned["Actual Rows"] <= 20


@pytest.mark.parametrize(
    "prefix",
    [
        "e",
        "award",
        "quokka",
        "organization 9",
        "nothing",
        "fund q",
        "award nursing",
        "nursing f",
        "engineering medical",  # each in many names, together in none
    ],
)
async def test_suggestions_read_few_rows(fetch: Watched, snapshot: Snapshot, prefix: str) -> None:
    await service.suggest(snapshot, prefix, limit=20)
    for statement, plan in await plans(fetch):
        for node in nodes(plan):
            if node.get("Relation Name") in WATCHED:
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                assert read <= MOST_FOR_SUGGESTIONS, f"{read} rows are read: {statement}"


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("nursing f", "Nursing Award fund"),
        ("medical quokka7", "Medical Award quokka7"),
        ("quokka7 a", "Medical Award quokka7"),
        ("award engin", "Engineering Award fund"),
    ],
)
async def test_names_with_rare_and_with_common_words_are_suggested(
    snapshot: Snapshot, prefix: str, name: str
) -> None:
    found = await service.suggest(snapshot, prefix, limit=20)
    assert ("name", name) in [(entry.kind, entry.text) for entry in found.suggestions]


@pytest.mark.parametrize("q", ["enginering", "eng", "nursing awrd", "x", "zzzzzz"])
async def test_completions_and_corrections_use_indexes(
    fetch: Watched, snapshot: Snapshot, q: str
) -> None:
    await service.search(snapshot, SearchRequest(q=q), codec=CODEC)
    await assert_indexed(fetch)
