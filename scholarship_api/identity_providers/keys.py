"""The public keys of one identity provider: discovered, cached, and kept while it is away.

Keys are fetched when the process starts, every MAX_AGE_SECONDS, and for tokens that name an unknown
key, once in REFRESH_SECONDS at most. Requests that need a fetch share it. Requests with known keys
never wait.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from scholarship_api.errors import ServiceUnavailable

REFRESH_SECONDS: Final = 60.0
"""Between two fetches for unknown keys. A token can name any key, so each of them must not cause a
request to the provider. Also between two attempts while the provider is away."""

RETRY_SECONDS: Final = 5.0
"""The same while no key is known and no token can be verified."""

MAX_AGE_SECONDS: Final = 3_600.0
"""For how long keys are used without a fetch: the time until a withdrawn key is forgotten."""

FETCH_SECONDS: Final = 5.0
"""For both documents together. Every request is answered within 8 s."""

MAX_DOCUMENT_BYTES: Final = 262_144
"""The largest answer of a provider. A hundred keys with certificates are about 200 kB."""

MAX_KEYS: Final = 100
MIN_RSA_BITS: Final = 2_048
"""RFC 7518, section 3.3."""

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"

_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""By the first letters of an algorithm."""

_BITS_PER_CHARACTER: Final = 6
"""The numbers of a key are written in base64url."""

_log = structlog.stdlib.get_logger(__name__)


class ProviderUnavailable(ServiceUnavailable):
    default_message = "The identity provider cannot be reached; try again shortly."


class UnknownKey(Exception):
    """The provider has no such key."""


class BadAnswer(Exception):
    """The provider answers something else than keys."""


class ProviderKeys:
    """The keys of one issuer in one process."""

    def __init__(self, issuer: str, client: httpx.AsyncClient) -> None:
        self.issuer = issuer
        self._client = client
        self._keys: Sequence[Key] = ()
        self._asked_at = -math.inf
        self._is_reachable = True
        self._fetch: asyncio.Task[None] | None = None

    async def find(
        self, key_id: str | None, algorithm: str, *, before_waiting: Callable[[], Awaitable[None]]
    ) -> Key:
        """The key that verifies a token. `before_waiting` may refuse to wait for a fetch.

        Raises UnknownKey, and ProviderUnavailable while the provider cannot be asked for the key.
        """
        key = self._find(key_id, algorithm)
        if key is None:
            await before_waiting()
            key = self._find(key_id, algorithm)  # the keys may have come meanwhile
        if key is None:
            await self._ask()
            key = self._find(key_id, algorithm)
        if key is not None:
            return key
        if self._is_reachable:
            raise UnknownKey
        raise ProviderUnavailable

    async def refresh(self) -> None:
        """Fetch the keys; a failure is logged, and the keys stay as they are."""
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._refresh(), name="keys of an identity provider")
        await asyncio.shield(self._fetch)

    async def run(self) -> None:
        """Keep the keys fresh, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(MAX_AGE_SECONDS if self._is_reachable else self._pause())

    async def close(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])

    @property
    def is_loaded(self) -> bool:
        return bool(self._keys)

    async def _ask(self) -> None:
        """Fetch the keys for an unknown one, unless that was done a short while ago.

        A fetch in flight is shared, and leaves the next unknown key its own.
        """
        if self._fetch is None:
            if time.monotonic() < self._asked_at + self._pause():
                return
            self._asked_at = time.monotonic()
        await self.refresh()

    def _pause(self) -> float:
        return REFRESH_SECONDS if self._keys else RETRY_SECONDS

    def _find(self, key_id: str | None, algorithm: str) -> Key | None:
        fitting = [key for key in self._keys if _fits(key, algorithm)]
        if key_id is None:  # a provider with one key need not name it
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.kid == key_id), None)

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = await self._fetched()
        except (TimeoutError, httpx.TimeoutException):
            self._failed("timeout")
        except httpx.HTTPError:
            self._failed("unreachable")
        except (BadAnswer, httpx.InvalidURL, ValueError):
            self._failed("bad_answer")
        else:
            self._is_reachable = True
            _log.info("identity_provider.keys", issuer=self.issuer, keys=len(self._keys))
        finally:
            self._fetch = None

    def _failed(self, reason: str) -> None:
        self._is_reachable = False
        _log.warning(
            "identity_provider.unavailable",
            issuer=self.issuer,
            reason=reason,
            keys=len(self._keys),
        )

    async def _fetched(self) -> Sequence[Key]:
        found = await self._document(self.issuer.rstrip("/") + DISCOVERY_PATH)
        if found.get("issuer") != self.issuer:
            raise BadAnswer
        keys = (await self._document(self._checked(found.get("jwks_uri")))).get("keys")
        if not isinstance(keys, list):
            raise BadAnswer
        usable = [key for entry in keys[:MAX_KEYS] if (key := _imported(entry)) is not None]
        if not usable:
            raise BadAnswer
        return usable

    def _checked(self, url: object) -> str:
        """The address of the keys, which must be as safe as that of the provider."""
        if not isinstance(url, str):
            raise BadAnswer
        allowed = {"https", urlsplit(self.issuer).scheme}
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            raise BadAnswer from None
        if scheme not in allowed:
            raise BadAnswer
        return url

    async def _document(self, url: str) -> dict[str, Any]:
        body = bytearray()
        async with self._client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise BadAnswer
            # Not asked for: a few kilobytes can become many megabytes.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise BadAnswer
            async for part in response.aiter_raw():
                body += part
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise BadAnswer
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise BadAnswer from None
        if not isinstance(document, dict):
            raise BadAnswer
        return document


def provider_client() -> httpx.AsyncClient:
    """A client that follows no redirect: keys come from the address that the provider names."""
    return httpx.AsyncClient(
        timeout=FETCH_SECONDS, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
    )


async def unreachable_issuers(issuers: Iterable[str]) -> list[str]:
    """Return the issuers whose keys cannot be read now."""
    async with provider_client() as client:
        all_keys = [ProviderKeys(issuer, client) for issuer in issuers]
        await asyncio.gather(*(keys.refresh() for keys in all_keys))
    return [keys.issuer for keys in all_keys if not keys.is_loaded]


def _imported(entry: object) -> Key | None:
    """A key for signatures; None for other keys and for those that are too weak."""
    if not isinstance(entry, dict) or entry.get("kty") not in _KEY_TYPES.values():
        return None
    # Before the import, which would warn of such a key.
    if entry["kty"] == "RSA" and _BITS_PER_CHARACTER * len(str(entry.get("n"))) < MIN_RSA_BITS:
        return None
    public = {name: value for name, value in entry.items() if name in _PUBLIC_MEMBERS}
    try:
        key = JWKRegistry.import_key(public)
        key.check_use("sig")
        key.check_key_op("verify")
        if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
            return None
    except (JoseError, LookupError, TypeError, ValueError):
        return None
    return key


_PUBLIC_MEMBERS: Final = frozenset(
    {"kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"}
)


def _fits(key: Key, algorithm: str) -> bool:
    if not isinstance(key, RSAKey | ECKey | OKPKey):
        return False
    return key.key_type == _KEY_TYPES[algorithm[:2]] and key.get("alg") in (None, algorithm)
