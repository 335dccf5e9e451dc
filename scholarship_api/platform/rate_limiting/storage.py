"""Sliding-window counters for several buckets at once: all of them count a request, or none does.

The engine is `limits.aio`: its storages, its key layout and its counting rule. Its own calls take
one bucket each, so that asking for two buckets and their state would be four round trips, and a
request that the second bucket refuses would have been counted by the first.
"""

import asyncio
import functools
import hashlib
import itertools
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import redis.asyncio
import redis.exceptions
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from scholarship_api.platform.timeouts import Patience

STRATEGY: Final = "sliding-window-counter"

ATTEMPT_SECONDS: Final = 0.2

CONNECT_SECONDS: Final = 2.0
"""For the six round trips of a new connection, which no request has to wait for."""

BACKEND_ERRORS: Final = (redis.exceptions.RedisError, OSError, TimeoutError, EOFError)

Reply = Any
"""Of the Redis protocol: integers, bytes and lists of replies."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A counter: what it counts, for whom, and how many it allows."""

    group: str
    identity: str
    limit: RateLimitItem


@dataclass(frozen=True, slots=True)
class Window:
    """The state of a bucket after a request has or has not been counted."""

    bucket: Bucket
    previous_count: int
    previous_seconds: float
    """Until the previous window has left the sliding one."""
    current_count: int
    current_seconds: float
    """Until the current window becomes the previous one."""

    @property
    def remaining(self) -> int:
        """How many requests would pass now."""
        limit = self.bucket.limit
        previous = math.floor(self.previous_count * self.previous_seconds / limit.get_expiry())
        return max(limit.amount - previous - self.current_count, 0)

    @property
    def seconds_to_wait(self) -> float:
        """Until the next request would pass; 0 when it would pass now."""
        if self.remaining:
            return 0.0
        length, amount = self.bucket.limit.get_expiry(), self.bucket.limit.amount
        free = amount - self.current_count
        if free > 0:
            # floor(previous * s / length) < free from s < free * length / previous on
            return self.previous_seconds - free * length / self.previous_count
        full = amount * length / self.current_count if self.current_count else length
        return self.current_seconds + max(length - full, 0)

    @property
    def seconds_to_reset(self) -> float:
        """Until the sliding window has let go of more than now."""
        return self.current_seconds or float(self.bucket.limit.get_expiry())


@dataclass(frozen=True, slots=True)
class Count:
    passed: bool
    windows: tuple[Window, ...]


class Windows(Protocol):
    async def hit(self, buckets: Sequence[Bucket]) -> Count:
        """Count one request in all buckets if each has room for it, in one step."""

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        """Take back one counted request from each bucket, as long as its window is the current."""

    async def close(self) -> None: ...


# --- In this process -------------------------------------------------------------------------


