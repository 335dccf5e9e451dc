"""Every route with every kind of credential: who is allowed, who is refused.

The test makes a table of what happens and compares it with one that it makes from the access rules
of the routes. RULES_INSIDE and RULES_BELOW list the few rules that routes check by themselves.
"""

import re
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import anyio
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext

from scholarship_api.accounts.access import PUBLIC_ROUTES, current_account, current_admin
from scholarship_api.accounts.roles import SCOPES, Role, Scope
from scholarship_api.accounts.token_check import CHECK_PATH
from scholarship_api.health.paths import PROBE_PATHS
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.accounts.test_access import all_dependencies, routes
from tests.api_keys.conftest import change
from tests.eligibility.awards import award, put
from tests.identity_providers.provider import AUDIENCE, Provider
from tests.security.credentials import (
    ALL_SCOPES,
    DEAD,
    OTHER,
    OWN,
    ROLES,
    VALID,
    Credentials,
    Headers,
    new_address,
)

pytestmark = pytest.mark.anyio

Route = tuple[str, str]

ALLOWED, NEEDS_ACCOUNT, FORBIDDEN = "allowed", "401", "403"

UNAVAILABLE = 503
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Client:
    """A credential as the access rules see it."""

    scopes: frozenset[Scope]
    role: Role | None = None
    is_login: bool = False

    @property
    def is_key(self) -> bool:
        return self.role is Role.SERVICE


def of_role(role: Role, *, is_login: bool) -> Client:
    return Client(SCOPES[role], role, is_login)


def of_key(*scopes: str) -> Client:
    return Client(frozenset(map(Scope, scopes)), Role.SERVICE)


CLIENTS = {
    "no credential": Client(frozenset()),
    **{str(role): of_role(role, is_login=True) for role in Role if role is not Role.SERVICE},
    "key that reads": of_key("scholarships:read"),
    "key that writes": of_key("scholarships:read", "scholarships:write"),
    "key with all scopes": of_key(*ALL_SCOPES),
    "key of an organization": of_key(*ALL_SCOPES),
    "key of another organization": of_key(*ALL_SCOPES),
    "publishable key": of_key("scholarships:read"),
    **{
        f"provider's {role}": of_role(role, is_login=False)
        for role in Role
        if role is not Role.SERVICE
    },
}
FOREIGN_PAGE = "publishable key of another page"

RULES_INSIDE: dict[Route, Callable[[Client], bool]] = {
    ("GET", "/api/v1/usage"): lambda client: client.is_key or Scope.KEYS_WRITE in client.scopes,
    ("DELETE", "/api/v1/auth/me"): lambda client: not client.is_key,
    ("POST", "/api/v1/auth/logout"): lambda client: client.is_login,
}
"""Routes that check more than an account and its scopes, and who may use them."""

RULES_BELOW: dict[str, Callable[[Client], bool]] = {
    "/api/v1/me/": lambda client: not client.is_key,
    "/api/v1/subjects/": lambda client: client.is_key,
}
"""The same for all routes below a path."""

ENDS_ITS_CREDENTIAL = {("DELETE", "/api/v1/auth/me"), ("POST", "/api/v1/auth/logout")}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def settings(module_database_url: str, redis_url: str, provider: Provider) -> Settings:
    """Limits that the walk does not reach; CORS lets every origin through to the routes."""
    issuer = {
        "audience": AUDIENCE,
        "role_claim": "groups",
        "roles": ROLES,
        "organization_claim": "school",
    }
    return Settings.model_validate(
        {
            "environment": "test",
            "enable_docs": True,
            "database_url": module_database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_per_minute": 1_000_000,
            **{
                f"rate_limit_{group}": "1000000/minute"
                for group in ("search", "eligibility", "scholarships", "analytics", "events")
            },
            "jwt_secret_key": secrets.token_hex(40),
            "oidc_issuers": {provider.issuer: issuer},
        }
    )


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture(scope="module")
def credentials(app: FastAPI, provider: Provider, module_database_url: str) -> Credentials:
    return Credentials(app, provider, module_database_url)


@pytest.fixture(scope="module")
def awards(module_database_url: str) -> None:
    put(module_database_url, [award("own", organization=OWN), award("other", organization=OTHER)])


def walked(app: FastAPI) -> dict[Route, RouteContext]:
    """All routes but the probes, which look at no credential."""
    return {
        (method, path): route
        for (method, path), route in routes(app)
        if path not in PROBE_PATHS and method != "ANY"
    }


def target(path: str) -> str:
    return re.sub(r"\{.*?\}", str(uuid.UUID(int=1)), path)


