"""Finds the awards with the words of a search that its filters keep."""

from dataclasses import dataclass

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search import cursors, limits
from scholarship_api.search.asked import Asked
from scholarship_api.search.filters import Kept
from scholarship_api.search.schemas import Sort
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import plan, statements
from scholarship_api.search.sql.plan import Matching
from scholarship_api.search.sql.statements import RankedRows
from scholarship_api.search.text.tsquery import TextQuery


@dataclass(frozen=True, slots=True)
class Matched:
    """The awards with the words of one text query that the filters keep."""

    text: TextQuery
    total: int
    is_exact: bool
    awards: BitMap | None = None
    """All of them, unless they are too many or ranked already."""
    sample: BitMap | None = None
    """Some of them, where they are too many, and filters or facets need them."""
    filtered_out: int = 0
    """How many awards have the words and would be shown without the filters, as far as known."""
    rows: RankedRows | None = None
    """The page, if matching has ranked it, too."""
    hidden: Kept | None = None
    """The awards with the words that the filters keep, and those that they hide."""
    hidden_share: float = 1.0
    """How many times more awards there are than `hidden` has, where it is a sample."""


class TextMatching:
    """The matches of one attempt to answer a search."""

    def __init__(self, asked: Asked, model: ReadModel, kept: Kept) -> None:
        self._asked = asked
        self._request = asked.request
        self._fetch = asked.snapshot.fetch
        self._model = model
        self._kept = kept
        self.tried: list[Matched] = []
        """The matches of the words, and of fewer of them."""
        self.asked_for_others = False
        """Whether the answer rests on awards that the filters leave out."""

    async def find(self, text: TextQuery) -> Matched:
        """The matches of the words as corrected or as typed, with fewer synonyms where they are
        too many, or with fewer words where no award has all."""
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
        return matched

    async def _match(self, text: TextQuery) -> Matched:
        matched = await self._matched(text)
        self.tried.append(matched)
        return matched

    async def _matched(self, text: TextQuery) -> Matched:
        chosen = plan.choose_matching(
            estimate=text.estimated_matches,
            kept=len(self._kept.with_hidden),
            is_plain=self._is_plain,
            cursor=self._asked.cursor,
        )
        if chosen is Matching.RANK_AT_ONCE:
            ranked = await self._rank_at_once(text)
            if ranked is not None:
                return ranked
        if chosen is Matching.AMONG_KEPT:
            among = self._model.ordinals.ids_of(self._kept.with_hidden)
            ids = await statements.matching_among(self._fetch, text.match, among) if among else []
            hidden = self._kept.among(self._model.ordinals.find_encoded(ids))
            return self._known(text, hidden, filtered_out=len(ids) - len(hidden.awards))
        if not self._asked.is_filtered and not self._request.facets:
            return await self._match_all(text)
        return await self._match_filtered(text)

    async def _match_all(self, text: TextQuery) -> Matched:
        """Without filters. Of too many matches, as many are taken to be open as of all awards."""
        ids = await statements.all_matching_ids(self._fetch, text.match, limit=limits.KNOWN_MATCHES)
        if ids is not None:
            return self._found(text, self._model.ordinals.find_encoded(ids))
        everywhere = await statements.estimate_matches(self._fetch, text.match)
        share = len(self._kept.awards) / max(len(self._model.all()), 1)
        return Matched(
            text=self._for_matches(text, everywhere),
            total=round(max(everywhere, limits.KNOWN_MATCHES + 1) * share),
            is_exact=False,
        )

    async def _match_filtered(self, text: TextQuery) -> Matched:
        limit = limits.KNOWN_MATCHES + 1
        ids = await statements.matching_ids(self._fetch, text.match, limit=limit)
        found = self._model.ordinals.find_encoded(ids)
        if len(ids) < limit:
            return self._found(text, found)
        hidden = self._kept.among(found)
        everywhere = max(await statements.estimate_matches(self._fetch, text.match), limit)
        scale = everywhere / max(len(found), 1)
        total = max(len(hidden.awards), round(len(hidden.awards) * scale))
        if self._is_ranked_walk or plan.reads_all_matches(
            matches=everywhere,
            kept=len(self._kept.awards),
            expected=total,
            wanted_rows=self._request.limit + 1,
        ):
            read = await statements.all_matching_ids(
                self._fetch, text.match, limit=limits.MAX_MATCHES_READ
            )
            if read is not None:
                return self._found(text, self._model.ordinals.find_encoded(read))
        return Matched(
            text=self._for_matches(text, everywhere),
            total=total,
            is_exact=False,
            sample=hidden.awards,
            hidden=hidden,
            hidden_share=scale,
        )

    @property
    def _is_plain(self) -> bool:
        return (
            self._request.order is Sort.RELEVANCE
            and not self._asked.is_filtered
            and not self._request.facets
            and not self._asked.boosts
        )

    @property
    def _is_ranked_walk(self) -> bool:
        """Whether earlier pages were ranked, so that all matches must be known again."""
        cursor = self._asked.cursor
        by_relevance = self._request.order in (Sort.RELEVANCE, Sort.MATCH)
        return cursor is not None and by_relevance and not cursor.is_tiered

    async def _rank_at_once(self, text: TextQuery) -> Matched | None:
        """None if there are too many matches to be ranked."""
        cap = plan.rank_cap(self._asked.cursor)
        total, rows = await statements.rank_matches(
            self._fetch,
            text,
            self._asked.window,
            open_at=None if self._request.include_closed else self._asked.snapshot.now,
            cap=cap,
            highlight=self._request.highlight,
        )
        if total > cap:
            if self._asked.cursor is not None:
                raise cursors.outdated()
            return None
        return Matched(self._for_matches(text, total), total, is_exact=True, rows=rows)

    def _found(self, text: TextQuery, found: BitMap) -> Matched:
        """All awards with the words are given."""
        hidden = self._kept.among(found)
        return self._known(text, hidden, filtered_out=len(self._shown(found)) - len(hidden.awards))

    def _known(self, text: TextQuery, hidden: Kept, *, filtered_out: int) -> Matched:
        total = len(hidden.awards)
        return Matched(
            self._for_matches(text, total),
            total,
            is_exact=True,
            awards=hidden.awards,
            filtered_out=filtered_out,
            hidden=hidden,
        )

    def _for_matches(self, text: TextQuery, total: int) -> TextQuery:
        return text.for_matches(total) if self._asked.cursor is None else text

    async def _are_filtered_out(self, matched: Matched) -> bool:
        if not self._asked.is_filtered:
            return False
        self.asked_for_others = True
        if matched.filtered_out:
            return True
        ids = await statements.matching_ids(
            self._fetch, matched.text.match, limit=limits.KNOWN_MATCHES
        )
        return bool(self._shown(self._model.ordinals.find_encoded(ids)))

    def _shown(self, awards: BitMap) -> BitMap:
        """Those that are shown without filters."""
        if self._request.include_closed:
            return awards
        return awards & self._model.open(self._asked.snapshot.now)


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
