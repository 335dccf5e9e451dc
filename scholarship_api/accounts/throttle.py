"""How often one may try to log in: per account, whoever tries, and per address, whatever for.

Counted once the body has been read, as only that names the account.
"""

import hashlib
from typing import Final

import limits
from starlette.types import Scope

from scholarship_api.platform.http.rate_limiting import client_identity
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.rate_limiting.limiter import RateLimiter, RateLimiterUnavailable
from scholarship_api.platform.rate_limiting.storage import Bucket
from scholarship_api.settings.settings import Settings

GROUP: Final = "login"


class LoginThrottle:
    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._per_account = limits.parse(settings.rate_limit_login_account)
        self._per_address = limits.parse(settings.rate_limit_login_address)

    async def count(self, *, folded_username: str, scope: Scope) -> None:
        """Raises RateLimited, or RateLimiterUnavailable when nobody can count."""
        name = hashlib.sha256(folded_username.encode()).hexdigest()
        # Without the rest of the scope: a token of one's own must not open a bucket of its own.
        address = client_identity({"client": scope.get("client")})
        try:
            verdict = await self._limiter.hit(
                Bucket("login_account", name, self._per_account),
                Bucket("login_address", address, self._per_address),
            )
        except RateLimiterUnavailable:
            metrics.count_rate_limit(GROUP, "unavailable")
            raise
        metrics.count_rate_limit(GROUP, "allowed" if verdict.passed else "refused")
        if not verdict.passed:
            raise verdict.refusal()
