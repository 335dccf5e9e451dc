"""The dearest request of each public route costs a bounded multiple of a plain search.

Costs are counted, not timed: statements, the pages of tables and indexes that PostgreSQL looks at
for them, and calls of Python functions. docs/api.md has the cost classes.
"""

import json
import random
import string
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median_low
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import limits
from scholarship_api.search_rules.schemas import MAX_HIDDEN
from tests.search.large_catalogue import fill

pytestmark = pytest.mark.anyio

AWARDS = 20_000
SEARCH = "/api/v1/search"
SMART_SEARCH = "/api/v1/scholarships/smart-search"
SUGGESTIONS = "/api/v1/search/suggestions"
PLAIN = (SEARCH, {"q": "engineering fund"})
"""Two common words."""

EVERY_FILTER = {
    "min_amount": 1,
    "max_amount": 99_999_999,
    "min_gpa": 2,
    "citizenship": "US",
    "grade_level": "undergraduate",
    "renewable": "false",
    "fields_of_study": "nursing",
    "scholarship_types": "merit_based",
    "states": "CA",
    "deadline_after": "2020-01-01",
    "deadline_before": "2099-01-01",
}
LARGEST_PAGE = {"limit": limits.MAX_PAGE_ROWS, "facets": "true"}
LAST_PAGE = {**LARGEST_PAGE, "offset": limits.MAX_OFFSET_ROWS}


def random_words() -> str:
    letters = random.Random(7)  # noqa: S311 - test data
    words = ("".join(letters.choices(string.ascii_lowercase, k=9)) for _ in range(32))
    return " ".join(words)


TEXTS = {
    "random words": random_words(),
    "misspelt words": " ".join(["enginering", "medcal", "comunity", "leadrship"] * 8),
    "common words": "engineering award fund students community leadership organization",
    "phrases": '"award fund" "for students" -"for the community" organization a',
}


@dataclass(slots=True)
class Cost:
    statements: int = 0
    blocks: int = 0
    """Pages of 8 KiB that statements look at."""
    calls: int = 0


class Bound(NamedTuple):
    """Multiples of the plain search."""

    statements: float
    blocks: float
    calls: float


@pytest.fixture(scope="module", autouse=True)
def _catalogue(module_database_url: str) -> None:
    fill(module_database_url.replace("+psycopg", ""), awards=AWARDS)


