"""Which saved searches have new results because awards have changed: the reverse of a search.

Each search keeps the words without which no award is its result. A changed award is compared with
the searches whose words it has, and only these are checked, with the statements that answer a
search; equal queries once. So a search is told about exactly what `results?since=` shows.
"""

import datetime as dt
import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Row

from scholarship_api.catalogue import past_states
from scholarship_api.catalogue.past_states import Changed
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.errors import Conflict, ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.saved_searches import models, queries, service
from scholarship_api.search import new_results
from scholarship_api.search import service as search
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.filters import keep
from scholarship_api.search.necessary_words import necessary_words
from scholarship_api.search.new_results import Since
from scholarship_api.search.responses.answers import Answers
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.snapshot import Snapshot

MAX_AWARDS_BY_WORDS: Final = 20
"""Changed awards of which the words choose the searches to check. More of them have so many words
that most searches are chosen, and each search would be compared with each award."""

INDEX_AGE: Final = dt.timedelta(days=1)
"""The words of a search are made anew after this time: synonyms and spellings may have changed."""

INDEX_BATCH: Final = 500
"""Searches that are indexed in one transaction."""


class NewResults(NamedTuple):
    """Awards that have become results of a saved search."""

    search_id: uuid.UUID
    subject_id: uuid.UUID
    scholarship_ids: Sequence[str]


class SearchMatcher:
    """Compares changed awards with all saved searches that somebody is told about."""

    def __init__(self, database: Database, answers: Answers, codec: CursorCodec) -> None:
        self._database = database
        self._answers = answers
        self._codec = codec

    async def match(
        self, first_changes: Mapping[str, int], *, before: dt.datetime
    ) -> list[NewResults]:
        """The searches with new results among awards, each given with the id of the first change
        that counts; `before` is an instant before these changes.

        Raises DatabaseUnavailable.
        """
        if not first_changes:
            return []
        await self.index()
        snapshot = await self._answers.snapshot()
        changed = await past_states.changed_by(snapshot.fetch, first_changes)
        return await self._match(snapshot, Since(before, changed))

    async def match_since(self, instant: dt.datetime) -> list[NewResults]:
        """The searches with results that are new since an instant.

        Raises ValidationFailed for an instant too long ago, and DatabaseUnavailable.
        """
        await self.index()
        snapshot = await self._answers.snapshot()
        return await self._match(snapshot, await new_results.since(snapshot, instant))

    async def index(self) -> int:
        """Index searches that are new, have changed or were indexed long ago; their number."""
        before = dt.datetime.now(dt.UTC) - INDEX_AGE
        indexed = 0
        while True:
            async with self._database.read_session() as session:
                rows = await queries.to_index(session, before=before, limit=INDEX_BATCH)
            by_digest: dict[bytes, list[Row[uuid.UUID, dict[str, Any]]]] = defaultdict(list)
            for row in rows:
                by_digest[digest_of(row.query)].append(row)
            words = {
                digest: await self._words_of(same[0].query) for digest, same in by_digest.items()
            }
            async with self._database.write_session() as session:
                for digest, same in by_digest.items():
                    await queries.index(
                        session,
                        ids=[row.id for row in same],
                        query=same[0].query,
                        digest=digest,
                        words=words[digest],
                    )
            indexed += len(rows)
            if len(rows) < INDEX_BATCH:
                return indexed

    async def _words_of(self, query: dict[str, Any]) -> str | None:
        snapshot = await self._answers.snapshot()
        try:
            # The profile does not matter for words; one that is needed may be empty.
            request = SearchBody.model_validate({"profile": {}, **query})
            return await necessary_words(snapshot, request)
        except (ValueError, ValidationFailed):
            return None

    async def _match(self, snapshot: Snapshot, since: Since) -> list[NewResults]:
        award_ids = list(since.changed.first_changes)
        model = await snapshot.model()
        past = await past_states.model_before(
            snapshot.fetch, since.known, unchecked=model.unchecked
        )
        is_small = len(award_ids) <= MAX_AWARDS_BY_WORDS
        async with self._database.read_session() as session:
            rows = await queries.candidates(session, award_ids if is_small else None)
        shared: dict[bytes, list[Row[Any]]] = defaultdict(list)
        single = []
        for row in rows:
            if row.use_profile or row.query_digest is None:
                single.append([row])
            else:
                shared[row.query_digest].append(row)
        matched = []
        for same in (*shared.values(), *single):
            found = await self._check(snapshot, same[0].id, since, past)
            if found:
                matched += [NewResults(row.id, row.subject_id, sorted(found)) for row in same]
        return await self._without_dismissed(matched, since.changed)

    async def _check(
        self, snapshot: Snapshot, search_id: uuid.UUID, since: Since, past: ReadModel
    ) -> set[str]:
        """The new results of a search, dismissed ones included."""
        async with self._database.read_session() as session:
            stored = await queries.by_id(session, search_id)
            if stored is None:
                return set()
            request = await self._request_of(session, stored)
        if request is None:
            return set()
        # The filters are compared first: to find out which words decide runs the whole search.
        model = await snapshot.model()
        within = model.ordinals.find_all(list(since.changed.first_changes))
        if not keep(model, request, now=snapshot.now, within=within).awards:
            return set()
        try:
            resolved = await search.resolve(snapshot, request, codec=self._codec)
        except ValidationFailed:
            return set()
        return await new_results.new_results(snapshot, resolved, after=since, past=past)

    async def _request_of(
        self, session: ReadSession, stored: models.SavedSearch
    ) -> SearchBody | None:
        """None for a search that cannot be run, of which `results` says why."""
        try:
            return (await service.stored_query(session, stored)).search
        except Conflict:
            return None

    async def _without_dismissed(
        self, matched: Sequence[NewResults], changed: Changed
    ) -> list[NewResults]:
        if not matched:
            return []
        async with self._database.read_session() as session:
            dismissed = await queries.dismissals(
                session, {each.subject_id for each in matched}, changed.first_changes.keys()
            )
        left = [
            each._replace(
                scholarship_ids=[
                    award_id
                    for award_id in each.scholarship_ids
                    if (each.subject_id, award_id) not in dismissed
                ]
            )
            for each in matched
        ]
        return [each for each in left if each.scholarship_ids]


def digest_of(query: dict[str, Any]) -> bytes:
    """The same for equal queries, whatever the order of their keys."""
    return hashlib.sha256(to_json(_sorted(query))).digest()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    return value
