"""Fetches the rows of a page by a plan."""

from collections.abc import Iterator
from typing import Final, Unpack

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import cursors, limits
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import counts, plan, statements
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.sql.plan import Estimate, Plan, Selectivity
from scholarship_api.search.sql.statements import Rows, Window
from scholarship_api.search.text.tsquery import Field, TextQuery

UNLIMITED: Final = 1_000_000_000

_TIER: Final = "s.search_vector @@ %(tier)s::tsquery"
_LAST_TIER: Final = 2
"""The tier of awards with the words neither all in the name nor all in the organization."""


async def fetch_page(
    fetch: Fetch,
    chosen: Plan,
    conditions: Conditions,
    *,
    text: TextQuery | None,
    estimate: Estimate,
    **window: Unpack[Window],
) -> Rows:
    """The rows of the window.

    Raises ValueError for a keyset of another order, and ValidationFailed for one of a ranked walk
    whose result has grown too much to be ranked.
    """
    match chosen:
        case Plan.RANK_ALL:
            cap = limits.RANKED_WALK_GROWTH * estimate.cap
            total, rows = await statements.ranked_page(fetch, conditions, cap=cap, **window)
            if total > cap and window["keyset"] is not None:
                raise cursors.outdated()
            return rows
        case Plan.TIERED if text is not None:
            return await _tiered(fetch, conditions, text=text, estimate=estimate, **window)
        case Plan.SCAN_DEADLINE | Plan.SORT_ALL:
            is_few = plan.expects_few(estimate.matches, is_filtered=conditions.is_filtered)
            return await _by_deadline(fetch, conditions, estimate, is_few=is_few, **window)
    return await statements.page(fetch, conditions, **window)


async def _tiered(
    fetch: Fetch,
    conditions: Conditions,
    *,
    text: TextQuery,
    estimate: Estimate,
    **window: Unpack[Window],
) -> Rows:
    keyset, offset = window["keyset"], window["offset"]
    first = 0
    if keyset is not None:
        first, keyset = int(keyset[0]), keyset[1:]
    found = Rows.none()
    for tier, in_tier in _tiers(conditions, text, first):
        rows = await _by_deadline(
            fetch,
            in_tier,
            estimate,
            sort=Sort.DEADLINE,
            keyset=keyset,
            limit=window["limit"] - len(found.items),
            offset=offset,
            tier=tier,
            is_few=_expects_few_in_tier(tier, in_tier, conditions, estimate),
        )
        found.items += rows.items
        found.availability_sources += rows.availability_sources
        found.keyset = rows.keyset or found.keyset
        found.has_more = rows.has_more
        if rows.has_more:
            break
        if offset and not rows.items:
            offset -= await counts.count_up_to(fetch, in_tier, cap=offset)
        else:
            offset = 0
        keyset = None
    return found


def _tiers(conditions: Conditions, text: TextQuery, first: int) -> Iterator[tuple[int, Conditions]]:
    in_name, in_organization = text.in_field(Field.NAME), text.in_field(Field.ORGANIZATION)
    if in_name is None or in_organization is None:  # exclusions alone: there is but one tier
        yield 0, conditions
        return
    # One tsquery each, so that the index decides and no search vector is read.
    tiers = (
        in_name,
        f"({in_organization})&!({in_name})",
        f"({text.match})&!({in_organization})&!({in_name})",
    )
    for tier in range(first, len(tiers)):
        yield tier, conditions.with_text(_TIER, tier=tiers[tier])


def _expects_few_in_tier(
    tier: int, in_tier: Conditions, conditions: Conditions, estimate: Estimate
) -> bool:
    """Few awards have all words in one field, though the planner cannot know how few."""
    if in_tier.text == conditions.text:
        return False
    if tier < _LAST_TIER:
        return True
    return plan.expects_few(estimate.matches, is_filtered=conditions.is_filtered)


async def _by_deadline(
    fetch: Fetch,
    conditions: Conditions,
    estimate: Estimate,
    *,
    is_few: bool,
    tier: int | None = None,
    **window: Unpack[Window],
) -> Rows:
    """The rows by deadline. Rows are complete once the selectivity that their plan was chosen for
    proves true; for RARE, that is always."""
    offset = window["offset"]
    rows = Rows.none()
    for selectivity in plan.selectivities(matches=estimate.matches, offset=offset, is_few=is_few):
        sort_limit = scan_limit = None
        if plan.choose(estimate, Sort.DEADLINE, None, selectivity) is Plan.SCAN_DEADLINE:
            scan_limit = plan.scan_limit(offset=offset, is_filtered=conditions.is_filtered)
        elif selectivity is Selectivity.FEW:
            sort_limit = limits.SORT_ALL_BELOW_MATCHES
        else:
            sort_limit = UNLIMITED
        rows = await statements.page(
            fetch, conditions, tier=tier, sort_limit=sort_limit, scan_limit=scan_limit, **window
        )
        if rows.has_more if sort_limit is None else rows.matches_read < sort_limit:
            break
    return rows
