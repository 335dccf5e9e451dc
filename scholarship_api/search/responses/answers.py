"""Answers from memory where the catalogue has not changed, else from PostgreSQL.

Whatever asks for the same thing (GET, POST, parameters in another order) gets the same answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.activity.recording import SearchRecorder
from scholarship_api.catalogue.versions import CatalogueVersions, Version
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import REQUEST_SECONDS, Database
from scholarship_api.platform.http.request_context import route_template
from scholarship_api.search import metrics
from scholarship_api.search.responses.json_response import Answer, AnswerResponse, Headers
from scholarship_api.search.responses.response_cache import AnswerCache, Known
from scholarship_api.search.snapshot import Memories, Source

Make = Callable[[Source], Awaitable[bytes]]
"""Makes the JSON of an answer."""

_ASKED_KEY: Final = "catalogue_version"
"""The scope key of the version that was asked for already, or why there is none, and since when."""
KNOWN_KEY: Final = "known_answer"
"""The scope key under which a request's answer is left for its address to be remembered."""


class Answering:
    """One per process, at `app.state.answering`."""

    def __init__(
        self, *, database: Database, versions: CatalogueVersions, recorder: SearchRecorder
    ) -> None:
        self.cache = AnswerCache()
        self._memories = Memories()
        self._database = database
        self._versions = versions
        self._recorder = recorder
        self._under_way: dict[tuple[int, str], asyncio.Future[Answer]] = {}

    async def answer(
        self,
        request: Request,
        make: Make,
        *,
        key: str,
        searched: str | None = None,
        headers: Headers = (),
    ) -> Response:
        """What `make` makes, or has made for `key` at this version of the catalogue.

        `searched` is counted for the search trends. Raises what `make` raises, and
        DatabaseUnavailable.
        """
        scope = request.scope
        version, started_at = await self._version(scope)
        found = self.cache.get(version, key)
        answer = found or await self._make(make, version, key, started_at)
        if searched is not None:
            self._recorder.record(searched)
        if scope["method"] == "GET" and scope[CREDENTIALS_KEY] is None:
            scope[KNOWN_KEY] = Known(key, route_template(scope), searched, ())
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache" if found else "database", seconds=seconds)
        return AnswerResponse(answer, seconds=seconds, headers=headers)

    async def known_answer(self, known: Known, scope: Scope) -> tuple[Answer, float] | None:
        """The answer to an address that is remembered, and the seconds that it took.

        None when it has to be made, by the route: whoever asks goes on to it.
        """
        started_at = time.perf_counter()
        try:
            version = await self._versions.current()
        except Exception as error:  # noqa: BLE001 - for the route to raise
            scope[_ASKED_KEY] = error, started_at
            return None
        answer = self.cache.get(version, known.key)
        if answer is None:
            scope[_ASKED_KEY] = version, started_at
            return None
        if known.searched is not None:
            self._recorder.record(known.searched)
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache", seconds=seconds)
        return answer, seconds

    async def _version(self, scope: Scope) -> tuple[Version, float]:
        if _ASKED_KEY not in scope:
            started_at = time.perf_counter()
            return await self._versions.current(), started_at
        version, started_at = scope[_ASKED_KEY]
        if isinstance(version, Exception):
            raise version
        return version, started_at

    async def _make(self, make: Make, version: Version, key: str, started_at: float) -> Answer:
        """Once for all that ask for the same at the same time."""
        place = (version.number, key)
        while (under_way := self._under_way.get(place)) is not None:
            try:
                return await asyncio.shield(under_way)
            except asyncio.CancelledError:
                if not under_way.cancelled():
                    raise
        made: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._under_way[place] = made
        try:
            left = REQUEST_SECONDS - (time.perf_counter() - started_at)
            source = Source(self._database.fetch, version.at, self._memories.of(version))
            with deadline(left):
                answer = Answer.of(await make(source))
        except Exception as error:
            made.set_exception(error)
            made.exception()  # seen, also when nobody else waits
            raise
        else:
            self.cache.keep(version, key, answer)
            made.set_result(answer)
            return answer
        finally:
            made.cancel()  # where we were cancelled: whoever waits tries it himself
            del self._under_way[place]