def expected(route: Route, context: RouteContext, client: Client) -> str:
    if route in PUBLIC_ROUTES:
        return ALLOWED
    if client.role is None:
        return NEEDS_ACCOUNT
    rules = list(all_dependencies(context.dependant))
    scopes = {scope for rule in rules if rule.call is current_account for scope in scopes_of(rule)}
    for_admins = any(rule.call is current_admin for rule in rules)
    allowed = (
        scopes <= client.scopes
        and (client.role is Role.ADMIN or not for_admins)
        and all(rule(client) for rule in rules_inside(route))
    )
    return ALLOWED if allowed else FORBIDDEN


def rules_inside(route: Route) -> Iterator[Callable[[Client], bool]]:
    if route in RULES_INSIDE:
        yield RULES_INSIDE[route]
    for prefix, rule in RULES_BELOW.items():
        if f"{route[1]}/".startswith(prefix):
            yield rule


def scopes_of(rule: Dependant) -> list[Scope]:
    return [Scope(scope) for scope in rule.own_oauth_scopes or ()]


async def outcome(app: FastAPI, route: Route, headers: Headers) -> str:
    """Send an empty request. An answer that is neither 401 nor 403 comes from the route itself."""
    method, path = route
    body: object = {} if method in {"POST", "PUT", "PATCH"} else None
    async with connected(app, new_address()) as client:
        answer = await client.request(method, target(path), json=body, headers=headers)
        with anyio.fail_after(PATIENCE_SECONDS):
            while answer.status_code == UNAVAILABLE:  # Redis had no CPU for 0.4 s
                await anyio.sleep(float(answer.headers["Retry-After"]))
                answer = await client.request(method, target(path), json=body, headers=headers)
    assert answer.status_code < 500, (route, answer.text)
    return str(answer.status_code) if answer.status_code in (401, 403) else ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize("name", VALID)
async def test_each_route_allows_those_whom_its_rules_name(
    app: FastAPI, credentials: Credentials, name: str
) -> None:
    headers = await VALID[name](credentials)
    found, wanted = {}, {}
    for route, context in walked(app).items():
        wanted[route] = (
            FORBIDDEN if name == FOREIGN_PAGE else expected(route, context, CLIENTS[name])
        )
        own = await VALID[name](credentials) if route in ENDS_ITS_CREDENTIAL else headers
        found[route] = await outcome(app, route, own)
    assert len(found) > 40
    assert found == wanted, "RULES_INSIDE and RULES_BELOW list what routes check by themselves"


def test_the_walk_knows_every_kind_of_credential() -> None:
    assert VALID.keys() == {*CLIENTS, FOREIGN_PAGE}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEAD)
async def test_a_credential_that_is_not_valid_is_refused_by_every_route(
    app: FastAPI, credentials: Credentials, name: str
) -> None:
    headers = await DEAD[name](credentials)
    found = {route: await outcome(app, route, headers) for route in walked(app)}
    found[("GET", "/no/such/path")] = await outcome(app, ("GET", "/no/such/path"), headers)
    assert found.pop(("GET", CHECK_PATH)) == ALLOWED
    assert found == dict.fromkeys(found, NEEDS_ACCOUNT)
    async with connected(app, new_address()) as client:
        checked = await client.get(CHECK_PATH, headers=headers)
    assert checked.json() == {"authenticated": False}


@pytest.mark.parametrize("name", DEAD)
async def test_a_credential_that_is_not_valid_counts_for_the_address(
    settings: Settings, provider: Provider, module_database_url: str, name: str
) -> None:
    async with running(changed(settings, rate_limit_search="6/hour")) as app:
        headers = await DEAD[name](Credentials(app, provider, module_database_url))
        async with connected(app, new_address()) as client:
            path = "/api/v1/search"
            statuses = [(await client.get(path, headers=headers)).status_code for _ in range(8)]
            assert statuses == sorted(statuses)
            assert set(statuses) == {401, 429}
            assert (await client.get(path)).status_code == 429
        async with connected(app, new_address()) as elsewhere:
            assert (await elsewhere.get(path)).status_code == 200


WRITES_OWN = {"partner", "key of an organization", "provider's partner"}
WRITES_OTHERS = {"key of another organization"}
WRITES_ALL = {"admin", "key that writes", "key with all scopes", "provider's admin"}


@pytest.mark.parametrize("name", VALID)
async def test_awards_of_an_organization_are_changed_by_those_who_may(
    app: FastAPI, credentials: Credentials, awards: None, name: str
) -> None:
    headers = await VALID[name](credentials)
    async with connected(app, new_address()) as client:
        for award_id, writers in (
            ("own", WRITES_OWN | WRITES_ALL),
            ("other", WRITES_OTHERS | WRITES_ALL),
        ):
            written = await change(client, award_id, headers, name=f"Name {secrets.token_hex(4)}")
            history = await client.get(f"/api/v1/scholarships/{award_id}/history", headers=headers)
            if name in writers:
                assert (written.status_code, history.status_code) == (200, 200)
            else:
                assert written.status_code in (401, 403)
                assert history.status_code in (401, 403, 404)
