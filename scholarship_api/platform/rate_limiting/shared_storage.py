"""Buckets in Redis or Valkey, for all workers together: a server, Sentinel's primary, or a Cluster.

One round trip for each request, and one write for all requests that coincide. A Cluster is learnt
from its redirections: the node of a slot is asked for the first time when a bucket in that slot is
counted. This needs no further commands, and a plain redis:// URL to a node works as well.
"""

import asyncio
import functools
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import redis.exceptions
from limits import RateLimitItemPerSecond
from redis.crc import key_slot

from scholarship_api.platform.rate_limiting import scripts
from scholarship_api.platform.rate_limiting.buckets import Bucket, BucketState, Hit
from scholarship_api.platform.rate_limiting.errors import (
    BACKEND_ERRORS,
    SlotMovesError,
    is_of_other_server,
)
from scholarship_api.platform.rate_limiting.pipeline import Pipeline, Reply
from scholarship_api.platform.rate_limiting.servers import Servers, pack
from scholarship_api.platform.timeouts import SlicedTimeout
from scholarship_api.settings.redis_url import Address, read_redis_url

STRATEGY: Final = "sliding-window-counter"
"""The prefix of all keys."""

ATTEMPT_SECONDS: Final = 0.2
"""For one attempt to count a request; a second attempt follows the first."""

TRY_AGAIN_SECONDS: Final = 0.02
"""The pause before a Cluster is asked again which is moving a bucket's slot at this moment."""

REDIRECTIONS: Final = 20
"""How often one attempt may be sent on. A slot that has moved takes one redirection. While a slot
is moving, a Cluster refuses commands with several keys of it, for a few milliseconds as a rule."""

_PACKED_COMMANDS: Final = 2048
"""How many packed commands are kept, of 400 bytes each. Packing one takes 6 us: 6 % of the CPU of a
limited answer from the cache."""

_ASKING: Final = pack(("ASKING",))
_CHECK: Final = (
    Bucket("readiness", "readiness", RateLimitItemPerSecond(1_000_000)),  # never exhausted
)


