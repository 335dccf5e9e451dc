"""Where buckets are counted: in this process, or in Redis for all workers together.

The engine is `limits.aio`: its storages, its key layout and its counting rule. Its own calls take
one bucket each: two buckets and their states would be four round trips, and a request that the
second bucket refuses would already have been counted by the first.
"""

import asyncio
import functools
import hashlib
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

import hiredis
import redis.asyncio
import redis.exceptions
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from scholarship_api.platform.rate_limiting.buckets import Bucket, BucketState, Hit
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS
from scholarship_api.platform.rate_limiting.pipeline import Pipeline, Reply
from scholarship_api.platform.timeouts import SlicedTimeout

STRATEGY: Final = "sliding-window-counter"

ATTEMPT_SECONDS: Final = 0.2
"""For one attempt to count a request; a second attempt follows the first."""

CONNECT_SECONDS: Final = 2.0
"""For the six round trips of a new connection, which no request waits for."""


class WindowStorage(Protocol):
    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        """Count one request in all buckets if each has room for it, in one step."""

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        """Take back one counted request from each bucket, as long as its window is the current."""

    async def close(self) -> None: ...


# --- In this process -------------------------------------------------------------------------


class InMemoryStorage:
    """For development and tests: each process counts for itself."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._lock = asyncio.Lock()

    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        async with self._lock:
            allowed = True
            for bucket in buckets:
                allowed = allowed and await self._limiter.test(bucket.limit, *_identifiers(bucket))
            if allowed:
                for bucket in buckets:
                    await self._limiter.hit(bucket.limit, *_identifiers(bucket))
            return Hit(allowed, tuple([await self._state(bucket) for bucket in buckets]))

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        async with self._lock:
            for bucket in buckets:
                key = bucket.limit.key_for(*_identifiers(bucket))
                expiry = bucket.limit.get_expiry()
                _, current_key = self._storage.sliding_window_keys(key, expiry, time.time())
                await self._storage.decr(current_key)

    async def _state(self, bucket: Bucket) -> BucketState:
        expiry = bucket.limit.get_expiry()
        key = bucket.limit.key_for(*_identifiers(bucket))
        previous, previous_ttl, current, ttl = await self._storage.get_sliding_window(key, expiry)
        return BucketState(bucket, previous, previous_ttl, current, ttl - expiry)

    async def close(self) -> None:
        await self._storage.reset()


def _identifiers(bucket: Bucket) -> tuple[str, str]:
    return bucket.group, bucket.identity


# --- Shared by all workers -------------------------------------------------------------------

# The rule of limits/resources/redis/lua_scripts/acquire_sliding_window.lua, for any number of
# buckets. KEYS: previous and current window of each. ARGV: its limit and length in milliseconds.
_SCRIPT: Final = """
local answer = {1}
for i = 1, #KEYS, 2 do
    local limit, length = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local ttl = redis.call('pttl', KEYS[i + 1])
    if ttl > 0 and ttl < length then
        redis.call('rename', KEYS[i + 1], KEYS[i])
        redis.call('set', KEYS[i + 1], 0, 'PX', ttl + length)
        ttl = ttl + length
    end
    local previous = tonumber(redis.call('get', KEYS[i])) or 0
    local previous_ttl = math.max(redis.call('pttl', KEYS[i]), 0)
    local current = tonumber(redis.call('get', KEYS[i + 1])) or 0
    if math.floor(previous * previous_ttl / length) + current + 1 > limit then
        answer[1] = 0
    end
    table.insert(answer, previous)
    table.insert(answer, previous_ttl)
    table.insert(answer, current)
    table.insert(answer, math.max(ttl - length, 0))
end
if answer[1] == 1 then
    for i = 1, #KEYS, 2 do
        if redis.call('exists', KEYS[i + 1]) == 1 then
            redis.call('incr', KEYS[i + 1])
        else
            redis.call('set', KEYS[i + 1], 1, 'PX', 2 * ARGV[i + 1])
            answer[2 * i + 3] = tonumber(ARGV[i + 1])
        end
        answer[2 * i + 2] = answer[2 * i + 2] + 1
    end
end
return answer
"""

# KEYS: the current window of each bucket.
_REFUND: Final = """
for i = 1, #KEYS do
    if (tonumber(redis.call('get', KEYS[i])) or 0) > 0 then
        redis.call('decr', KEYS[i])
    end
end
return #KEYS
"""

_SCRIPT_SHA1: Final = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()

_PACKED_COMMANDS: Final = 2048
"""How many packed commands are kept, of 400 bytes each. Packing one takes 6 us: 6 % of the CPU of a
limited answer from the cache."""


# hiredis annotates a tuple of one element.
_pack = cast("Callable[[tuple[str | int, ...]], bytes]", hiredis.pack_command)


class _RedisStorage(RedisStorage):
    """limits' storage, for its URL handling, its connections and its keys."""

    STORAGE_SCHEME: list[str] | None = None  # type: ignore[assignment] # registers nothing
    bridge: RedispyBridge

    @property
    def client(self) -> "redis.asyncio.Redis":
        return cast("redis.asyncio.Redis", self.bridge.get_connection())

    def keys(self, bucket: Bucket) -> tuple[str, str]:
        key = bucket.limit.key_for(*_identifiers(bucket))
        return (
            self.bridge.prefixed_key(self._previous_window_key(key)),
            self.bridge.prefixed_key(self._current_window_key(key)),
        )


