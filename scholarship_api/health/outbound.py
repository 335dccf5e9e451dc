"""Checks that the hosts of OUTBOUND_CHECK_URLS can be reached from this process."""

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx

from scholarship_api.health.checks import DEADLINE_SECONDS, Unhealthy

_SERVER_ERROR: Final = 500


class OutboundHosts:
    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._client: httpx.AsyncClient | None = None

    async def check(self) -> None:
        """Raises Unhealthy with the reason of the first host that does not answer."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=DEADLINE_SECONDS)
        client = self._client
        reasons = await asyncio.gather(*(_failure(client, url) for url in self._urls))
        for reason in reasons:
            if reason is not None:
                raise Unhealthy(reason)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


async def _failure(client: httpx.AsyncClient, url: str) -> str | None:
    """The reason why the host is unhealthy; None when it answers with any status below 500."""
    try:
        async with client.stream("GET", url) as response:
            return "bad_answer" if response.status_code >= _SERVER_ERROR else None
    except httpx.TimeoutException:
        return "timeout"
    except httpx.HTTPError:
        return "unreachable"
