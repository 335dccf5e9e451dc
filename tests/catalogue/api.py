"""The application on its own database, and one user of each role."""

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.organizations import fold_organization
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.app import create_app
from scholarship_api.catalogue.identifiers import own_id_prefix
from scholarship_api.settings.settings import Settings
from tests.catalogue.awards import Row

AWARDS = "/api/v1/scholarships"


@dataclass(frozen=True, slots=True)
class User:
    id: uuid.UUID
    client: httpx.AsyncClient
    """Sends the user's token."""


@dataclass(frozen=True, slots=True)
class Api:
    app: FastAPI
    anonymous: httpx.AsyncClient
    admin: User
    partner: User
    """A partner of Acme Trust."""
    other: User
    """A partner of Other Trust."""
    student: User
    reader: User


@asynccontextmanager
async def serving(database_url: str, **settings: Any) -> AsyncIterator[Api]:  # noqa: ANN401
    app = create_app(
        Settings.model_validate(
            {
                "environment": "test",
                "database_url": database_url,
                "rate_limit_enabled": False,
                "jwt_secret_key": secrets.token_hex(40),
                **settings,
            }
        )
    )
    async with app.router.lifespan_context(app):
        yield Api(
            app,
            anonymous=_client(app),
            admin=await _user(app, Role.ADMIN),
            partner=await _user(app, Role.PARTNER, organization="Acme Trust"),
            other=await _user(app, Role.PARTNER, organization="Other Trust"),
            student=await _user(app, Role.STUDENT),
            reader=await _user(app, Role.READ_ONLY),
        )


def _client(app: FastAPI, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


async def _user(app: FastAPI, role: Role, *, organization: str | None = None) -> User:
    username = f"user-{uuid.uuid4().hex}"
    new = NewAccount(username=username, role=role, organization=organization)
    async with app.state.database.write_session() as session:
        await service.create(session, new=new, password_hash="unusable")
        account = await service.get(session, username=username)
    token = app.state.authentication.tokens.issue(
        account_id=account.id, password_version=account.password_version
    )
    return User(account.id, _client(app, {"Authorization": f"Bearer {token}"}))


def new_award(**fields: object) -> Row:
    """A new award with the required fields, and `fields`."""
    return {
        "name": "Name",
        "organization": "Acme Trust",
        "scholarship_type": "merit_based",
        **fields,
    }


async def created(user: User, **fields: object) -> httpx.Response:
    answer = await user.client.post(AWARDS, json=new_award(**fields))
    assert answer.status_code == 201, answer.text
    return answer


def own_id(name: str, organization: str = "Acme Trust") -> str:
    """An id that a partner of the organization may choose."""
    return own_id_prefix(fold_organization(organization)) + name


def address(answer: httpx.Response) -> str:
    return f"{AWARDS}/{answer.json()['id']}"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of an error that has the documented shape."""
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["trace_id"] == answer.headers["x-trace-id"]
    return answer.status_code, body["code"]


def refused_fields(answer: httpx.Response) -> set[str]:
    assert refusal(answer) == (422, "VALIDATION_ERROR")
    return {entry["field"] for entry in answer.json()["details"]["fields"]}


async def changed(user: User, method: str, at: str, body: object, tag: str) -> httpx.Response:
    return await user.client.request(method, at, json=body, headers={"If-Match": tag})
