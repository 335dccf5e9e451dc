"""Indexes saved searches by their rarest words and filters, see `tokens.py`."""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import to_json

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.saved_searches import matching_queries as queries
from scholarship_api.saved_searches import tokens
from scholarship_api.saved_searches.matching_queries import Entry
from scholarship_api.search.necessary_words import necessary_words
from scholarship_api.search.responses.answers import Answers
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements
from scholarship_api.search.text import required_lexemes
from scholarship_api.search.text.required_lexemes import Node

INDEX_AGE: Final = dt.timedelta(days=1)
"""A search is indexed anew after this time: synonyms, spellings and the number of awards with a
word may have changed."""

INDEX_BATCH: Final = 500
"""Searches that are indexed in one transaction."""


class SearchIndex:
    """Keeps the index of saved searches up to date."""

    def __init__(self, database: Database, answers: Answers) -> None:
        self._database = database
        self._answers = answers

    async def update(self) -> int:
        """Index searches that are new, have changed or were indexed long ago; their number.

        Raises DatabaseUnavailable.
        """
        before = await self._outdated_before()
        indexed = 0
        by_filter: Mapping[str, int] | None = None
        while True:
            async with self._database.read_session() as session:
                rows = await queries.to_index(session, before=before, limit=INDEX_BATCH)
                digests = [digest_of(row.query) for row in rows]
                entries = await queries.indexed(session, digests, since=before) if rows else {}
            new = {
                digest: row.query
                for digest, row in zip(digests, rows, strict=True)
                if digest not in entries
            }
            if new:
                snapshot = await self._answers.snapshot()
                if by_filter is None:
                    by_filter = tokens.awards_by_filter(await snapshot.model())
                entries |= await _entries(snapshot, new, by_filter)
            if rows:
                async with self._database.write_session() as session:
                    await queries.index(
                        session,
                        [
                            (row.id, row.query, entries[digest])
                            for row, digest in zip(rows, digests, strict=True)
                        ],
                    )
            indexed += len(rows)
            if len(rows) < INDEX_BATCH:
                return indexed

    async def _outdated_before(self) -> dt.datetime:
        """The instant before which an entry of the index is outdated. A change of the synonyms by
        an operator outdates all entries."""
        before = dt.datetime.now(dt.UTC) - INDEX_AGE
        rules = await (await self._answers.snapshot()).rules()
        return max(before, rules.synonyms_changed_at or before)


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
            digest,
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


def digest_of(query: dict[str, Any]) -> bytes:
    """The same for equal queries, whatever the order of their keys."""
    return hashlib.sha256(to_json(_sorted(query))).digest()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    return value
