"""Which saved searches have new results because awards have changed: the reverse of a search.

Each query is indexed by tokens of which each of its results has one, see `tokens.py`. A changed
award looks up the queries that share a token with it, and only these are checked, with the filters
and words that answer a search. Searches with the same query share its entry and its check. So a
search is told about exactly what `results?since=` shows.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.catalogue import past_states
from scholarship_api.errors import Conflict, DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.profiles import service as profiles
from scholarship_api.saved_searches import matching_queries as queries
from scholarship_api.saved_searches import schemas
from scholarship_api.saved_searches.batches import batches
from scholarship_api.saved_searches.indexing import SearchIndex
from scholarship_api.saved_searches.matching_queries import Notified, StoredQuery
from scholarship_api.saved_searches.tokens import EVERY_AWARD, filter_tokens_of_awards
from scholarship_api.search import many_new_results, new_results
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.many_new_results import ChangedAwards, Question
from scholarship_api.search.new_results import Since
from scholarship_api.search.responses.answers import Answers
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.snapshot import Snapshot

LOOKED_UP_AWARDS: Final = 50
"""Awards that look up queries with one statement."""

CHECKED_QUERIES: Final = 500
"""Queries that are checked together, about 1 ms each."""

EXPANDED_QUERIES: Final = 100
"""Queries of which the searches are read together, and their matches stored in one transaction."""

_log = structlog.stdlib.get_logger(__name__)

Found = Mapping[bytes, Sequence[str]]
"""Digests of queries with the ids of their new results, dismissed ones included."""


class NewResults(NamedTuple):
    """Awards that have become results of a saved search."""

    search: Notified
    scholarship_ids: Sequence[str]


class SearchMatcher:
    """Compares changed awards with all saved searches that somebody is told about."""

    def __init__(self, database: Database, answers: Answers, codec: CursorCodec) -> None:
        self._database = database
        self._answers = answers
        self._codec = codec
        self._index = SearchIndex(database, answers)

    async def match(self, first_changes: Mapping[str, int], *, before: dt.datetime) -> Found:
        """The queries with new results among awards, each given with the id of the first change
        that counts; `before` is an instant before these changes.

        Raises DatabaseUnavailable.
        """
        if not first_changes:
            return {}
        await self.index()
        snapshot = await self._answers.snapshot()
        changed = await past_states.changed_by(snapshot.fetch, first_changes)
        return await self._match(snapshot, Since(before, changed))

    async def match_since(self, instant: dt.datetime) -> Found:
        """The queries with results that are new since an instant.

        Raises ValidationFailed for an instant too long ago, and DatabaseUnavailable.
        """
        await self.index()
        snapshot = await self._answers.snapshot()
        return await self._match(snapshot, await new_results.since(snapshot, instant))

    async def index(self) -> int:
        """Index what changed awards would not find otherwise. Returns how much that was."""
        return await self._index.update()

    async def renew_index(self) -> int:
        """Index again some of what was indexed long ago. Returns how much that was."""
        return await self._index.renew_some()

    async def _match(self, snapshot: Snapshot, since: Since) -> Found:
        unchecked = (await snapshot.model()).unchecked
        changed = ChangedAwards(
            after=since,
            present=await past_states.present_model(
                snapshot.fetch, since.changed.first_changes, unchecked=unchecked
            ),
            past=await past_states.model_before(snapshot.fetch, since.known, unchecked=unchecked),
        )
        candidates = await self._candidates(changed)
        found: dict[bytes, Sequence[str]] = {}
        for some in batches(list(candidates), CHECKED_QUERIES):
            found |= await self._check(snapshot, {each: candidates[each] for each in some}, changed)
        return found

    async def _candidates(self, changed: ChangedAwards) -> dict[bytes, list[str]]:
        """The queries that may have new results, each with the awards that may be one."""
        of_filters = filter_tokens_of_awards(changed.present)
        present = changed.present.ordinals.ids_of(changed.present.all())
        found: dict[bytes, list[str]] = {}
        for some in batches(present, LOOKED_UP_AWARDS):
            tokens = {each: [EVERY_AWARD, *of_filters.get(each, ())] for each in some}
            async with self._database.read_session() as session:
                for digest, award_ids in (await queries.candidates(session, tokens)).items():
                    found.setdefault(digest, []).extend(award_ids)
        return found

    async def _check(
        self,
        snapshot: Snapshot,
        candidates: Mapping[bytes, Collection[str]],
        changed: ChangedAwards,
    ) -> dict[bytes, Sequence[str]]:
        """The new results of these queries; one by one where they cannot be checked together."""
        try:
            return await self._check_together(snapshot, candidates, changed)
        except DatabaseUnavailable:
            if len(candidates) == 1:
                await self._give_up(next(iter(candidates)))
                return {}
        found: dict[bytes, Sequence[str]] = {}
        for digest, award_ids in candidates.items():
            found |= await self._check(snapshot, {digest: award_ids}, changed)
        return found

    async def _give_up(self, digest: bytes) -> None:
        """Let the changes be compared again, or pause this query if it has failed too often.

        Raises DatabaseUnavailable.
        """
        async with self._database.write_session() as session:
            paused_until = await queries.add_failure(session, digest)
        if paused_until is None:
            raise DatabaseUnavailable
        _log.error("saved_searches.search_skipped", query_digest=digest.hex())

    async def _check_together(
        self,
        snapshot: Snapshot,
        candidates: Mapping[bytes, Collection[str]],
        changed: ChangedAwards,
    ) -> dict[bytes, Sequence[str]]:
        async with self._database.read_session() as session:
            requests = {
                each.digest: await self._request_of(session, each)
                for each in await queries.stored_queries(session, candidates)
            }
        questions = {
            digest: Question(request, candidates[digest])
            for digest, request in requests.items()
            if request is not None
        }
        found = await many_new_results.find(
            snapshot, list(questions.values()), changed=changed, codec=self._codec
        )
        return {
            digest: sorted(award_ids)
            for digest, award_ids in zip(questions, found, strict=True)
            if award_ids
        }

    async def _request_of(self, session: ReadSession, stored: StoredQuery) -> SearchBody | None:
        """None for a search that cannot be run, of which `results` says why."""
        try:
            profile = None
            if stored.use_profile:
                profile = await profiles.answers_of(session, subject_id=stored.subject_id)
                if profile is None:
                    return None
            return schemas.request_of(stored.query, profile=profile)
        except Conflict:
            return None


async def searches_of(
    session: AsyncSession, found: Found, *, lock: bool = False
) -> list[NewResults]:
    """The searches with these queries, each with the new results that are not dismissed."""
    awards = {award_id for award_ids in found.values() for award_id in award_ids}
    dismissed = await queries.dismissals(session, awards)
    expanded = [
        NewResults(search, _without_dismissed(found[digest], search.subject_id, dismissed))
        for digest, search in await queries.notified(session, found, lock=lock)
    ]
    return [each for each in expanded if each.scholarship_ids]


def _without_dismissed(
    award_ids: Sequence[str],
    subject_id: uuid.UUID,
    dismissed: Collection[tuple[uuid.UUID, str]],
) -> Sequence[str]:
    if not dismissed:
        return award_ids
    return [each for each in award_ids if (subject_id, each) not in dismissed]


def parts_of(found: Found) -> Iterator[Found]:
    """The same in parts whose searches are read together; in an order that all workers share."""
    for some in batches(sorted(found), EXPANDED_QUERIES):
        yield {digest: found[digest] for digest in some}