class Meter:
    """Notes the statements of the application, and counts calls of its functions."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self._client = client
        self._database = app.state.database
        self._fetch = app.state.database.fetch
        self.sent: list[tuple[str, Mapping[str, object]]] = []

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        self.sent.append((statement, parameters))
        rows: list[Row] = await self._fetch(statement, parameters)
        return rows

    async def cost(self, path: str, params: Mapping[str, Any]) -> Cost:
        self.sent.clear()
        with counted_calls() as calls:
            answer = await self._client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        sent, blocks = list(self.sent), 0
        for statement, parameters in sent:
            if not statement.lstrip().startswith("EXPLAIN"):
                blocks += await self._blocks(statement, parameters)
        return Cost(len(sent), blocks, calls[0])

    async def _blocks(self, statement: str, parameters: Mapping[str, object]) -> int:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}"
        [[explained]] = await self._fetch(explain, parameters)
        plan = json.loads(explained)[0]["Plan"]
        return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    calls = [0]

    def count(frame: object, event: str, argument: object) -> None:
        if event == "call":
            calls[0] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def meter(app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter(app, client)
    monkeypatch.setattr(app.state.database, "fetch", meter.fetch)
    return meter


DEAREST: dict[str, tuple[Bound, list[tuple[str, dict[str, Any]]]]] = {
    "search": (
        Bound(3, 30, 10),
        [
            *(
                (SEARCH, {"q": text, **filters, **LARGEST_PAGE})
                for text in TEXTS.values()
                for filters in ({}, EVERY_FILTER)
            ),
            *(
                (
                    SEARCH,
                    {"q": "award", "sort": sort, "offset": limits.MAX_OFFSET_ROWS, **LARGEST_PAGE},
                )
                for sort in ("relevance", "deadline", "amount", "newest")
            ),
            (SEARCH, LAST_PAGE),
        ],
    ),
    "smart search": (
        Bound(4, 30, 10),
        [
            *(
                (SMART_SEARCH, {"q": text, **filters, **LARGEST_PAGE})
                for text in TEXTS.values()
                for filters in ({}, EVERY_FILTER)
            ),
            (SMART_SEARCH, {"q": "award", **LAST_PAGE}),
        ],
    ),
    "suggestions": (
        Bound(2, 5, 2),
        [
            (SUGGESTIONS, {"prefix": prefix, "limit": limits.MAX_SUGGESTIONS})
            for prefix in ("a", "award f", "engineering medical award fund", "a " * 50, "fund qu")
        ],
    ),
    "list of an organization": (
        Bound(2, 2, 3),
        [("/api/v1/scholarships/organization/organization 7", {"limit": 100, "sort": "amount"})],
    ),
    "list of a field": (
        Bound(2, 12, 3),
        [
            (
                "/api/v1/scholarships/fields/business",
                {"limit": 100, "offset": limits.MAX_OFFSET_ROWS, "sort": "amount"},
            )
        ],
    ),
}


@pytest.mark.parametrize("route", DEAREST)
async def test_the_dearest_request_costs_a_bounded_multiple_of_a_plain_search(
    meter: Meter, route: str
) -> None:
    await meter.cost(*PLAIN)  # looks its words up
    plain = await meter.cost(PLAIN[0], {**PLAIN[1], "limit": 21})
    bound, requests = DEAREST[route]
    for path, params in requests:
        await meter.cost(path, {"prefix": "x"} if path == SUGGESTIONS else {"limit": 1})
        dear = await meter.cost(path, params)
        assert dear.statements <= bound.statements * plain.statements, params
        assert dear.blocks <= bound.blocks * plain.blocks, params
        assert dear.calls <= bound.calls * plain.calls, params


RULED = "engineering fund community"
"""The query of rules that have as many effects as they may have."""

RULES_COST = Bound(2, 2, 1)
"""The cost that rules add to a search, as multiples of the plain one."""


@pytest.fixture
def ruled_database_url(module_database_url: str) -> Iterator[str]:
    """A database that loses its rules and synonyms after the test."""
    url = module_database_url.replace("+psycopg", "")
    yield url
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM search_rules")
        connection.execute("DELETE FROM search_synonyms")


def add_rules(database_url: str, boosts: list[dict[str, Any]]) -> None:
    """A rule for RULED with every effect, and words of common stems that are separated."""
    pinned = [f"plan_{number:07d}" for number in range(1, limits.MAX_PINS + 1)]
    hidden = [f"plan_{number:07d}" for number in range(100, 100 + MAX_HIDDEN)]
    separated = {"community": "communities", "fund": "funding", "engineering": "engineer"}
    assert len(separated) == limits.MAX_SEPARATED_PAIRS
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO search_rules (id, query, match, pins, hides, boosts)"
            " VALUES (gen_random_uuid(), %s, 'contains', %s, %s, %s)",
            [RULED, pinned, hidden, json.dumps(boosts)],
        )
        for word, other in separated.items():
            connection.execute(
                "INSERT INTO search_synonyms (id, kind, words, others)"
                " VALUES (gen_random_uuid(), 'separate', %s, %s)",
                [[word], [other]],
            )


@pytest.mark.parametrize(
    "boosts",
    [
        [{"factor": 2, "organization": f"Organization {number}"} for number in range(5)],
        [
            {"factor": 2, "field_of_study": field}
            for field in ("engineering", "business", "law", "nursing", "arts")
        ],
    ],
    ids=["organizations", "fields"],
)
async def test_rules_cost_a_bounded_multiple_of_a_plain_search(
    meter: Meter, ruled_database_url: str, boosts: list[dict[str, Any]]
) -> None:
    assert len(boosts) == limits.MAX_BOOSTS
    await meter.cost(*PLAIN)  # looks its words up
    plain = await median_cost(meter, PLAIN[1])
    requests: list[dict[str, Any]] = [
        {"q": RULED, **filters, **page}
        for filters in ({}, EVERY_FILTER)
        for page in ({}, LARGEST_PAGE, LAST_PAGE)
    ]
    await meter.cost(SEARCH, {"q": RULED, "limit": 1})
    without = [await median_cost(meter, request) for request in requests]
    add_rules(ruled_database_url, boosts)
    await meter.cost(SEARCH, {"q": RULED, "limit": 1})  # reads the rules
    for request, before in zip(requests, without, strict=True):
        cost = await median_cost(meter, request)
        assert cost.statements > before.statements, request
        assert cost.statements - before.statements <= RULES_COST.statements * plain.statements
        assert cost.blocks - before.blocks <= RULES_COST.blocks * plain.blocks, request
        assert cost.calls - before.calls <= RULES_COST.calls * plain.calls, request


async def median_cost(meter: Meter, request: dict[str, Any]) -> Cost:
    """The median cost of three searches that differ in a row of their pages, so that no cache
    answers them. Single searches were seen to need more statements, or fewer."""
    costs = [
        await meter.cost(SEARCH, {**request, "limit": request.get("limit", 20) - fewer})
        for fewer in range(3)
    ]
    return Cost(
        median_low(cost.statements for cost in costs),
        median_low(cost.blocks for cost in costs),
        median_low(cost.calls for cost in costs),
    )
