"""Tokens of identity providers: their form, their signature and their claims (RFC 7519, RFC 8725).

Access tokens (RFC 9068) and ID tokens are accepted alike. Nothing of a token is believed before its
signature is verified, apart from the name of its issuer and of its key.
"""

import base64
import binascii
import datetime as dt
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from scholarship_api.accounts.identities import MAX_TOKEN_AGE, Identity, digest_of
from scholarship_api.accounts.tokens import LEEWAY_SECONDS, InvalidToken
from scholarship_api.identity_providers.claims import role_and_organization
from scholarship_api.identity_providers.keys import ProviderKeys, UnknownKey
from scholarship_api.settings.identity_providers import IdentityProvider

MAX_TOKEN_CHARACTERS: Final = 8_192
"""Tokens with dozens of groups fit. It bounds the work before a signature is verified."""

MAX_HEADER_CHARACTERS: Final = 2_048
MAX_SUBJECT_LENGTH: Final = 255
"""OpenID Connect Core, section 2."""

TOKEN_TYPES: Final = frozenset({None, "jwt", "at+jwt", "application/at+jwt", "application/jwt"})
"""`typ` in small letters. Other kinds, such as logout tokens, are signed with the same keys."""

_MALFORMED: Final = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""Raised while reading a token that has a wrong form, signed or not."""

_FORM: Final = re.compile(
    rf"[A-Za-z0-9_-]{{1,{MAX_HEADER_CHARACTERS}}}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
)


def claimed_issuer(token: str) -> str | None:
    """The issuer that a token names, which may be a lie; None for a text that is no token."""
    if len(token) > MAX_TOKEN_CHARACTERS or not _FORM.fullmatch(token):
        return None
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


class TokenVerifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, issuer: str, options: IdentityProvider, keys: ProviderKeys) -> None:
        self._issuer = issuer
        self._options = options
        self._keys = keys
        # Providers add header fields of their own.
        self._registry = jws.JWSRegistry(algorithms=options.algorithms, strict_check_header=False)
        self._registry.max_header_length = MAX_HEADER_CHARACTERS
        self._claims = JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": options.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def verify(
        self, token: str, *, before_waiting: Callable[[], Awaitable[None]]
    ) -> Identity:
        """Raises InvalidToken, and ProviderUnavailable when the key of the token is not known."""
        try:
            unverified = jws.extract_compact(token.encode(), registry=self._registry)
            header = unverified.headers()
            self._registry.check_header(header)
            if header["alg"] not in self._options.algorithms:
                raise InvalidToken
            if "crit" in header:  # no extension is understood here (RFC 7515, section 4.1.11)
                raise InvalidToken
            if _lower(header.get("typ")) not in TOKEN_TYPES:
                raise InvalidToken
            key = await self._keys.find(
                header.get("kid"), header["alg"], before_waiting=before_waiting
            )
            if not jws.validate_compact(unverified, key, registry=self._registry):
                raise InvalidToken
            return self._identity(json.loads(unverified.payload or b""))
        except (UnknownKey, JoseError, *_MALFORMED):
            raise InvalidToken from None

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        self._claims.validate(dict(claims))
        if claims["iat"] < time.time() - MAX_TOKEN_AGE.total_seconds():
            raise InvalidToken
        if len(claims["sub"]) > MAX_SUBJECT_LENGTH:
            raise InvalidToken
        role, organization = role_and_organization(claims, self._options)
        return Identity(
            issuer=self._issuer,
            digest=digest_of(self._issuer, claims["sub"]),
            role=role,
            organization=organization,
            issued_at=dt.datetime.fromtimestamp(int(claims["iat"]), dt.UTC),
        )


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()
