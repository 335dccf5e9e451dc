"""Makes the page of the awards that have the words of a search.

A page is ranked by PostgreSQL where that is affordable. Otherwise it is read in an order of the
read model: tier after tier, or in the order that was asked for.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.postings import union
from scholarship_api.search import cursors, limits, match_order
from scholarship_api.search.asked import Asked
from scholarship_api.search.cursors import Keyset
from scholarship_api.search.filters import Kept
from scholarship_api.search.items import read_items
from scholarship_api.search.orders import ORDERS, Order
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import plan, statements
from scholarship_api.search.sql.plan import PagePlan
from scholarship_api.search.sql.statements import Window
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.text.tsquery import Field
from scholarship_api.search.text_matching import Matched

_LAST_TIER = 2
"""The tier of awards with the words neither all in the name nor all in the organization."""


class TextPage(NamedTuple):
    """The rows of a page."""

    items: Sequence[Item]
    has_more: bool
    """Whether there are rows after the page."""
    keyset: Keyset | None
    """The sort key of the last row; None if no page follows."""
    shown: Mapping[str, int]
    """The awards that the read model has chosen, with the versions of their rows; -1 for one that
    PostgreSQL no longer had."""
    is_tiered: bool = False


class _Tier(NamedTuple):
    """Awards of a tiered result that come before those of the tiers with greater numbers."""

    number: int
    match: str
    awards: BitMap | None
    """None where they are too many."""
    among: BitMap
    """Awards that they all are among."""


class TextPages:
    """The pages of one attempt to answer a search."""

    def __init__(self, asked: Asked, model: ReadModel, kept: Kept) -> None:
        self._asked = asked
        self._request = asked.request
        self._fetch = asked.snapshot.fetch
        self._model = model
        self._kept = kept.awards
        self._matches = kept.matches
        self._boosts = [(boost.factor, boost.awards(model)) for boost in asked.boosts]

    async def page(self, matched: Matched) -> TextPage:
        if matched.rows is not None:
            rows = matched.rows
            return TextPage(list(rows.items.values()), rows.has_more, rows.keyset, shown={})
        if self._request.order is Sort.MATCH and self._matches is not None:
            return await self._page_by_match(matched, self._matches)
        chosen = plan.choose_page(
            order=self._request.order,
            matches=math.inf if matched.awards is None else matched.total,
            cursor=self._asked.cursor,
        )
        if chosen is PagePlan.RANK:
            return await self._ranked_page(matched)
        if chosen is PagePlan.TIERED:
            return await self._tiered_page(matched)
        return await self._page_in_order(matched, ORDERS[self._request.order])

    # --- By relevance -----------------------------------------------------------------------------

    async def _ranked_page(self, matched: Matched) -> TextPage:
        awards = matched.awards
        if awards is None or len(awards) > plan.rank_cap(self._asked.cursor):
            raise cursors.outdated()  # without a cursor, such a result is tiered
        if not awards:
            return TextPage((), has_more=False, keyset=None, shown={})
        rows = await statements.rank_among(
            self._fetch,
            matched.text,
            self._asked.window,
            self._ids(awards),
            highlight=self._request.highlight,
            boosts=[(factor, self._ids(boosted & awards)) for factor, boosted in self._boosts],
        )
        return _ranked(rows.items, has_more=rows.has_more, keyset=rows.keyset)

    async def _tiered_page(self, matched: Matched) -> TextPage:
        request = self._request
        order = ORDERS[Sort.DEADLINE]
        first, keyset = 0, self._asked.keyset
        if keyset is not None:
            first, keyset = int(keyset[0]), keyset[1:]
        skipped, wanted = request.offset, request.limit + 1
        page: list[tuple[int, int]] = []
        for tier, match, awards, among in await self._boosted_tiers(matched, first):
            needed = wanted - len(page)
            if awards is not None:
                found = order.page(self._model, awards, limit=needed, keyset=keyset, offset=skipped)
                skipped = max(0, skipped - len(awards))
            else:
                seen = await self._scan(
                    match,
                    among,
                    order,
                    count=skipped + needed,
                    after=keyset,
                    matches=matched.total,
                )
                found = seen[skipped:]
                skipped = max(0, skipped - len(seen))
            page += [(tier, ordinal) for ordinal in found]
            keyset = None
            if len(page) == wanted:
                break
        has_more, page = len(page) > request.limit, page[: request.limit]
        last: Keyset | None = None
        if has_more:
            tier, ordinal = page[-1]
            last = (tier, *order.keyset_of(self._model, ordinal))
        return await self._read(
            matched, [ordinal for _, ordinal in page], has_more=has_more, keyset=last
        )

    async def _boosted_tiers(self, matched: Matched, first: int) -> Sequence[_Tier]:
        """From the tier `first` on. With boosts, each tier is two: its boosted awards come first,
        and then its others."""
        found = self._kept if matched.awards is None else matched.awards
        if not self._boosts:
            tiers = [_Tier(*tier, found) for tier in await self._tiers(matched)]
        else:
            boosted = found & union([awards for _, awards in self._boosts])
            tiers = [
                _Tier(2 * number + place, match, None if awards is None else awards & among, among)
                for number, match, awards in await self._tiers(matched)
                for place, among in enumerate((boosted, found - boosted))
            ]
        return [tier for tier in tiers if tier.number >= first]

    async def _tiers(self, matched: Matched) -> Sequence[tuple[int, str, BitMap | None]]:
        """The number of each, its words, and its awards unless they are many."""
        text, known = matched.text, matched.awards
        in_name, in_organization = text.in_field(Field.NAME), text.in_field(Field.ORGANIZATION)
        if in_name is None or in_organization is None:  # exclusions alone: there is but one tier
            return [(0, text.match, known)]
        named = await self._in_field(in_name)
        organized = await self._in_field(in_organization)
        if named is not None and organized is not None:
            organized = organized - named
        return [
            (0, in_name, named if known is None or named is None else named & known),
            (
                1,
                f"({in_organization})&!({in_name})",
                None if named is None else organized,
            ),
            (
                _LAST_TIER,
                f"({text.match})&!({in_organization})&!({in_name})",
                None
                if known is None or named is None or organized is None
                else known - named - organized,
            ),
        ]

    async def _in_field(self, words: str) -> BitMap | None:
        """The kept awards with the words in a field; None if they are too many to be asked for."""
        ids = await statements.all_matching_ids(self._fetch, words, limit=limits.KNOWN_MATCHES)
        return None if ids is None else self._model.ordinals.find_encoded(ids) & self._kept

    # --- By how well an award suits a profile -----------------------------------------------------

    async def _page_by_match(self, matched: Matched, matches: Matches) -> TextPage:
        """Group after group; within a group by relevance where that is affordable."""
        cursor = self._asked.cursor
        is_tiered = matched.awards is None or matched.total > limits.RANKED_MATCHES
        if cursor is not None:
            is_tiered = bool(cursor.is_tiered)
        awards = self._kept if matched.awards is None else matched.awards
        if not is_tiered and matched.awards is None:
            raise cursors.outdated()
        keyset = cursor.keyset if cursor else None
        first = 0 if keyset is None else int(keyset[0])
        skipped, wanted = self._request.offset, self._request.limit + 1
        items: dict[str, Item] = {}
        page: list[tuple[int, int]] = []
        last: Keyset | None = None
        has_more = False
        for group in match_order.groups(matches, awards, first=first):
            after = keyset[1:] if keyset is not None and group.number == first else None
            if is_tiered:
                seen = await self._scan(
                    matched.text.match,
                    group.awards,
                    ORDERS[Sort.DEADLINE],
                    count=skipped + wanted - len(page),
                    after=after,
                    matches=matched.total,
                )
                page += [(group.number, ordinal) for ordinal in seen[skipped:]]
                skipped = max(0, skipped - len(seen))
                has_more = len(page) == wanted
            else:
                room = self._request.limit - len(items)
                if room == 0:
                    has_more = True
                    break
                window = Window(keyset=after, limit=room, offset=skipped)
                rows = await statements.rank_among(
                    self._fetch,
                    matched.text,
                    window,
                    self._ids(group.awards),
                    highlight=self._request.highlight,
                )
                skipped = max(0, skipped - len(group.awards))
                items |= rows.items
                has_more = rows.has_more
                if rows.items:
                    last = None if rows.keyset is None else (group.number, *rows.keyset)
            if has_more:
                break
        if is_tiered:
            page = page[: self._request.limit]
            if has_more:
                number, ordinal = page[-1]
                last = match_order.keyset_of(self._model, ordinal, number)
            ordinals = [ordinal for _, ordinal in page]
            return await self._read(matched, ordinals, has_more=has_more, keyset=last)
        return _ranked(items, has_more=has_more, keyset=last if has_more else None)

    # --- In an order of the read model ------------------------------------------------------------

    async def _page_in_order(self, matched: Matched, order: Order) -> TextPage:
        request, cursor = self._request, self._asked.cursor
        keyset = cursor.keyset if cursor else None
        if matched.awards is not None:
            page = order.page(
                self._model,
                matched.awards,
                limit=request.limit + 1,
                keyset=keyset,
                offset=request.offset,
            )
        else:
            page = await self._scan(
                matched.text.match,
                self._kept,
                order,
                count=request.offset + request.limit + 1,
                after=keyset,
                matches=matched.total,
            )
            page = page[request.offset :]
        has_more, page = len(page) > request.limit, page[: request.limit]
        last = order.keyset_of(self._model, page[-1]) if has_more else None
        return await self._read(matched, page, has_more=has_more, keyset=last)

    async def _scan(
        self,
        match: str,
        awards: BitMap,
        order: Order,
        *,
        count: int,
        after: Keyset | None,
        matches: int,
    ) -> list[int]:
        """The first `count` of the awards, in the order, that have the words; or all there are.

        Goes through the awards and asks which of them have the words. Where few have, it reads all
        awards with the words in the end. `matches` is about how many have.
        """
        found: list[int] = []
        size = plan.first_scan(wanted_rows=count, matches=matches, awards=len(awards))
        scanned, may_read = 0, True
        while len(found) < count:
            if may_read and scanned >= limits.SCANNED_BEFORE_READING:
                may_read = False
                read = await statements.all_matching_ids(
                    self._fetch, match, limit=limits.MAX_MATCHES_READ
                )
                if read is not None:
                    left = self._model.ordinals.find_encoded(read) & awards
                    missing = count - len(found)
                    return found + order.page(self._model, left, limit=missing, keyset=after)
            asked = order.page(self._model, awards, limit=size, keyset=after)
            if not asked:
                break
            scanned += len(asked)
            ids = await statements.matching_among(self._fetch, match, self._ids(asked))
            matching = self._model.ordinals.find_encoded(ids)
            found += [ordinal for ordinal in asked if ordinal in matching]
            after = order.keyset_of(self._model, asked[-1])
            size = min(limits.MAX_SCANNED_AT_ONCE, size * limits.SCAN_GROWTH)
        return found[:count]

    async def _read(
        self, matched: Matched, page: Sequence[int], *, has_more: bool, keyset: Keyset | None
    ) -> TextPage:
        model = self._model
        wanted = {model.ordinals.id_of(ordinal): model.row_versions[ordinal] for ordinal in page}
        items: Mapping[str, Item] = {}
        if page:
            items = await read_items(
                self._fetch,
                self._asked.snapshot.items,
                wanted,
                highlighted=matched.text.match if self._request.highlight else None,
            )
        return TextPage(
            [items[award_id] for award_id in wanted if award_id in items],
            has_more,
            keyset,
            shown={
                award_id: items[award_id].row_version if award_id in items else -1
                for award_id in wanted
            },
            is_tiered=keyset is not None,
        )

    def _ids(self, awards: BitMap | Sequence[int]) -> list[str]:
        return self._model.ordinals.ids_of(awards)


def _ranked(items: Mapping[str, Item], *, has_more: bool, keyset: Keyset | None) -> TextPage:
    shown = {award_id: item.row_version for award_id, item in items.items()}
    return TextPage(list(items.values()), has_more, keyset, shown)
