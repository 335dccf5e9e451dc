"""Authorisation: the signature of a route says who may use it.

    async def change(account: ScholarshipsWriter, session: Writing): ...
    async def search(account: CurrentAccountOrNone, session: Reading): ...

Name the account before the session. FastAPI resolves dependencies in order: the check of the
account then gives its database connection back before the route takes one. A route without a rule
must be listed in PUBLIC_ROUTES; a test walks over all routes.
"""

import datetime as dt
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.params import Security as SecurityRequirement
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

from scholarship_api.accounts import queries
from scholarship_api.accounts.authentication import claims_of_request
from scholarship_api.accounts.roles import SCOPES, Role, Scope
from scholarship_api.accounts.tokens import Claims, InvalidToken
from scholarship_api.errors import Forbidden, Unauthorized
from scholarship_api.health import paths

ACCESS_ERRORS: Final = (Unauthorized, Forbidden)
"""The errors that every route with a rule can answer, for `document(...)`."""

PUBLIC_ROUTES: Final = frozenset(
    {
        *(("GET", path) for path in (paths.INDEX, *paths.INDEX_ALIASES)),
        *(("GET", path) for path in paths.PROBE_PATHS),  # /metrics checks METRICS_TOKEN itself
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/login-simple"),
        ("GET", "/api/v1/auth/check"),
        ("GET", "/api/v1/search"),
        ("POST", "/api/v1/search"),
        ("GET", "/search"),
        ("POST", "/search"),
        ("GET", "/api/v1/search/suggestions"),
        ("GET", "/api/v1/scholarships/smart-search"),
        ("GET", "/api/v1/scholarships/organization/{name}"),
        ("GET", "/api/v1/scholarships/fields/{field}"),
        ("GET", "/api/v1/scholarships/{scholarship_id}"),
        ("POST", "/api/v1/scholarships/eligibility-check"),
        ("POST", "/api/v1/scholarships/bulk-eligibility-check"),
        ("POST", "/api/v1/scholarships/recommendations"),
        ("GET", "/api/v1/eligibility/check"),
        ("POST", "/api/v1/eligibility/check"),
        ("GET", "/eligibility/check"),
        ("POST", "/eligibility/check"),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("GET", "/docs/oauth2-redirect"),
        ("GET", "/docs/assets/{name}"),
        ("GET", "/openapi.json"),
    }
)
"""Method and path template of every route that needs no account."""


@dataclass(frozen=True, slots=True)
class AuthenticatedAccount:
    """The account of the request's token, as the database has it now."""

    id: uuid.UUID
    username: str
    email: str | None
    role: Role
    organization: str | None
    created_at: dt.datetime
    claims: Claims

    @property
    def scopes(self) -> list[Scope]:
        return sorted(SCOPES[self.role])

    @property
    def confined_to(self) -> str | None:
        """The only organization whose drafts, figures and changes are the account's; None: all."""
        return None if self.role is Role.ADMIN else self.organization or ""


# For the OpenAPI document only: the authentication middleware reads the header. The address is
# relative, so that the documentation pages work behind a prefix.
_security_scheme: Final = Depends(
    OAuth2PasswordBearer(
        tokenUrl="api/v1/auth/login",
        scheme_name="BearerToken",
        scopes={scope.value: f"For {scope.value.replace(':', ' ')}." for scope in Scope},
        auto_error=False,
    )
)


async def authenticate(request: Request) -> AuthenticatedAccount | None:
    """The account of the request's token; None without a token.

    Raises InvalidToken when the token is not valid, is revoked, or its account is gone or disabled.

    The security scheme is not among the dependencies of this function: FastAPI would then call it,
    and query the database, once for each set of scopes that a route requires.
    """
    claims = claims_of_request(request.scope)
    if claims is None:
        return None
    async with request.app.state.database.read_session() as session:
        account = await queries.account_of_token(
            session, account_id=claims.account_id, token_id=claims.token_id
        )
    if (
        account is None
        or account.revoked
        or account.disabled_at is not None
        or account.password_version != claims.password_version
    ):
        raise InvalidToken
    return AuthenticatedAccount(
        id=account.id,
        username=account.username,
        email=account.email,
        role=Role(account.role),
        organization=account.organization,
        created_at=account.created_at,
        claims=claims,
    )


_Authenticated = Annotated[AuthenticatedAccount | None, Depends(authenticate)]


async def current_account_or_none(
    account: _Authenticated, _: Annotated[object, _security_scheme]
) -> AuthenticatedAccount | None:
    return account


CurrentAccountOrNone = Annotated[AuthenticatedAccount | None, Depends(current_account_or_none)]
"""For public routes. A request without a token is anonymous, one with a bad token is refused."""

ANONYMOUS_ALLOWED: Final[dict[str, Any]] = {"security": [{}]}
"""`openapi_extra=` of a public route that accepts a token: FastAPI documents it as required."""


async def current_account(
    required: SecurityScopes, account: _Authenticated, _: Annotated[object, _security_scheme]
) -> AuthenticatedAccount:
    """The account. Raises Unauthorized without one, Forbidden when its role lacks a scope."""
    if account is None:
        raise Unauthorized
    if not set(required.scopes) <= SCOPES[account.role]:
        challenge = f'Bearer error="insufficient_scope", scope="{required.scope_str}"'
        raise Forbidden(
            f"This needs the scope {required.scope_str}.", headers={"WWW-Authenticate": challenge}
        )
    return account


CurrentAccount = Annotated[AuthenticatedAccount, Security(current_account)]
"""Any account, whatever its role."""


async def current_admin(account: CurrentAccount) -> AuthenticatedAccount:
    if account.role is not Role.ADMIN:
        raise Forbidden("This is for administrators.")
    return account


CurrentAdmin = Annotated[AuthenticatedAccount, Security(current_admin)]


def require(*scopes: Scope) -> SecurityRequirement:
    """The rule that an account has these scopes.

    Use it as `Annotated[AuthenticatedAccount, require(Scope.X)]`.
    """
    return SecurityRequirement(current_account, scopes=list(scopes))


ScholarshipsReader = Annotated[AuthenticatedAccount, require(Scope.SCHOLARSHIPS_READ)]
ScholarshipsWriter = Annotated[AuthenticatedAccount, require(Scope.SCHOLARSHIPS_WRITE)]
AnalyticsReader = Annotated[AuthenticatedAccount, require(Scope.ANALYTICS_READ)]

ACCESS_RULES: Final = frozenset({current_account, current_admin})
"""The functions that enforce a rule: every route that is not public depends on one of them."""


def may_change(account: AuthenticatedAccount, organization: str) -> bool:
    """Whether the account may write awards of `organization`; a partner only of its own."""
    if Scope.SCHOLARSHIPS_WRITE not in SCOPES[account.role]:
        return False
    if account.role is not Role.PARTNER:
        return True
    return is_same_organization(organization, account.organization or "")


def is_same_organization(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(organization: str) -> str:
    """The name without letter case and outer spaces, by which the catalogue compares it too."""
    return unicodedata.normalize("NFC", organization).strip().casefold()
