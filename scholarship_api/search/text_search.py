"""A search for words: PostgreSQL finds and ranks them, the read model filters and sorts.

Each statement sees the catalogue as it is at that moment, which may be later than the read model's.
So that a page and its total belong to one state of the catalogue, the writes that came meanwhile
are looked at in the end, and the page is made anew when they concern it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Match, Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.postings import union
from scholarship_api.search import cursors, limits, match_order
from scholarship_api.search.asked import Asked, Found
from scholarship_api.search.basis import Basis
from scholarship_api.search.cursors import Keyset
from scholarship_api.search.facets import count_facets
from scholarship_api.search.filters import Kept
from scholarship_api.search.hits import matches_of, size_of
from scholarship_api.search.items import read_items
from scholarship_api.search.orders import ORDERS, Order
from scholarship_api.search.response_schemas import Facets
from scholarship_api.search.schemas import Sort
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import plan, statements
from scholarship_api.search.sql.plan import Matching, PagePlan
from scholarship_api.search.sql.statements import RankedRows, Window
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.text.analysis import analyse
from scholarship_api.search.text.tsquery import Field, TextQuery, WeightedClause

ATTEMPTS = 4
"""How often a page is made when writes concern it meanwhile; the last one is shown as it is."""

_LAST_TIER = 2
"""The tier of awards with the words neither all in the name nor all in the organization."""


async def query_of(asked: Asked) -> TextQuery | None:
    """The words of q; None if it has nothing to search for."""
    cursor = asked.cursor
    if cursor is None and asked.text is not None:
        return asked.text
    if cursor is None:
        request = asked.request
        understood = asked.interpretation
        return await analyse(
            asked.snapshot,
            request.q or "",
            correct=request.typo,
            preferred=understood.preferred_words if understood else frozenset(),
        )
    if cursor.match is None:  # the walk began with names, see `service`
        return None
    by_relevance = asked.request.order in (Sort.RELEVANCE, Sort.MATCH)
    is_ranked = by_relevance and not cursor.is_tiered
    return TextQuery(
        match=cursor.match,
        weighted_clauses=tuple(WeightedClause(*each) for each in cursor.weighted_clauses or ()),
        field_query=cursor.field_query,
        typed=" ".join((asked.request.q or "").split()),
        query_length=cursor.query_length,
        did_you_mean=cursor.did_you_mean,
        is_corrected=not cursor.is_uncorrected,
        ignored_words=cursor.ignored_words,
        # A ranked walk has few matches, or it would be tiered.
        estimated_matches=0 if is_ranked else math.inf,
    )


async def find(asked: Asked, text: TextQuery) -> Found:
    """When too many awards match to be ranked, synonyms are given up. When no award has all words,
    the relaxations are tried, with fewer and fewer of them."""
    for attempt in range(ATTEMPTS):
        model = await (asked.snapshot.updated_model() if attempt else asked.snapshot.model())
        search = _TextSearch(asked, model, asked.keep(model))
        found = await search.find(text)
        if attempt + 1 == ATTEMPTS or await search.is_current(found):
            return found
    raise AssertionError("the last attempt returns")


async def some_matches(snapshot: Snapshot, model: ReadModel, text: TextQuery) -> BitMap:
    """Awards with the words: all of them, or a sample where they are too many."""
    limit = limits.KNOWN_MATCHES + 1
    ids = await statements.matching_ids(snapshot.fetch, text.match, limit=limit)
    return model.ordinals.find_encoded(ids)


async def count(snapshot: Snapshot, model: ReadModel, text: TextQuery, kept: BitMap) -> int:
    """How many of these awards have the words; an estimate where the words are common."""
    found = await some_matches(snapshot, model, text)
    matches = found.intersection_cardinality(kept)
    if len(found) <= limits.KNOWN_MATCHES:
        return matches
    everywhere = await statements.estimate_matches(snapshot.fetch, text.match)
    return max(matches, round(everywhere * matches / len(found)))


class _Tier(NamedTuple):
    """Awards of a tiered result that come before those of the tiers with greater numbers."""

    number: int
    match: str
    awards: BitMap | None
    """None where they are too many."""
    among: BitMap
    """Awards that they all are among."""


@dataclass(frozen=True, slots=True)
class _Matched:
    """The awards with the words of one text query that the filters keep."""

    text: TextQuery
    total: int
    is_exact: bool
    awards: BitMap | None = None
    """All of them, unless they are too many or ranked already."""
    sample: BitMap | None = None
    """Some of them, where they are too many."""
    filtered_out: int = 0
    """How many awards have the words and would be shown without the filters, as far as known."""
    rows: RankedRows | None = None
    """The page, if matching has ranked it, too."""
    hidden: Kept | None = None
    """The awards with the words that the filters keep, and those that they hide."""
    hidden_share: float = 1.0
    """How many times more awards there are than `hidden` has, where it is a sample."""


class _TextSearch:
    """One attempt to answer a search."""

    def __init__(self, asked: Asked, model: ReadModel, kept: Kept) -> None:
        self._asked = asked
        self._request = asked.request
        self._fetch = asked.snapshot.fetch
        self._model = model
        self._filtered = kept
        self._kept = kept.awards
        self._boosts = [(boost.factor, boost.awards(model)) for boost in asked.boosts]
        self._revision = asked.snapshot.revision
        self._tried: list[_Matched] = []
        """The matches of the words, and of fewer of them."""
        self._asked_for_others = False
        """Whether the answer rests on awards that the filters leave out."""
        self._shown: Mapping[str, int] = {}
        """The awards of the page that the read model has chosen, with the versions of their
        rows."""

    async def find(self, text: TextQuery) -> Found:
        matched = await self._match(text)
        if text.uncorrected is not None and matched.total < limits.ENOUGH_CORRECTED:
            typed = await self._match(text.uncorrected)
            if matched.total < limits.MIN_CORRECTED_SHARE * typed.total:
                text, matched = text.uncorrected, typed
        if matched.total > limits.RANKED_MATCHES and text.without_synonyms is not None:
            text = text.without_synonyms
            matched = await self._match(text)
        # When the filters leave out all awards with these words, that is the answer, and not
        # awards with fewer of the words.
        if not matched.total and text.relaxations and not await self._are_filtered_out(matched):
            for relaxed in text.relaxations:
                matched = await self._match(relaxed)
                # A word was given up already: one word less is better than a page of very few
                # results.
                if matched.total >= limits.FEW_RESULTS:
                    break
        return await self._page(matched)

    async def is_current(self, found: Found) -> bool:
        """Whether no write since the beginning concerns what was found."""
        if all(matched.rows is not None for matched in self._tried):
            return True  # PostgreSQL has answered alone, of one state
        snapshot = self._asked.snapshot
        changed, model = await snapshot.changed_since(self._revision)
        kept = self._asked.keep(model).awards
        if not all(
            (ordinal := model.ordinals.find(award_id)) is not None
            and ordinal in kept
            and model.row_versions[ordinal] == row_version
            for award_id, row_version in self._shown.items()
        ):
            return False
        if changed is None:
            return False
        if not changed.ids or found.basis is None or not found.basis.is_complete:
            return True
        return await found.basis.is_untouched_by(changed, model=model, snapshot=snapshot)

    # --- Matching ---------------------------------------------------------------------------------

    async def _match(self, text: TextQuery) -> _Matched:
        matched = await self._matched(text)
        self._tried.append(matched)
        return matched

    async def _matched(self, text: TextQuery) -> _Matched:
        chosen = plan.choose_matching(
            estimate=text.estimated_matches,
            kept=len(self._filtered.with_hidden),
            is_plain=self._is_plain,
            cursor=self._asked.cursor,
        )
        if chosen is Matching.RANK_AT_ONCE:
            ranked = await self._rank_at_once(text)
            if ranked is not None:
                return ranked
        if chosen is Matching.AMONG_KEPT:
            among = self._ids(self._filtered.with_hidden)
            ids = await statements.matching_among(self._fetch, text.match, among) if among else []
            hidden = self._filtered.among(self._model.ordinals.find_encoded(ids))
            return self._known(text, hidden, filtered_out=len(ids) - len(hidden.awards))
        limit = limits.KNOWN_MATCHES + 1
        ids = await statements.matching_ids(self._fetch, text.match, limit=limit)
        found = self._model.ordinals.find_encoded(ids)
        hidden = self._filtered.among(found)
        kept_of_found = hidden.awards
        if len(ids) < limit:
            shown_unfiltered = found if self._request.include_closed else found & self._open()
            return self._known(
                text, hidden, filtered_out=len(shown_unfiltered) - len(kept_of_found)
            )
        everywhere = await statements.estimate_matches(self._fetch, text.match)
        share = len(kept_of_found) / max(len(found), 1)
        return _Matched(
            text=self._for_matches(text, everywhere),
            total=max(len(kept_of_found), round(max(everywhere, limit) * share)),
            is_exact=False,
            sample=kept_of_found,
            hidden=hidden,
            hidden_share=max(everywhere, limit) / max(len(found), 1),
        )

    @property
    def _is_plain(self) -> bool:
        return (
            self._request.order is Sort.RELEVANCE
            and not self._asked.is_filtered
            and not self._request.facets
            and not self._boosts
        )

    @property
    def _rank_cap(self) -> int:
        growth = 1 if self._asked.cursor is None else limits.RANKED_WALK_GROWTH
        return growth * limits.RANKED_MATCHES

    def _open(self) -> BitMap:
        return self._model.open(self._asked.snapshot.now)

    async def _rank_at_once(self, text: TextQuery) -> _Matched | None:
        """None if there are too many matches to be ranked."""
        total, rows = await statements.rank_matches(
            self._fetch,
            text,
            self._asked.window,
            open_at=None if self._request.include_closed else self._asked.snapshot.now,
            cap=self._rank_cap,
            highlight=self._request.highlight,
        )
        if total > self._rank_cap:
            if self._asked.cursor is not None:
                raise cursors.outdated()
            return None
        return _Matched(self._for_matches(text, total), total, is_exact=True, rows=rows)

    def _known(self, text: TextQuery, hidden: Kept, *, filtered_out: int) -> _Matched:
        total = len(hidden.awards)
        return _Matched(
            self._for_matches(text, total),
            total,
            is_exact=True,
            awards=hidden.awards,
            filtered_out=filtered_out,
            hidden=hidden,
        )

    def _for_matches(self, text: TextQuery, total: int) -> TextQuery:
        return text.for_matches(total) if self._asked.cursor is None else text

    async def _are_filtered_out(self, matched: _Matched) -> bool:
        if not self._asked.is_filtered:
            return False
        self._asked_for_others = True
        if matched.filtered_out:
            return True
        ids = await statements.matching_ids(
            self._fetch, matched.text.match, limit=limits.KNOWN_MATCHES
        )
        found = self._model.ordinals.find_encoded(ids)
        return bool(found if self._request.include_closed else found & self._open())

    # --- The page ---------------------------------------------------------------------------------

    async def _page(self, matched: _Matched) -> Found:
        if matched.rows is not None:
            return self._found(matched, list(matched.rows.items.values()), matched.rows)
        if self._request.order is Sort.MATCH and self._filtered.matches is not None:
            return await self._page_by_match(matched, self._filtered.matches)
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

    async def _page_by_match(self, matched: _Matched, matches: Matches) -> Found:
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
                scan = _Scan(
                    self,
                    matched.text.match,
                    group.awards,
                    ORDERS[Sort.DEADLINE],
                    matches=matched.total,
                )
                seen = await scan.rows(skipped + wanted - len(page), after=after)
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
        self._shown = {award_id: item.row_version for award_id, item in items.items()}
        ranked = RankedRows(items, has_more, last if has_more else None)
        return self._found(matched, list(items.values()), ranked)

    async def _ranked_page(self, matched: _Matched) -> Found:
        awards = matched.awards
        if awards is None or len(awards) > self._rank_cap:
            raise cursors.outdated()  # without a cursor, such a result is tiered
        rows = RankedRows({}, has_more=False, keyset=None)
        if awards:
            rows = await statements.rank_among(
                self._fetch,
                matched.text,
                self._asked.window,
                self._ids(awards),
                highlight=self._request.highlight,
                boosts=[(factor, self._ids(boosted & awards)) for factor, boosted in self._boosts],
            )
        self._shown = {award_id: item.row_version for award_id, item in rows.items.items()}
        return self._found(matched, list(rows.items.values()), rows)

    async def _page_in_order(self, matched: _Matched, order: Order) -> Found:
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
            scan = _Scan(self, matched.text.match, self._kept, order, matches=matched.total)
            page = await scan.rows(request.offset + request.limit + 1, after=keyset)
            page = page[request.offset :]
        has_more, page = len(page) > request.limit, page[: request.limit]
        last = order.keyset_of(self._model, page[-1]) if has_more else None
        return await self._read(matched, page, has_more=has_more, keyset=last)

    async def _tiered_page(self, matched: _Matched) -> Found:
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
                scan = _Scan(self, match, among, order, matches=matched.total)
                seen = await scan.rows(skipped + needed, after=keyset)
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

    async def _boosted_tiers(self, matched: _Matched, first: int) -> Sequence[_Tier]:
        """From the tier `first` on. With boosts, each tier is two: its boosted awards come first,
        and then its others."""
        if not self._boosts:
            tiers = [_Tier(*tier, self._kept) for tier in await self._tiers(matched)]
        else:
            boosted = self._kept & union([awards for _, awards in self._boosts])
            tiers = [
                _Tier(2 * number + place, match, None if awards is None else awards & among, among)
                for number, match, awards in await self._tiers(matched)
                for place, among in enumerate((boosted, self._kept - boosted))
            ]
        return [tier for tier in tiers if tier.number >= first]

    async def _tiers(self, matched: _Matched) -> Sequence[tuple[int, str, BitMap | None]]:
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
        limit = limits.KNOWN_MATCHES + 1
        ids = await statements.matching_ids(self._fetch, words, limit=limit)
        return self._model.ordinals.find_encoded(ids) & self._kept if len(ids) < limit else None

    async def _read(
        self, matched: _Matched, page: Sequence[int], *, has_more: bool, keyset: Keyset | None
    ) -> Found:
        model = self._model
        self._shown = {
            model.ordinals.id_of(ordinal): model.row_versions[ordinal] for ordinal in page
        }
        items: Mapping[str, Item] = {}
        if page:
            items = await read_items(
                self._fetch,
                self._asked.snapshot.items,
                self._shown,
                highlighted=matched.text.match if self._request.highlight else None,
            )
        found = [items[award_id] for award_id in self._shown if award_id in items]
        self._shown = {
            award_id: items[award_id].row_version if award_id in items else -1
            for award_id in self._shown
        }
        return self._found(
            matched, found, RankedRows({}, has_more, keyset), is_tiered=keyset is not None
        )

    def _found(
        self,
        matched: _Matched,
        items: Sequence[Item],
        rows: RankedRows,
        *,
        is_tiered: bool = False,
    ) -> Found:
        by_relevance = self._request.order in (Sort.RELEVANCE, Sort.MATCH)
        hidden = matched.hidden or self._filtered
        return Found(
            total=matched.total,
            is_exact=matched.is_exact,
            items=items,
            has_more=rows.has_more,
            keyset=rows.keyset,
            facets=self._facets(matched),
            text=matched.text,
            is_tiered=is_tiered and by_relevance,
            basis=self._basis(),
            matches=self._matches_of(list(self._shown)),
            ineligible_hidden=_times(size_of(hidden.ineligible), matched.hidden_share),
            unknown_amounts_hidden=_times(size_of(hidden.unknown_amounts), matched.hidden_share),
        )

    def _basis(self) -> Basis | None:
        """None where more counts than words and filters."""
        if self._asked.is_restricted or self._boosts:
            return None
        awards = [
            matched.awards if matched.hidden is None else matched.hidden.with_hidden
            for matched in self._tried
            if matched.awards is not None
        ]
        ids = [matched.rows.matches for matched in self._tried if matched.rows is not None]
        words = [matched.text.match for matched in self._tried]
        found = union(awards)
        is_complete = (
            len(awards) + len(ids) == len(self._tried)
            and not self._asked_for_others
            and len(found) <= limits.MAX_BASIS_AWARDS
        )
        return Basis(
            self._request,
            self._revision,
            found if is_complete else BitMap(),
            ids if is_complete else (),
            words,
            is_complete,
        )

    def _matches_of(self, award_ids: Sequence[str]) -> list[Match | None]:
        find = self._model.ordinals.find
        ordinals = [find(award_id) for award_id in award_ids]
        return matches_of(self._filtered, [-1 if each is None else each for each in ordinals])

    def _facets(self, matched: _Matched) -> Facets | None:
        awards = matched.awards if matched.awards is not None else matched.sample
        if not self._request.facets or awards is None:
            return None
        return count_facets(
            self._model,
            self._asked.counted(self._model, awards),
            total=matched.total + len(self._asked.counted_too),
            now=self._asked.snapshot.now,
            names=self._request.facets,
        )

    # --- Ids --------------------------------------------------------------------------------------

    def _ids(self, awards: BitMap) -> list[str]:
        return self._model.ordinals.ids_of(awards)

    async def have_words(self, match: str, ordinals: Sequence[int]) -> Iterator[int]:
        """Keep the given awards that contain the words, in the same order."""
        award_ids = self._model.ordinals.ids_of(ordinals)
        ids = await statements.matching_among(self._fetch, match, award_ids)
        found = self._model.ordinals.find_encoded(ids)
        return (ordinal for ordinal in ordinals if ordinal in found)

    def page_of(
        self, order: Order, awards: BitMap, *, limit: int, after: Keyset | None
    ) -> list[int]:
        return order.page(self._model, awards, limit=limit, keyset=after)

    def keyset_of(self, order: Order, ordinal: int) -> Keyset:
        return order.keyset_of(self._model, ordinal)


def _times(number: int | None, share: float) -> int | None:
    return None if number is None else round(number * share)


class _Scan:
    """Goes through awards in an order, and asks which of them have the words."""

    def __init__(
        self, search: _TextSearch, match: str, awards: BitMap, order: Order, *, matches: int
    ) -> None:
        self._search = search
        self._match = match
        self._awards = awards
        self._order = order
        self._matches = matches

    async def rows(self, count: int, *, after: Keyset | None) -> list[int]:
        """The first `count` awards with the words, or all there are."""
        found: list[int] = []
        size = plan.first_scan(wanted_rows=count, matches=self._matches, awards=len(self._awards))
        while len(found) < count:
            asked = self._search.page_of(self._order, self._awards, limit=size, after=after)
            if not asked:
                break
            found += await self._search.have_words(self._match, asked)
            after = self._search.keyset_of(self._order, asked[-1])
            size = min(limits.MAX_SCANNED_AT_ONCE, size * limits.SCAN_GROWTH)
        return found[:count]