class SharedStorage:
    """In Redis or Valkey: one round trip for each request, one write for all that coincide.

    `hit` raises one of BACKEND_ERRORS after two attempts of ATTEMPT_SECONDS each at most.
    """

    def __init__(self, url: str) -> None:
        # Without the name of the client, limits would ask for coredis.
        self._storage = _RedisStorage(
            f"async+{url}",
            implementation="redispy",
            key_prefix=STRATEGY,
            protocol=2,  # RESP3 adds handshakes that Valkey refuses
            socket_timeout=None,  # type: ignore[arg-type] # each use has its own deadline
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # ours is below
        )
        self._packed_command = functools.lru_cache(maxsize=_PACKED_COMMANDS)(self._pack_command)
        self._pipeline: Pipeline | None = None
        self._connecting: asyncio.Task[Pipeline] | None = None

    async def connect(self) -> None:
        """Connect and load the script; or raise one of BACKEND_ERRORS within CONNECT_SECONDS."""
        if self._pipeline is None or self._pipeline.closed:
            await asyncio.shield(self._connection())

    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        buckets = tuple(buckets)
        try:
            reply = await self._attempt(buckets)
        except BACKEND_ERRORS:
            reply = await self._attempt(buckets)
        return Hit(
            bool(reply[0]),
            tuple(
                BucketState(
                    bucket,
                    previous_count=reply[i],
                    previous_seconds=reply[i + 1] / 1000,
                    current_count=reply[i + 2],
                    current_seconds=reply[i + 3] / 1000,
                )
                for bucket, i in zip(buckets, itertools.count(1, 4), strict=False)
            ),
        )

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        """Takes one attempt of ATTEMPT_SECONDS at most. Raises one of BACKEND_ERRORS."""
        keys = [self._storage.keys(bucket)[1] for bucket in buckets]
        timeout = SlicedTimeout(ATTEMPT_SECONDS)
        pipeline = self._pipeline
        if pipeline is None or pipeline.closed:
            pipeline = await timeout.wait(self._connection())
        await timeout.wait(pipeline.call(_pack(("EVAL", _REFUND, len(keys), *keys))))

    async def ping(self) -> None:
        """Ask over a connection of its own. Raises one of BACKEND_ERRORS; sets no deadline."""
        await self._storage.client.ping()

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._pipeline is not None:
            await self._pipeline.close(redis.exceptions.ConnectionError("closed"))
        await self._storage.client.aclose()

    def _arguments(self, buckets: tuple[Bucket, ...]) -> tuple[str | int, ...]:
        keys = [key for bucket in buckets for key in self._storage.keys(bucket)]
        limits = [
            number
            for bucket in buckets
            for number in (bucket.limit.amount, bucket.limit.get_expiry() * 1000)
        ]
        return (len(keys), *keys, *limits)

    def _pack_command(self, buckets: tuple[Bucket, ...]) -> bytes:
        return _pack(("EVALSHA", _SCRIPT_SHA1, *self._arguments(buckets)))

    async def _attempt(self, buckets: tuple[Bucket, ...]) -> Reply:
        timeout = SlicedTimeout(ATTEMPT_SECONDS)
        pipeline = self._pipeline
        if pipeline is None or pipeline.closed:
            pipeline = await timeout.wait(self._connection())
        try:
            try:
                return await timeout.wait(pipeline.call(self._packed_command(buckets)))
            except redis.exceptions.NoScriptError:  # SCRIPT FLUSH, or a restart
                command = _pack(("EVAL", _SCRIPT, *self._arguments(buckets)))
                return await timeout.wait(pipeline.call(command))
        except TimeoutError as error:
            await pipeline.close(error)  # every other command on that connection waits in vain
            raise

    def _connection(self) -> "asyncio.Task[Pipeline]":
        """The attempt to connect that is in flight; it goes on when its waiters give up."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="rate limit connection")
            self._connecting.add_done_callback(self._connected_or_failed)
        return self._connecting

    def _connected_or_failed(self, task: "asyncio.Task[Pipeline]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:  # an error is raised to the waiters
            self._pipeline = task.result()

    async def _connect(self) -> Pipeline:
        pool = self._storage.client.connection_pool
        connection = cast(
            "redis.asyncio.Connection",
            pool.make_connection(),  # type: ignore[no-untyped-call]
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SCRIPT LOAD", _SCRIPT)
                await connection.read_response()
                return Pipeline(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
