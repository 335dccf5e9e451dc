"""Sends one message to a receiver, within 5 s, and to a checked address only."""

import asyncio
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import httpx

from scholarship_api.webhooks import addresses

TIMEOUT_SECONDS: Final = 5.0
"""From the look-up of the name to the end of the answer."""

MAX_ANSWER_BYTES: Final = 65_536
"""Bytes of an answer that are read before the connection is closed; nothing in them counts."""

_USER_AGENT: Final = "scholarship-api-webhooks"
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_CLIENT_ERRORS: Final = range(400, 500)
_GONE: Final = 410
_TRY_LATER: Final = frozenset({408, 425, 429})


class Outcome(StrEnum):
    DELIVERED = "delivered"
    REJECTED = "rejected"
    """The receiver answers, and does not want this message: others may go through."""
    UNREACHABLE = "unreachable"
    """The receiver does not work: no other message would go through either."""
    GONE = "gone"
    """The receiver answered 410: it wants no message any more."""


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    status: int | None = None
    error: str | None = None
    """A fixed reason; never text of the receiver, of a library or an address."""


class Sender:
    """Sends messages; one per process. Connections are not kept: each is to a checked address."""

    def __init__(
        self, *, allow_private: bool = False, resolver: addresses.Resolve = addresses.resolve
    ) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._tls: ssl.SSLContext | None = None

    async def send(self, url: str, *, body: bytes, headers: dict[str, str]) -> Result:
        """POST the body. Never raises for what a receiver or its name server does."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._send(url, body, headers)
        except TimeoutError:
            return Result(Outcome.UNREACHABLE, error="timeout")
        except addresses.RefusedAddressError:
            return Result(Outcome.UNREACHABLE, error="address_not_public")
        except addresses.UnresolvedHostError:
            return Result(Outcome.UNREACHABLE, error="host_not_found")
        except httpx.ConnectError as error:
            reason = "tls_failed" if _is_of_tls(error) else "connection_failed"
            return Result(Outcome.UNREACHABLE, error=reason)
        except (httpx.HTTPError, httpx.InvalidURL):
            return Result(Outcome.UNREACHABLE, error="bad_answer")

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> Result:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await addresses.checked_address(
            host, port, allow_private=self._allow_private, resolver=self._resolver
        )
        literal = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
        target = parts._replace(netloc=f"{literal}:{port}", fragment="")
        request_headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "User-Agent": _USER_AGENT,
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            **headers,
        }
        async with (
            httpx.AsyncClient(
                verify=self._tls_context(),
                trust_env=False,  # a proxy would resolve the name again
                follow_redirects=False,
                timeout=TIMEOUT_SECONDS,
            ) as client,
            client.stream(
                "POST",
                target.geturl(),
                content=body,
                headers=request_headers,
                extensions={"sni_hostname": host},  # the certificate must be that of the host
            ) as answer,
        ):
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > MAX_ANSWER_BYTES:
                    break
            return _result(answer.status_code)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _result(status: int) -> Result:
    if status in _OK:
        return Result(Outcome.DELIVERED, status)
    if status == _GONE:
        return Result(Outcome.GONE, status, "gone")
    if status in _REDIRECTS:
        return Result(Outcome.UNREACHABLE, status, "redirect")
    if status in _CLIENT_ERRORS and status not in _TRY_LATER:
        return Result(Outcome.REJECTED, status, "rejected")
    return Result(Outcome.UNREACHABLE, status, "failed")
