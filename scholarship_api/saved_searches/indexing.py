"""Indexes saved searches by their rarest words and filters, see `tokens.py`."""

import asyncio
import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from scholarship_api.errors import DatabaseUnavailable, ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.saved_searches import indexing_queries as queries
from scholarship_api.saved_searches import tokens
from scholarship_api.saved_searches.indexing_queries import Entry, Unindexed
from scholarship_api.search.necessary_words import necessary_words
from scholarship_api.search.responses.answers import Answers
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements
from scholarship_api.search.text import required_lexemes
from scholarship_api.search.text.required_lexemes import Node

INDEX_AGE: Final = dt.timedelta(days=1)
"""An entry is made anew after this time: other tokens may have become the rarest. The old entry
finds the same searches, and only more of those that are not results."""

INDEX_BATCH: Final = 500
"""Searches or entries that are indexed in one transaction."""

LOCKED_SECONDS: Final = 0.05
"""The pause before searches are tried again that other transactions have locked."""

LOCKED_TRIES: Final = 60
"""How often they are tried: for 3 s, as the database waits for a lock."""


class _Filters:
    """How many awards have each token of a filter, counted once for all batches of a run."""

    def __init__(self) -> None:
        self._awards: Mapping[str, int] | None = None

    async def awards(self, snapshot: Snapshot) -> Mapping[str, int]:
        if self._awards is None:
            self._awards = tokens.awards_by_filter(await snapshot.model())
        return self._awards


class SearchIndex:
    """Keeps the index of saved searches up to date."""

    def __init__(self, database: Database, answers: Answers) -> None:
        self._database = database
        self._answers = answers

    async def update(self) -> int:
        """Index what changed awards would not find otherwise: searches that are new or have
        changed, and all entries after a change of the synonyms. Returns their number.

        Each batch commits. Raises DatabaseUnavailable.
        """
        rules = await (await self._answers.snapshot()).rules()
        filters = _Filters()
        indexed = 0
        if rules.synonyms_changed_at is not None:
            while renewed := await self._renew(filters, before=rules.synonyms_changed_at):
                indexed += renewed
        tries = 0
        while tries < LOCKED_TRIES:
            async with self._database.read_session() as session:
                searches = await queries.unindexed(session, limit=INDEX_BATCH)
            if not searches:
                return indexed
            found = await self._index(filters, searches)
            indexed += found
            tries = 0 if found else tries + 1
        raise DatabaseUnavailable

    async def renew_some(self) -> int:
        """Make the oldest entries anew, INDEX_BATCH at most, if they are older than INDEX_AGE.
        Returns their number.

        Raises DatabaseUnavailable.
        """
        return await self._renew(_Filters(), before=dt.datetime.now(dt.UTC) - INDEX_AGE)

    async def _index(self, filters: _Filters, searches: Sequence[Unindexed]) -> int:
        digests = {each.id: digest_of(each) for each in searches}
        async with self._database.read_session() as session:
            known = await queries.known(session, set(digests.values()))
        new = {digests[each.id]: each.query for each in searches if digests[each.id] not in known}
        entries = await self._entries(filters, new)
        async with self._database.write_session() as session:
            indexed = await queries.index(
                session, [(each, digests[each.id]) for each in searches], entries
            )
        if not indexed:
            await asyncio.sleep(LOCKED_SECONDS)
        return indexed

    async def _renew(self, filters: _Filters, *, before: dt.datetime) -> int:
        async with self._database.read_session() as session:
            rows = await queries.outdated(session, before=before, limit=INDEX_BATCH)
        if rows:
            entries = await self._entries(filters, {row.digest: row.query for row in rows})
            async with self._database.write_session() as session:
                await queries.renew(session, entries)
        return len(rows)

    async def _entries(
        self, filters: _Filters, new: Mapping[bytes, dict[str, Any]]
    ) -> dict[bytes, Entry]:
        if not new:
            return {}
        snapshot = await self._answers.snapshot()
        return await _entries(snapshot, new, await filters.awards(snapshot))


async def _entries(
    snapshot: Snapshot, new: Mapping[bytes, dict[str, Any]], by_filter: Mapping[str, int]
) -> dict[bytes, Entry]:
    """The entries of these queries, by their digests."""
    requests = {digest: _request_of(query) for digest, query in new.items()}
    words = {digest: await _words_of(snapshot, request) for digest, request in requests.items()}
    required = {
        digest: None if match is None else required_lexemes.parse(match)
        for digest, match in words.items()
    }
    awards = dict(by_filter) | await _awards_by_word(snapshot, list(required.values()))
    return {
        digest: Entry(
            words[digest],
            tokens.choose(
                required[digest],
                () if request is None else tokens.filter_tokens_of_search(request),
                awards_with=lambda token: awards.get(token, 0),
            ),
        )
        for digest, request in requests.items()
    }


def _request_of(query: dict[str, Any]) -> SearchBody | None:
    """None for a query that holds a code that this release does not know."""
    try:
        # The profile does not matter; one that is needed may be empty.
        return SearchBody.model_validate({"profile": {}, **query})
    except ValueError:
        return None


async def _words_of(snapshot: Snapshot, request: SearchBody | None) -> str | None:
    try:
        return None if request is None else await necessary_words(snapshot, request)
    except ValidationFailed:
        return None


async def _awards_by_word(snapshot: Snapshot, required: list[Node]) -> dict[str, int]:
    """How many awards have each token of a word."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for node in required:
        for kind, letters in required_lexemes.lexemes(node):
            by_kind[kind].add(letters)
    found = await statements.awards_with_words(
        snapshot.fetch,
        lexemes=sorted(by_kind[required_lexemes.WHOLE]),
        beginnings=sorted(by_kind[required_lexemes.BEGINNING]),
    )
    return {tokens.word_token(each): awards for each, awards in found.items()}


def digest_of(search: Unindexed) -> bytes:
    """The same for equal queries, whatever the order of their keys. A search that uses the stored
    profile has its own."""
    own = search.id.bytes if search.use_profile else b""
    return hashlib.sha256(to_json(_sorted(search.query)) + own).digest()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    return value