class LocalWindows:
    """For development and tests: each process counts for itself."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._lock = asyncio.Lock()

    async def hit(self, buckets: Sequence[Bucket]) -> Count:
        async with self._lock:
            passed = True
            for bucket in buckets:
                passed = passed and await self._limiter.test(bucket.limit, *_identifiers(bucket))
            if passed:
                for bucket in buckets:
                    await self._limiter.hit(bucket.limit, *_identifiers(bucket))
            return Count(passed, tuple([await self._window(bucket) for bucket in buckets]))

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        async with self._lock:
            for bucket in buckets:
                key = bucket.limit.key_for(*_identifiers(bucket))
                expiry = bucket.limit.get_expiry()
                _, current_key = self._storage.sliding_window_keys(key, expiry, time.time())
                await self._storage.decr(current_key)

    async def _window(self, bucket: Bucket) -> Window:
        expiry = bucket.limit.get_expiry()
        key = bucket.limit.key_for(*_identifiers(bucket))
        previous, previous_ttl, current, ttl = await self._storage.get_sliding_window(key, expiry)
        return Window(bucket, previous, previous_ttl, current, ttl - expiry)

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
_PACKED: Final = 2048
"""Commands that are kept, of 400 bytes each: to pack one takes 20 us, a third of a verdict."""


class _Storage(RedisStorage):
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


class SharedWindows:
    """In Redis or Valkey; one round trip for each request, and one write for all that coincide.

    `hit` raises one of BACKEND_ERRORS after two attempts of ATTEMPT_SECONDS each at most. Under
    load a command of redis-py's pool costs 80-140 us of CPU, one that shares its write about 20.
    """

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        # limits would ask for another client for valkey://, and for coredis without a name.
        self._storage = _Storage(
            f"async+{scheme.replace('valkey', 'redis')}://{rest}",
            implementation="redispy",
            key_prefix=STRATEGY,
            protocol=2,  # RESP3 adds handshakes that Valkey refuses
            socket_timeout=None,  # type: ignore[arg-type] # each use has its own deadline
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # ours is below
        )
        self._packer = self._new_connection()  # which is never connected
        self._packed = functools.lru_cache(maxsize=_PACKED)(self._command)
        self._pipeline: _Pipeline | None = None
        self._connecting: asyncio.Task[_Pipeline] | None = None

    async def connect(self) -> None:
        """Connect and load the script; or raise one of BACKEND_ERRORS within CONNECT_SECONDS."""
        if self._pipeline is None or self._pipeline.closed:
            await asyncio.shield(self._connection())

    async def hit(self, buckets: Sequence[Bucket]) -> Count:
        buckets = tuple(buckets)
        try:
            reply = await self._attempt(buckets)
        except BACKEND_ERRORS:
            reply = await self._attempt(buckets)
        return Count(
            bool(reply[0]),
            tuple(
                Window(
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
        patience = Patience(ATTEMPT_SECONDS)
        pipeline = self._pipeline
        if pipeline is None or pipeline.closed:
            pipeline = await patience.wait(self._connection())
        await patience.wait(pipeline.call(self._pack("EVAL", _REFUND, len(keys), *keys)))

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

    def _pack(self, *command: str | int) -> bytes:
        return b"".join(self._packer.pack_command(*command))

    def _command(self, buckets: tuple[Bucket, ...]) -> bytes:
        return self._pack("EVALSHA", _SCRIPT_SHA1, *self._arguments(buckets))

    async def _attempt(self, buckets: tuple[Bucket, ...]) -> Reply:
        patience = Patience(ATTEMPT_SECONDS)
        pipeline = self._pipeline
        if pipeline is None or pipeline.closed:
            pipeline = await patience.wait(self._connection())
        try:
            try:
                return await patience.wait(pipeline.call(self._packed(buckets)))
            except redis.exceptions.NoScriptError:  # SCRIPT FLUSH, or a restart
                command = self._pack("EVAL", _SCRIPT, *self._arguments(buckets))
                return await patience.wait(pipeline.call(command))
        except TimeoutError as error:
            await pipeline.close(error)  # whoever else waits on that connection waits in vain
            raise

    def _new_connection(self) -> "redis.asyncio.Connection":
        pool = self._storage.client.connection_pool
        return cast("redis.asyncio.Connection", pool.make_connection())  # type: ignore[no-untyped-call]

    def _connection(self) -> "asyncio.Task[_Pipeline]":
        """The attempt to connect that is under way; it goes on when its waiters give up."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="rate limit connection")
            self._connecting.add_done_callback(self._connected_or_failed)
        return self._connecting

    def _connected_or_failed(self, task: "asyncio.Task[_Pipeline]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:  # else its waiters hear of it
            self._pipeline = task.result()

    async def _connect(self) -> "_Pipeline":
        connection = self._new_connection()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SCRIPT LOAD", _SCRIPT)
                await connection.read_response()
                return _Pipeline(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise


class _Pipeline:
    """One connection, on which the commands of many requests travel together.

    The commands of one turn of the event loop leave in one write, and do not wait for the answers
    to earlier ones. Answers come in the order of the commands.
    """

    def __init__(self, connection: "redis.asyncio.Connection") -> None:
        self.closed = False
        self._connection = connection
        self._unsent: list[bytes] = []
        self._unanswered: deque[asyncio.Future[Reply]] = deque()
        self._reader = asyncio.create_task(self._read(), name="rate limit answers")
        self._sender: asyncio.Task[None] | None = None

    def call(self, command: bytes) -> "asyncio.Future[Reply]":
        """The answer to come. To be cancelled when nobody wants it any more."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.closed:
            answer.set_exception(redis.exceptions.ConnectionError("closed"))
            return answer
        self._unsent.append(command)
        self._unanswered.append(answer)
        if len(self._unsent) == 1:
            self._sender = asyncio.create_task(self._send(), name="rate limit commands")
        return answer

    async def _send(self) -> None:
        commands, self._unsent = self._unsent, []
        if self.closed:  # sending would open the connection again
            return
        try:
            await self._connection.send_packed_command(b"".join(commands), check_health=False)
        except BACKEND_ERRORS as error:
            await self.close(error)

    async def close(self, reason: BaseException) -> None:
        if not self.closed:
            self.closed = True
            self._reader.cancel()
            self._fail(reason)
            await self._connection.disconnect(nowait=True)

    def _fail(self, reason: BaseException) -> None:
        self.closed = True
        while self._unanswered:
            answer = self._unanswered.popleft()
            if not answer.done():
                answer.set_exception(redis.exceptions.ConnectionError(type(reason).__name__))

    async def _read(self) -> None:
        try:
            while True:
                try:
                    reply = await self._connection.read_response(
                        disable_decoding=True, timeout=math.inf
                    )
                except redis.exceptions.ResponseError as error:
                    reply = error
                answer = self._unanswered.popleft()
                if answer.done():  # its request has given up
                    continue
                if isinstance(reply, Exception):
                    answer.set_exception(reply)
                else:
                    answer.set_result(reply)
        except BACKEND_ERRORS as error:
            self._fail(error)
            await self._connection.disconnect(nowait=True)
