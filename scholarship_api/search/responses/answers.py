"""The answer to a request: from the response cache while it is true, else produced.

All requests for the same thing get the same answer: GET or POST, parameters in any order. A cached
answer stays true over writes that do not concern it, see `basis`.
"""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.activity.searches.recording import CountedSearch, SearchRecorder
from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.model import microseconds
from scholarship_api.catalogue.versions import CatalogueVersions, Version
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import REQUEST_SECONDS, Database
from scholarship_api.platform.http.rate_limiting import client_identity
from scholarship_api.platform.http.request_context import route_template
from scholarship_api.search import metrics
from scholarship_api.search.basis import Basis
from scholarship_api.search.current_rules import CurrentRules
from scholarship_api.search.items import ItemCache
from scholarship_api.search.responses.json_response import (
    Headers,
    RenderedJson,
    RenderedJsonResponse,
)
from scholarship_api.search.responses.response_cache import (
    CachedResponse,
    CachedRoute,
    ResponseCache,
)
from scholarship_api.search.snapshot import CatalogueVersion, Snapshot, SnapshotCaches


class Produced(NamedTuple):
    """The JSON of a response."""

    body: bytes
    basis: Basis | None = None
    """The basis of the response; None if any write may change it."""
    counted: CountedSearch | None = None
    """The search that analytics count each time that it is sent, if any."""


Producer = Callable[[Snapshot], Awaitable[Produced]]
_Result = TypeVar("_Result")


class Part(NamedTuple):
    """One of several answers in one response."""

    producer: Producer
    response_key: str | None
    """None for an answer that says something about a person."""


_VERSION_KEY: Final = "catalogue_version"
"""The scope key of the catalogue's version, or of the exception that reading it has raised, and of
the time when it was read. The fast path leaves it for the route."""
_NO_STORE: Final = (b"cache-control", b"no-store")
CACHED_ROUTE_KEY: Final = "cached_route"
"""The scope key of the CachedRoute that the route leaves for the fast path."""


