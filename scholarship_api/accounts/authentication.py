"""Who sent a request: the token check, and the middleware that notes the account."""

from collections.abc import Awaitable, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.passwords import Passwords
from scholarship_api.accounts.throttle import LoginThrottle
from scholarship_api.accounts.tokens import Claims, InvalidToken, Tokens
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings

CREDENTIALS_KEY: Final = "credentials"


class Authentication:
    """One per process, at `app.state.authentication`."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self.tokens = Tokens(
            key=settings.jwt_secret_key.get_secret_value(),
            previous_keys=[old.get_secret_value() for old in settings.jwt_previous_secret_keys],
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            expires_in=settings.access_token_expire_minutes * 60,
        )
        self.passwords = Passwords()
        self.throttle = LoginThrottle(settings, limiter)

    def claims_of(self, headers: Iterable[tuple[bytes, bytes]]) -> Claims | None:
        """What the bearer token among the headers says; None without any credentials.

        Raises InvalidToken for any other credentials: they are no anonymous request.
        """
        sent = [value for name, value in headers if name == b"authorization"]
        if not sent:
            return None
        scheme, _, token = sent[0].decode("latin-1").partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer":
            raise InvalidToken
        return self.tokens.verify(token.strip())


class AuthenticationMiddleware:
    """Above the rate limits: verifies the token of a request, once.

    Whose token it is goes to ACCOUNT_ID_KEY, so that the request counts and is logged for that
    account; for no other token, so that junk opens no buckets. This grants nothing: a token that
    is valid here may have been revoked. `access` decides, on what stands at CREDENTIALS_KEY.
    """

    def __init__(self, app: ASGIApp, *, authentication: Authentication) -> None:
        self._app = app
        self._authentication = authentication

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            try:
                claims = self._authentication.claims_of(scope["headers"])
            except InvalidToken as error:
                scope[CREDENTIALS_KEY] = error
            else:
                scope[CREDENTIALS_KEY] = claims
                if claims is not None:
                    scope[ACCOUNT_ID_KEY] = str(claims.account_id)
        return self._app(scope, receive, send)


def credentials(scope: Scope) -> Claims | None:
    """The claims that the middleware found; None without credentials.

    Raises InvalidToken for bad credentials.
    """
    found: Claims | InvalidToken | None = scope[CREDENTIALS_KEY]
    if isinstance(found, InvalidToken):
        raise found
    return found
