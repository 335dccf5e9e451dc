"""Authorisation: the signature of a route says who may use it.

    async def change(account: ScholarshipsWriter, session: Writing): ...
    async def search(account: CurrentAccountOrNone, session: Reading): ...

TokenCheckMiddleware has refused invalid tokens before. A route without a rule must be listed in
PUBLIC_ROUTES; a test walks over all routes.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.params import Security as SecurityRequirement
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.organizations import is_same_organization
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.accounts.token_check import account_of_request
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
        ("POST", "/api/v1/multi-search"),
        ("POST", "/api/v1/events"),
        ("GET", "/search"),
        ("POST", "/search"),
        ("GET", "/api/v1/search/suggestions"),
        ("GET", "/api/v1/scholarships/smart-search"),
        ("GET", "/api/v1/scholarships/organization/{name}"),
        ("GET", "/api/v1/scholarships/fields/{field}"),
        ("GET", "/api/v1/scholarships/{scholarship_id}"),
        ("GET", "/api/v1/scholarships/{scholarship_id}.ics"),
        ("GET", "/api/v1/feeds/{token}.{format}"),
        ("GET", "/api/v1/scholarships/{scholarship_id}/similar"),
        ("POST", "/api/v1/scholarships/eligibility-check"),
        ("POST", "/api/v1/scholarships/bulk-eligibility-check"),
        ("POST", "/api/v1/scholarships/recommendations"),
        ("GET", "/api/v1/eligibility/check"),
        ("POST", "/api/v1/eligibility/check"),
        ("GET", "/eligibility/check"),
        ("POST", "/eligibility/check"),
        ("POST", "/api/v1/eligibility/questions"),
        ("GET", "/api/v1/vocabularies"),
        ("GET", "/api/v1/vocabularies/{name}"),
        ("GET", "/common-grants/opportunities"),
        ("GET", "/common-grants/opportunities/{opportunity_id}"),
        ("POST", "/common-grants/opportunities/search"),
        *((method, "/api/v1/confirm-email/{token}") for method in ("GET", "POST")),
        *((method, "/api/v1/unsubscribe/{token}") for method in ("GET", "POST")),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("GET", "/docs/oauth2-redirect"),
        ("GET", "/docs/assets/{name}"),
        ("GET", "/openapi.json"),
    }
)
"""Method and path template of every route that needs no account."""


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
    """The account of the request's token; None without a token."""
    return account_of_request(request.scope)


_Authenticated = Annotated[AuthenticatedAccount | None, Depends(authenticate)]


async def current_account_or_none(
    account: _Authenticated, _: Annotated[object, _security_scheme]
) -> AuthenticatedAccount | None:
    return account


CurrentAccountOrNone = Annotated[AuthenticatedAccount | None, Depends(current_account_or_none)]
"""For public routes that document that they accept a token."""

ANONYMOUS_ALLOWED: Final[dict[str, Any]] = {"security": [{}]}
"""`openapi_extra=` of a public route that accepts a token: FastAPI documents it as required."""


async def current_account(
    required: SecurityScopes, account: _Authenticated, _: Annotated[object, _security_scheme]
) -> AuthenticatedAccount:
    """The account. Raises Unauthorized without one, Forbidden when its role lacks a scope."""
    if account is None:
        raise Unauthorized
    if not set(required.scopes) <= account.granted:
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
AuditReader = Annotated[AuthenticatedAccount, require(Scope.AUDIT_READ)]
WebhooksWriter = Annotated[AuthenticatedAccount, require(Scope.WEBHOOKS_WRITE)]
KeysWriter = Annotated[AuthenticatedAccount, require(Scope.KEYS_WRITE)]

ACCESS_RULES: Final = frozenset({current_account, current_admin})
"""The functions that enforce a rule: every route that is not public depends on one of them."""


def may_change(account: AuthenticatedAccount, organization: str) -> bool:
    """Whether the account may write awards of `organization`; a partner only of its own."""
    if Scope.SCHOLARSHIPS_WRITE not in account.granted:
        return False
    confined_to = account.confined_to
    return confined_to is None or is_same_organization(organization, confined_to)