class Answers:
    """One per process, at `app.state.answers`."""

    def __init__(
        self,
        *,
        database: Database,
        versions: CatalogueVersions,
        read_model: CurrentModel,
        recorder: SearchRecorder,
    ) -> None:
        self.cache = ResponseCache()
        self._snapshot_caches = SnapshotCaches()
        self._database = database
        self._versions = versions
        self._read_model = read_model
        self._items = ItemCache()
        self._rules = CurrentRules(database.fetch, versions)
        self._recorder = recorder
        self._in_flight: dict[tuple[int, str], asyncio.Future[CachedResponse]] = {}

    async def answer(
        self,
        request: Request,
        producer: Producer,
        *,
        response_key: str,
        headers: Headers = (),
    ) -> Response:
        """The response for `response_key`: cached and still true, or produced by `producer`.

        Raises what `producer` raises, and DatabaseUnavailable.
        """
        scope = request.scope
        version, started_at = await self._version(scope)
        cached = await self._cached(response_key, version)
        response = cached or await self._produce(producer, version, response_key, started_at)
        if response.counted is not None:
            self._recorder.record(response.counted, client=client_identity(scope))
        if scope["method"] == "GET" and scope[CREDENTIALS_KEY] is None:
            scope[CACHED_ROUTE_KEY] = CachedRoute(response_key, route_template(scope), ())
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache" if cached else "database", seconds=seconds)
        return RenderedJsonResponse(response.rendered, seconds=seconds, headers=headers)

    async def private_answer(
        self,
        request: Request,
        producer: Producer,
        *,
        headers: Headers = (),
    ) -> Response:
        """The response to a request that says something about a person. It is produced anew each
        time: nothing that the request says is part of a key, and no cache may keep the response.

        Raises what `producer` raises, and DatabaseUnavailable.
        """
        scope = request.scope
        started_at = time.perf_counter()
        produced = await self.run(request, producer)
        if produced.counted is not None:
            self._recorder.record(produced.counted, client=client_identity(scope))
        seconds = time.perf_counter() - started_at
        return RenderedJsonResponse(
            RenderedJson.of(produced.body), seconds=seconds, headers=(*headers, _NO_STORE)
        )

    async def several(self, request: Request, parts: Sequence[Part]) -> Response:
        """A response with `results`, all of one version of the catalogue.

        Together they have the time of one request. Raises what a producer raises, and
        DatabaseUnavailable.
        """
        version, started_at = await self._version(request.scope)
        bodies = []
        for part in parts:
            part_started_at = time.perf_counter()
            response = await self._response_of(part, version, started_at)
            if response.counted is not None:
                self._recorder.record(response.counted, client=client_identity(request.scope))
            bodies.append(response.rendered.body(time.perf_counter() - part_started_at))
        is_private = any(part.response_key is None for part in parts)
        return Response(
            b'{"results":[%b]}' % b",".join(bodies),
            media_type="application/json",
            headers={"Cache-Control": "no-store"} if is_private else None,
        )

    async def _response_of(self, part: Part, version: Version, started_at: float) -> CachedResponse:
        part_started_at = time.perf_counter()
        cached = None
        if part.response_key is None:
            with deadline(REQUEST_SECONDS - (part_started_at - started_at)):
                produced = await part.producer(self._snapshot(version))
            response = _response(produced, version)
        else:
            cached = await self._cached(part.response_key, version)
            response = cached or await self._produce(
                part.producer, version, part.response_key, started_at
            )
        metrics.observe_search(
            source="cache" if cached else "database",
            seconds=time.perf_counter() - part_started_at,
        )
        return response

    async def run(
        self, request: Request, search: Callable[[Snapshot], Awaitable[_Result]]
    ) -> _Result:
        """The result of a search of the present catalogue, which is kept nowhere.

        Raises what `search` raises, and DatabaseUnavailable.
        """
        version, started_at = await self._version(request.scope)
        seconds_left = REQUEST_SECONDS - (time.perf_counter() - started_at)
        with deadline(seconds_left):
            result = await search(self._snapshot(version))
        metrics.observe_search(source="database", seconds=time.perf_counter() - started_at)
        return result

    async def cached_answer(
        self, route: CachedRoute, scope: Scope
    ) -> tuple[RenderedJson, float] | None:
        """The cached response of a route, and the seconds that this took.

        None if it has to be produced; the caller then passes the request on.
        """
        started_at = time.perf_counter()
        try:
            version = await self._versions.current()
            response = self.cache.get(route.response_key)
            if response is None or response.version.number >= version.number:
                cached = response
            else:
                cached = await self._checked(route.response_key, response, version)
        except Exception as error:  # noqa: BLE001 - the route raises it
            scope[_VERSION_KEY] = error, started_at
            return None
        if cached is None:
            scope[_VERSION_KEY] = version, started_at
            return None
        if cached.counted is not None:
            self._recorder.record(cached.counted, client=client_identity(scope))
        seconds = time.perf_counter() - started_at
        metrics.observe_search(source="cache", seconds=seconds)
        return cached.rendered, seconds

    async def _version(self, scope: Scope) -> tuple[Version, float]:
        """The version of the catalogue, which is read once for each request."""
        if _VERSION_KEY not in scope:
            started_at = time.perf_counter()
            return await self._versions.current(), started_at
        version, started_at = scope[_VERSION_KEY]
        if isinstance(version, Exception):
            raise version
        return version, started_at

    async def _cached(self, response_key: str, version: Version) -> CachedResponse | None:
        """The cached response, if it is true at this version or a later one.

        Raises DatabaseUnavailable.
        """
        response = self.cache.get(response_key)
        if response is None or response.version.number >= version.number:
            return response
        return await self._checked(response_key, response, version)

    async def _checked(
        self, response_key: str, response: CachedResponse, version: Version
    ) -> CachedResponse | None:
        """The response of an older version, if it is still true at this one."""
        async with response.checking:
            if response.version.number < version.number:
                with deadline(REQUEST_SECONDS):
                    is_true = await self._is_still_true(response, version)
                if not is_true:
                    self.cache.discard(response_key, response)
                    return None
                response.version = version
        return response

    async def _is_still_true(self, response: CachedResponse, version: Version) -> bool:
        basis, since = response.basis, response.version
        if basis is None or _conditions(version) != _conditions(since):
            return False
        model = await self._read_model.at(version)
        closing = model.next_closing(since.at)
        if closing is not None and closing < microseconds(version.at):
            return False
        changed = self._read_model.changes.since(basis.revision)
        revision = self._read_model.changes.revision
        if changed is None or not await basis.is_untouched_by(
            changed, model=model, snapshot=self._snapshot(version)
        ):
            return False
        response.basis = dataclasses.replace(basis, revision=revision)
        return True

    async def snapshot(self) -> Snapshot:
        """The catalogue as it is now, for what is no answer of JSON. Raises DatabaseUnavailable."""
        return self._snapshot(await self._versions.current())

    def _snapshot(self, version: Version) -> Snapshot:
        return Snapshot(
            self._database.read,
            version.at,
            self._snapshot_caches.of(version),
            CatalogueVersion(self._read_model, version),
            self._items,
            self._rules,
        )

    async def _produce(
        self, producer: Producer, version: Version, response_key: str, started_at: float
    ) -> CachedResponse:
        """Once for all requests with this key that are in flight."""
        place = (version.number, response_key)
        while (in_flight := self._in_flight.get(place)) is not None:
            try:
                return await asyncio.shield(in_flight)
            except asyncio.CancelledError:
                if not in_flight.cancelled():
                    raise
        answer: asyncio.Future[CachedResponse] = asyncio.get_running_loop().create_future()
        self._in_flight[place] = answer
        try:
            seconds_left = REQUEST_SECONDS - (time.perf_counter() - started_at)
            with deadline(seconds_left):
                response = _response(await producer(self._snapshot(version)), version)
        except Exception as error:
            answer.set_exception(error)
            answer.exception()  # marks it as retrieved, also when no other request waits
            raise
        else:
            self.cache.put(response_key, response)
            answer.set_result(response)
            return response
        finally:
            # After a cancellation of this request, one of those that wait starts again.
            answer.cancel()
            del self._in_flight[place]


def _response(produced: Produced, version: Version) -> CachedResponse:
    return CachedResponse(RenderedJson.of(produced.body), version, produced.basis, produced.counted)


def _conditions(version: Version) -> tuple[object, ...]:
    """All that an answer rests on beside awards: its basis says which writes of these concern
    it."""
    return version.words, version.midnights, version.rules, version.rule_instants