class _Link:
    """The connection to one server, opened again when it was lost."""

    def __init__(self, servers: Servers, address: Address | None) -> None:
        self.address = address
        """None for the server that the URL leads to."""
        self._servers = servers
        self._pipeline: Pipeline | None = None
        self._connecting: asyncio.Task[Pipeline] | None = None

    @property
    def is_lost(self) -> bool:
        return self._pipeline is None or self._pipeline.closed

    async def connect(self) -> None:
        """Raises one of BACKEND_ERRORS; sets no deadline of its own."""
        if self.is_lost:
            await asyncio.shield(self._connection())

    async def call(self, time_left: SlicedTimeout, *commands: bytes) -> Reply:
        """The answer to the last of the commands."""
        pipeline = self._pipeline
        if pipeline is None or pipeline.closed:
            pipeline = await time_left.wait(self._connection())
        answers = [pipeline.call(command) for command in commands]
        try:
            return await time_left.wait(answers[-1])
        except TimeoutError as error:
            await pipeline.close(error)  # every other command on that connection waits in vain
            self._servers.try_last(pipeline.address)
            raise
        except redis.exceptions.RedisError as error:
            if is_of_other_server(error):
                await pipeline.close(error)
            raise
        finally:
            for answer in answers[:-1]:
                answer.cancel()

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._pipeline is not None:
            await self._pipeline.close(redis.exceptions.ConnectionError("closed"))

    def _connection(self) -> "asyncio.Task[Pipeline]":
        """The attempt to connect that is in flight; it goes on when its waiters give up."""
        if self._connecting is None:
            opening = (
                self._servers.open()
                if self.address is None
                else self._servers.open_at(self.address)
            )
            self._connecting = asyncio.create_task(opening, name="rate limit connection")
            self._connecting.add_done_callback(self._connected_or_failed)
        return self._connecting

    def _connected_or_failed(self, task: "asyncio.Task[Pipeline]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:  # an error is raised to the waiters
            self._pipeline = task.result()


class SharedStorage:
    """`hit` raises one of BACKEND_ERRORS after two attempts of ATTEMPT_SECONDS each at most.

    It raises SlotMovesError for a client whose slot moves for longer.
    """

    def __init__(self, url: str) -> None:
        self._servers = Servers(read_redis_url(url), check=_arguments(_CHECK))
        self._main = _Link(self._servers, None)
        self._nodes: dict[Address, _Link] = {}
        self._node_of_slot: dict[int, Address] = {}
        self._is_cluster = False
        self._packed_command = functools.lru_cache(maxsize=_PACKED_COMMANDS)(_pack_command)

    async def connect(self) -> None:
        """Connect and run the script; or raise one of BACKEND_ERRORS within CONNECT_SECONDS."""
        await self._main.connect()

    async def check(self) -> None:
        """Count as a request does, in a bucket of its own. Raises one of BACKEND_ERRORS."""
        await self.connect()
        await self.hit(_CHECK)

    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        """Count one request in all buckets if each has room for it, in one step.

        A Cluster counts the buckets of each client in one step. Where a request has buckets of
        several clients, those that have counted are refunded when a later one refuses.
        """
        buckets = tuple(buckets)
        if not self._is_cluster:
            with suppress(redis.exceptions.ClusterCrossSlotError):
                return await self._hit(buckets)
            self._is_cluster = True
        groups = _by_tag(buckets)
        hits: list[Hit] = []
        for position, group in enumerate(groups):
            hits.append(await self._hit(group))
            if not hits[-1].allowed:
                await self.refund([bucket for each in groups[:position] for bucket in each])
                break
        states = tuple(state for hit in hits for state in hit.states)
        return Hit(all(hit.allowed for hit in hits), states)

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        """Take back one counted request from each bucket, as long as its window is the current.

        Takes one attempt of ATTEMPT_SECONDS for each client. Raises one of BACKEND_ERRORS.
        """
        for group in _by_tag(tuple(buckets)):
            keys = [_keys(bucket)[1] for bucket in group]
            command = pack(("EVAL", scripts.REFUND, len(keys), *keys))
            await self._attempt(group[0].hash_tag, command)

    async def close(self) -> None:
        for link in (self._main, *self._nodes.values()):
            await link.close()

    async def _hit(self, buckets: tuple[Bucket, ...]) -> Hit:
        def with_script() -> bytes:
            return pack(("EVAL", scripts.COUNT, *_arguments(buckets)))

        tag, command = buckets[0].hash_tag, self._packed_command(buckets)
        try:
            reply = await self._attempt(tag, command, with_script)
        except (redis.exceptions.ClusterCrossSlotError, SlotMovesError):
            raise
        except BACKEND_ERRORS:
            reply = await self._attempt(tag, command, with_script)
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

    async def _attempt(
        self, tag: str, command: bytes, with_script: Callable[[], bytes] | None = None
    ) -> Reply:
        """The answer of the node that has the tag's slot; follows the redirections of a Cluster.

        `with_script` makes the command for a server that has not loaded the script.
        """
        time_left = SlicedTimeout(ATTEMPT_SECONDS)
        link, asking = self._link_of(tag), False
        error: redis.exceptions.ResponseError | None = None
        for _ in range(REDIRECTIONS):
            try:
                return await link.call(time_left, *([_ASKING] if asking else []), command)
            except redis.exceptions.NoScriptError:  # SCRIPT FLUSH, or a restart
                if with_script is None:
                    raise
                command = with_script()
            except redis.exceptions.MovedError as moved:
                error, asking = moved, False
                self._is_cluster = True
                self._node_of_slot[moved.slot_id] = self._address_of(moved)
                link = self._link_of(tag)
            except redis.exceptions.AskError as ask:
                error, asking = ask, True
                link = self._node(self._address_of(ask))
            except redis.exceptions.TryAgainError as again:
                error, asking = again, False
                link = self._link_of(tag)
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            except BACKEND_ERRORS:
                self._forget_slots_of(link)
                raise
        raise SlotMovesError from error

    def _link_of(self, tag: str) -> _Link:
        """The connection to the node of a Cluster, or else to the server that the URL leads to."""
        if self._node_of_slot and (address := self._node_of_slot.get(key_slot(tag.encode()))):
            return self._node(address)
        return self._main

    def _node(self, address: Address) -> _Link:
        return self._nodes.setdefault(address, _Link(self._servers, address))

    def _address_of(self, redirection: redis.exceptions.AskError) -> Address:
        # Without a host it is the one that was asked, on another port.
        return redirection.host or self._servers.first_host, redirection.port

    def _forget_slots_of(self, link: _Link) -> None:
        """Ask the other nodes who has the slots of a node that was lost."""
        if link.is_lost:
            self._node_of_slot = {
                slot: address
                for slot, address in self._node_of_slot.items()
                if address != link.address
            }


def _by_tag(buckets: tuple[Bucket, ...]) -> list[tuple[Bucket, ...]]:
    groups: dict[str, list[Bucket]] = {}
    for bucket in buckets:
        groups.setdefault(bucket.hash_tag, []).append(bucket)
    return [tuple(group) for group in groups.values()]


def _keys(bucket: Bucket) -> tuple[str, str]:
    """The keys of the previous and the current window; the hash tag decides the Cluster's slot."""
    current = (
        f"{STRATEGY}:{{{bucket.hash_tag}}}:{bucket.limit.key_for(bucket.group, bucket.identity)}"
    )
    return f"{current}/-1", current


def _arguments(buckets: tuple[Bucket, ...]) -> tuple[str | int, ...]:
    """Number of keys, keys and arguments of the counting script."""
    keys = [key for bucket in buckets for key in _keys(bucket)]
    limits = [
        number
        for bucket in buckets
        for number in (bucket.limit.amount, bucket.limit.get_expiry() * 1000)
    ]
    return (len(keys), *keys, *limits)


def _pack_command(buckets: tuple[Bucket, ...]) -> bytes:
    return pack(("EVALSHA", scripts.COUNT_SHA1, *_arguments(buckets)))
