"""Credentials of every kind for one application: valid ones, and those that are not.

A credential is the headers that send it. Each call makes a new one.
"""

import base64
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.accounts.tokens import Tokens
from scholarship_api.platform.database.engine import Database
from tests.accounts.conftest import bearer, connected
from tests.identity_providers.provider import Provider

Headers = dict[str, str]
Make = Callable[["Credentials"], Awaitable[Headers]]

OWN, OTHER = "Acme Trust", "Other Trust"
ORIGIN = "https://app.example.org"
ALL_SCOPES = [str(scope) for scope in Scope]
KEYS = "/api/v1/api-keys"
ME = "/api/v1/auth/me"

ROLES = {"staff": "admin", "office": "partner", "guest": "read-only"}
"""The values of the claim `groups` at the provider."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Makes credentials on an application whose provider is `provider`."""

    app: FastAPI
    provider: Provider
    database_url: str
    password_hash: str = hash_password("correct horse battery staple")

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    async def account(self, role: Role) -> Account:
        organization = OWN if role is Role.PARTNER else None
        new = NewAccount(role=role, username=f"user-{uuid.uuid4().hex}", organization=organization)
        async with self.database.write_session() as session:
            await service.create(session, new=new, password_hash=self.password_hash)
            return await service.get(session, username=new.username)

    async def local(self, role: Role) -> Headers:
        return bearer(self.app, await self.account(role))

    async def key(self, *scopes: str, **values: Any) -> dict[str, Any]:  # noqa: ANN401
        body = {"name": "key", "scopes": list(scopes), **values}
        async with self.client() as client:
            headers = await self.local(Role.ADMIN)
            answer = await client.post(KEYS, json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            key: dict[str, Any] = answer.json()
            return key

    def client(self) -> Any:  # noqa: ANN401
        return connected(self.app, address=new_address())

    def token(self, **claims: Any) -> Headers:  # noqa: ANN401
        return sent(self.provider.token(secrets.token_hex(8), **claims))


def new_address() -> str:
    number = uuid.uuid4().int
    return f"10.{number % 250}.{number // 250 % 250}.{number // 62_500 % 250}"


def sent(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


# --- Valid ---------------------------------------------------------------------------------------


async def nothing(_: Credentials) -> Headers:
    return {}


def local(role: Role) -> Make:
    return lambda credentials: credentials.local(role)


def key(*scopes: str, **values: Any) -> Make:  # noqa: ANN401
    async def make(credentials: Credentials) -> Headers:
        return sent((await credentials.key(*scopes, **values))["secret"])

    return make


def from_provider(**claims: Any) -> Make:  # noqa: ANN401
    async def make(credentials: Credentials) -> Headers:
        return credentials.token(**claims)

    return make


def publishable(origin: str) -> Make:
    async def make(credentials: Credentials) -> Headers:
        made = await credentials.key("scholarships:read", kind="publishable", origins=[ORIGIN])
        return {**sent(made["secret"]), "Origin": origin}

    return make


# --- No longer valid, or never -------------------------------------------------------------------


async def unknown_key(_: Credentials) -> Headers:
    return sent("sch_live_" + secrets.token_urlsafe(32))


async def unknown_publishable_key(_: Credentials) -> Headers:
    return {"X-API-Key": "sch_pub_" + secrets.token_urlsafe(32), "Origin": ORIGIN}


async def malformed_key(_: Credentials) -> Headers:
    return {"X-API-Key": "sch_live_short"}


async def revoked_key(credentials: Credentials) -> Headers:
    made = await credentials.key(*ALL_SCOPES)
    headers = sent(made["secret"])
    async with credentials.client() as client:
        assert (await client.get(ME, headers=headers)).status_code == 200
        admin = await credentials.local(Role.ADMIN)
        assert (await client.delete(f"{KEYS}/{made['id']}", headers=admin)).status_code == 204
    return headers


async def expired_key(credentials: Credentials) -> Headers:
    made = await credentials.key(*ALL_SCOPES)
    with psycopg.connect(credentials.database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", [made["id"]])
    return sent(made["secret"])


async def rotated_key(credentials: Credentials) -> Headers:
    made = await credentials.key(*ALL_SCOPES)
    async with credentials.client() as client:
        admin = await credentials.local(Role.ADMIN)
        url = f"{KEYS}/{made['id']}/rotate"
        rotated = await client.post(url, json={"overlap_hours": 0}, headers=admin)
        assert rotated.status_code == 200
    return sent(made["secret"])


async def logged_out(credentials: Credentials) -> Headers:
    headers = await credentials.local(Role.ADMIN)
    async with credentials.client() as client:
        assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 204
    return headers


async def disabled(credentials: Credentials) -> Headers:
    account = await credentials.account(Role.ADMIN)
    async with credentials.database.write_session() as session:
        await service.disable(session, account=account)
    return bearer(credentials.app, account)


async def enabled_again(credentials: Credentials) -> Headers:
    account = await credentials.account(Role.ADMIN)
    headers = bearer(credentials.app, account)
    async with credentials.database.write_session() as session:
        await service.disable(session, account=account)
    async with credentials.database.write_session() as session:
        found = await service.get(session, username=account.username)
        await service.enable(session, account=found)
    return headers


async def new_password(credentials: Credentials) -> Headers:
    account = await credentials.account(Role.ADMIN)
    async with credentials.database.write_session() as session:
        await service.set_password(
            session, account=account, password_hash=credentials.password_hash
        )
    return bearer(credentials.app, account)


async def deleted(credentials: Credentials) -> Headers:
    headers = await credentials.local(Role.ADMIN)
    async with credentials.client() as client:
        assert (await client.delete(ME, headers=headers)).status_code == 204
    return headers


async def forged(credentials: Credentials) -> Headers:
    account = await credentials.account(Role.ADMIN)
    tokens = Tokens(
        key=secrets.token_hex(40),
        issuer="scholarship-api",
        audience="scholarship-api",
        expires_in=60,
    )
    return sent(tokens.issue(account_id=account.id, password_version=1))


async def expired_token_of_provider(credentials: Credentials) -> Headers:
    return credentials.token(groups="staff", exp=int(time.time()) - 60)


async def token_of_provider_for_others(credentials: Credentials) -> Headers:
    return credentials.token(groups="staff", aud="somebody-else")


async def token_of_unknown_provider(credentials: Credentials) -> Headers:
    return credentials.token(groups="staff", iss="https://login.example.org")


async def disabled_at_provider(credentials: Credentials) -> Headers:
    headers = credentials.token(groups="staff")
    await _change(credentials, headers, service.disable)
    return headers


async def deleted_at_provider(credentials: Credentials) -> Headers:
    headers = credentials.token(groups="staff")
    async with credentials.client() as client:
        assert (await client.delete(ME, headers=headers)).status_code == 204
    return headers


async def basic(_: Credentials) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}


async def two_credentials(credentials: Credentials) -> Headers:
    made = await credentials.key(*ALL_SCOPES)
    return {**sent(made["secret"]), "X-API-Key": made["secret"]}


async def _change(
    credentials: Credentials, headers: Headers, change: Callable[..., Awaitable[None]]
) -> None:
    async with credentials.client() as client:
        answer: httpx.Response = await client.get(ME, headers=headers)
    async with credentials.database.write_session() as session:
        account = await service.get(session, username=answer.json()["username"])
        await change(session, account=account)


VALID: dict[str, Make] = {
    "no credential": nothing,
    "student": local(Role.STUDENT),
    "read-only": local(Role.READ_ONLY),
    "partner": local(Role.PARTNER),
    "admin": local(Role.ADMIN),
    "key that reads": key("scholarships:read"),
    "key that writes": key("scholarships:read", "scholarships:write"),
    "key with all scopes": key(*ALL_SCOPES),
    "key of an organization": key(*ALL_SCOPES, organization=OWN),
    "key of another organization": key(*ALL_SCOPES, organization=OTHER),
    "publishable key": publishable(ORIGIN),
    "publishable key of another page": publishable("https://evil.example.org"),
    "provider's student": from_provider(),
    "provider's read-only": from_provider(groups="guest"),
    "provider's partner": from_provider(groups="office", school=OWN),
    "provider's admin": from_provider(groups=["guest", "staff"]),
}

DEAD: dict[str, Make] = {
    make.__name__: make
    for make in (
        unknown_key,
        unknown_publishable_key,
        malformed_key,
        revoked_key,
        expired_key,
        rotated_key,
        logged_out,
        disabled,
        enabled_again,
        new_password,
        deleted,
        forged,
        expired_token_of_provider,
        token_of_provider_for_others,
        token_of_unknown_provider,
        disabled_at_provider,
        deleted_at_provider,
        basic,
        two_credentials,
    )
}
