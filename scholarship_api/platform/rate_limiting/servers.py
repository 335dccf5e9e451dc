"""Connections to the server that counts now: the only one, Sentinel's primary, or a Cluster's node.

Each attempt to connect resolves anew, and a connection is used only after the limiter's own script
has run on it. A replica, which answers as well, is therefore never taken for the primary.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import hiredis
import redis.asyncio
import redis.exceptions
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from scholarship_api.platform.rate_limiting import scripts
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, NoPrimaryError
from scholarship_api.platform.rate_limiting.pipeline import Pipeline
from scholarship_api.settings.redis_url import Address, RedisUrl

CONNECT_SECONDS: Final = 2.0
"""For all attempts to connect, each with six round trips. No request waits for them."""

SERVER_SECONDS: Final = 0.8
"""For the attempt on one of several servers, so that a frozen one leaves time for the others."""

SENTINEL_SECONDS: Final = 0.3
"""For the question to one Sentinel. They are as near as the server itself."""


LEARNT_NODES: Final = 16
"""How many nodes of a Cluster are remembered besides those of the URL: nodes are replaced under new
addresses for as long as a process lives."""


class Servers:
    """Where the URL leads; `check` are the arguments of the counting script for a key of ours."""

    def __init__(self, url: RedisUrl, *, check: Sequence[str | int]) -> None:
        self._url = url
        self._check = pack(("EVALSHA", scripts.COUNT_SHA1, *check))
        self._tls = {"ssl_cert_reqs": "required", **url.tls_options} if url.tls else {}
        self._seeds = list(url.addresses)
        """The last good one first."""

    async def open(self) -> Pipeline:
        """A connection to the server of the URL; raises one of BACKEND_ERRORS."""
        error: BaseException = NoPrimaryError("no Sentinel knows a primary")
        end = time.monotonic() + CONNECT_SECONDS
        async for address in self._addresses():
            left = end - time.monotonic()
            if left <= 0:
                break
            is_only_one = self._url.kind != "sentinel" and len(self._seeds) == 1
            seconds = left if is_only_one else min(left, SERVER_SECONDS)
            try:
                return await self.open_at(address, seconds=seconds)
            except BACKEND_ERRORS as failure:
                error = failure
        raise error

    async def open_at(self, address: Address, *, seconds: float = SERVER_SECONDS) -> Pipeline:
        """A connection to one server, on which the script has run."""
        connection = self._connection(address)
        try:
            async with asyncio.timeout(seconds):
                await connection.connect()
                await connection.send_command("SCRIPT LOAD", scripts.COUNT)
                await connection.read_response()
                await connection.send_packed_command(self._check, check_health=False)
                # The node of a Cluster that has another slot is a server that works.
                with suppress(redis.exceptions.AskError):
                    await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        if self._url.kind != "sentinel":
            self._try_first(address)
        return Pipeline(connection, address)

    def try_last(self, address: Address) -> None:
        """Try this server after the others from now on: it has left a command without an answer."""
        if address in self._seeds:
            self._seeds.remove(address)
            self._seeds.append(address)

    @property
    def first_host(self) -> str:
        return self._seeds[0][0]

    def _try_first(self, address: Address) -> None:
        if address in self._seeds:
            self._seeds.remove(address)
        self._seeds.insert(0, address)
        learnt = [seed for seed in self._seeds if seed not in self._url.addresses]
        for seed in learnt[LEARNT_NODES:]:
            self._seeds.remove(seed)

    async def _addresses(self) -> AsyncIterator[Address]:
        if self._url.kind != "sentinel":
            for address in tuple(self._seeds):
                yield address
            return
        given: set[Address] = set()
        for sentinel in tuple(self._seeds):
            primary = await self._ask_sentinel(sentinel)
            # Another Sentinel may not have noticed the failover yet.
            if primary is not None and primary not in given:
                given.add(primary)
                self._try_first(sentinel)
                yield primary

    async def _ask_sentinel(self, sentinel: Address) -> Address | None:
        connection = self._connection(sentinel, of_sentinel=True)
        try:
            async with asyncio.timeout(SENTINEL_SECONDS):
                await connection.connect()
                await connection.send_command(
                    "SENTINEL", "get-master-addr-by-name", self._url.service
                )
                answer = await connection.read_response()
        except BACKEND_ERRORS:
            return None
        finally:
            await connection.disconnect(nowait=True)
        return (answer[0].decode(), int(answer[1])) if answer else None

    def _connection(self, address: Address, *, of_sentinel: bool = False) -> Any:  # noqa: ANN401 - redis-py's has no types
        url, parameters = self._url, self._url.parameters
        options: dict[str, Any] = {
            "db": 0 if of_sentinel else url.database,
            "username": (parameters.get("sentinel_username", "") if of_sentinel else url.username)
            or None,
            "password": (parameters.get("sentinel_password", "") if of_sentinel else url.password)
            or None,
            "protocol": 2,  # RESP3 adds handshakes that Valkey refuses
            "client_name": parameters.get("client_name"),
            "socket_timeout": None,  # each use has its own deadline
            "retry": Retry(NoBackoff(), 0),  # ours is in SharedStorage
            **self._tls,
        }
        if url.kind == "socket":
            return UnixDomainSocketConnection(path=address[0], **options)
        host, port = address
        kind = SSLConnection if url.tls else Connection
        return kind(host=host, port=port, socket_keepalive=True, **options)


def pack(command: tuple[str | int, ...]) -> bytes:
    return cast("bytes", hiredis.pack_command(command))  # type: ignore[arg-type] # any length
