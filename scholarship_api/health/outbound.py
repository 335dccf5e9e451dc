"""Whether the hosts of OUTBOUND_CHECK_URLS can be reached from here."""

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

    async def ask(self) -> None:
        """Raises Unhealthy with the first one's reason."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=DEADLINE_SECONDS)
        client = self._client
        outcomes = await asyncio.gather(*(_reach(client, url) for url in self._urls))
        for reason in outcomes:
            if reason is not None:
                raise Unhealthy(reason)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


async def _reach(client: httpx.AsyncClient, url: str) -> str | None:
    """None when the host answers, whatever it says as long as it is no fault of its own."""
    try:
        async with client.stream("GET", url) as response:
            return "bad_answer" if response.status_code >= _SERVER_ERROR else None
    except httpx.TimeoutException:
        return "timeout"
    except httpx.HTTPError:
        return "unreachable"
