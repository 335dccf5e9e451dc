"""Answers from memory where the catalogue has not changed, else from PostgreSQL.

Whatever asks for the same thing (GET, POST, parameters in another order) gets the same answer. An
address whose answer is known is answered before its routing and validation are paid for, below the
rate limits; one with credentials is not, as its route has to look at them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.activity.recording import SearchRecorder
from scholarship_api.catalogue.versions import CatalogueVersions, Version
from scholarship_api.errors import DatabaseUnavailable, send_error
from scholarship_api.platform import metrics
from scholarship_api.platform.database import REQUEST_SECONDS, Database, DriverConnection
from scholarship_api.platform.http.context import ROUTE_TEMPLATE_KEY, route_template
from scholarship_api.search.answers import Answer, AnswerResponse, Headers
from scholarship_api.search.cache import AnswerCache, Known

Make = Callable[[DriverConnection, Version], Awaitable[BaseModel]]

_ASKED_KEY: Final = "catalogue_version"
"""The scope key of the version that the layer has asked for, and when it began to."""
_KNOWN_METHODS: Final = frozenset({"GET", "HEAD"})


class Answering:
    """One per process, at `app.state.answering`."""

    def __init__(
        self, *, database: Database, versions: CatalogueVersions, recorder: SearchRecorder
    ) -> None:
        self.cache = AnswerCache()
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
        if scope["method"] in _KNOWN_METHODS and scope[CREDENTIALS_KEY] is None:
            known = Known(key, route_template(scope), searched, headers)
            self.cache.remember((scope["path"], scope["query_string"]), known)
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache" if found else "database", seconds=seconds)
        return AnswerResponse(answer, seconds=seconds, headers=headers)

    async def answer_known(self, known: Known, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer if the answer is known, too; else False."""
        scope[ROUTE_TEMPLATE_KEY] = known.route
        try:
            version, started_at = asked = await self._version(scope)
        except DatabaseUnavailable as error:
            await send_error(error, scope, receive, send)
            return True
        answer = self.cache.get(version, known.key)
        if answer is None:
            scope[_ASKED_KEY] = asked
            return False
        if known.searched is not None:
            self._recorder.record(known.searched)
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache", seconds=seconds)
        await answer.send(scope, send, seconds=seconds, headers=known.headers)
        return True

    async def _version(self, scope: Scope) -> tuple[Version, float]:
        asked: tuple[Version, float] | None = scope.get(_ASKED_KEY)
        if asked is not None:
            return asked
        started_at = time.perf_counter()
        return await self._versions.current(), started_at

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
            async with self._database.driver_connection(seconds=left) as connection:
                model = await make(connection, version)
            answer = Answer.of(model)
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


class KnownAnswersLayer:
    """Below the rate limits, above the routes."""

    def __init__(self, app: ASGIApp, *, answering: Answering) -> None:
        self._app = app
        self._answering = answering

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (
            scope["type"] != "http"
            or scope["method"] not in _KNOWN_METHODS
            or scope[CREDENTIALS_KEY] is not None
            or (known := self._answering.cache.known((scope["path"], scope["query_string"])))
            is None
        ):
            return self._app(scope, receive, send)
        return self._answer(known, scope, receive, send)

    async def _answer(self, known: Known, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self._answering.answer_known(known, scope, receive, send):
            await self._app(scope, receive, send)
