"""The number of matches: counted up to a cap, and estimated above it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic_core import from_json

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.sql.plan import Estimate

_NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})


def cap_of(conditions: Conditions) -> int:
    """The number of matches up to which they are counted."""
    if not conditions.has_text:
        return limits.COUNT_CAP_MATCHES
    return min(limits.COUNT_CAP_MATCHES, limits.TEXT_COUNT_CAP_MATCHES)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of the number of matches before they are counted."""

    estimate: Estimate
    by_planner: int | None
    """The planner's estimate, if it was asked for."""
    is_settled: bool
    """Whether there are certainly far more than the cap, so that they need no counting."""


async def count(fetch: Fetch, conditions: Conditions) -> Estimate:
    """The number of matches, exact up to the cap."""
    expected = await expect(fetch, conditions)
    if expected.is_settled:
        return expected.estimate
    counted = await count_up_to(fetch, conditions, cap=expected.estimate.cap + 1)
    return await settle(fetch, conditions, expected, counted=counted)


async def expect(fetch: Fetch, conditions: Conditions) -> Expected:
    """The dictionary's estimate, or where that is above the cap, the planner's, which knows the
    filters but takes a statement of its own."""
    cap = cap_of(conditions)
    estimate = Estimate(conditions.estimated_matches, cap)
    if estimate.is_within_cap:
        return Expected(estimate, None, is_settled=False)
    by_planner = await estimate_matches(fetch, conditions)
    is_settled = by_planner > limits.SAMPLE_ABOVE_CAPS * cap and await is_confirmed_by_sample(
        fetch, conditions
    )
    return Expected(Estimate(by_planner, cap), by_planner, is_settled)


async def settle(
    fetch: Fetch, conditions: Conditions, expected: Expected, *, counted: int
) -> Estimate:
    """The number of matches when at most one more than the cap were counted."""
    cap = expected.estimate.cap
    if counted <= cap:
        return Estimate(counted, cap)
    by_planner = expected.by_planner
    if by_planner is None:
        by_planner = await estimate_matches(fetch, conditions)
    return Estimate(max(counted, by_planner), cap)


async def estimate_matches(fetch: Fetch, conditions: Conditions) -> int:
    """How many matches PostgreSQL's planner expects."""
    explained = await fetch(f"EXPLAIN (FORMAT JSON) {_matches(conditions)}", conditions.params)
    return int(from_json(explained[0][0])[0]["Plan"]["Plan Rows"])


async def is_confirmed_by_sample(fetch: Fetch, conditions: Conditions) -> bool:
    """Whether a sample of the table contains as many matches as a large estimate implies.

    The planner takes words and filters to be independent of each other, and a phrase for its words,
    so it may expect many matches where there are none.
    """
    sample = await sample_clause(fetch, limits.TRIAL_ROWS)
    found = await _number(
        fetch,
        f"SELECT count(*) FROM (SELECT FROM scholarships AS s {sample}"
        f" WHERE {conditions.where} LIMIT {limits.TRIAL_MATCHES:d}) AS found",
        conditions.params,
    )
    return found == limits.TRIAL_MATCHES


async def count_up_to(fetch: Fetch, conditions: Conditions, *, cap: int) -> int:
    """The number of matches, or `cap` if there are more."""
    # Without an order: where few rows match, an index finds them faster than a scan in any order.
    counted = await _number(
        fetch,
        f"SELECT count(*) FROM ({_matches(conditions)} LIMIT {cap:d}) AS capped",
        conditions.params,
    )
    return int(counted)


async def sample_clause(fetch: Fetch, rows: int) -> str:
    """SQL for a sample of about this many rows of the table, the same ones each time."""
    awards = await _number(
        fetch,
        "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass",
    )
    return f"TABLESAMPLE SYSTEM ({min(100.0, 100 * rows / awards):f}) REPEATABLE (0)"


async def _number(fetch: Fetch, statement: str, params: Mapping[str, object] = _NO_PARAMS) -> float:
    [[number]] = await fetch(statement, params)
    return float(number)


def _matches(conditions: Conditions) -> str:
    return f"SELECT 1 FROM scholarships AS s WHERE {conditions.where}"
