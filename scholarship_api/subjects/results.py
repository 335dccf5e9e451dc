"""The answer to a search of stored personal data: produced anew each time, and kept nowhere."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request, Response

from scholarship_api.activity.searches.search_ids import SearchIds
from scholarship_api.search import new_results, service
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.known_words import known_query
from scholarship_api.search.responses.answers import Answers, Produced
from scholarship_api.search.responses.pages import page_json
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.service import Page
from scholarship_api.search.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A search with what its subject has stored."""

    search: SearchBody
    dismissed: Collection[str]
    """The awards that the subject wants to see no more of."""


async def find(
    snapshot: Snapshot, query: StoredQuery, *, codec: CursorCodec, since: dt.datetime | None
) -> Page:
    """A page of results; with `since` only those that are new.

    Raises ValidationFailed for a bad instant, and for a cursor that does not fit.
    """
    if since is None:
        return await service.search(snapshot, query.search, codec=codec, without=query.dismissed)
    return await new_results.page(
        snapshot, query.search, codec=codec, instant=since, without=query.dismissed
    )


async def answer(request: Request, query: StoredQuery, *, since: dt.datetime | None) -> Response:
    """Raises what `find` raises, and DatabaseUnavailable."""
    answers: Answers = request.app.state.answers
    codec: CursorCodec = request.app.state.cursor_codec
    search_ids: SearchIds = request.app.state.search_ids

    async def produce(snapshot: Snapshot) -> Produced:
        page = await find(snapshot, query, codec=codec, since=since)
        words = await known_query(snapshot, query.search.q)
        return Produced(page_json(page, search_id=search_ids.encode(words)))

    return await answers.private_answer(request, produce)


async def page_of(request: Request, query: StoredQuery) -> Page:
    """The first page of results, for feeds. Raises DatabaseUnavailable."""
    answers: Answers = request.app.state.answers
    codec: CursorCodec = request.app.state.cursor_codec
    return await answers.run(
        request, lambda snapshot: find(snapshot, query, codec=codec, since=None)
    )
