"""Whose data a request is about: the account's own, or that of a subject of an API key's client.

Each personal resource is written once and served at both addresses, `/me/...` for an account and
`/subjects/{external_id}/...` for a platform's backend:

    def routes(mount: Mount) -> APIRouter:
        router = mount.router(tags=["profiles"])

        @router.get("/profile", name=mount.operation("show_profile"))
        async def show_profile(session: Reading, owner: Owner = mount.reader): ...

        return router
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AfterValidator, StringConstraints

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    CurrentAccount,
    require,
)
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.catalogue.audit import ChangeSource, source_of_request
from scholarship_api.errors import (
    DatabaseUnavailable,
    Forbidden,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.engine import Database
from scholarship_api.subjects import service
from scholarship_api.subjects.owners import Owner, client_of


def _can_be_in_a_path(value: str) -> str:
    """Clients and proxies take these as steps in a path."""
    if value in (".", ".."):
        raise ValueError("must be neither . nor ..")
    return value


ExternalId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,128}$"),
    AfterValidator(_can_be_in_a_path),
]
ExternalIdPath = Annotated[
    ExternalId,
    Path(
        description=(
            "A pseudonym that you choose, of 1 to 128 of A-Za-z0-9._:~- ; no name and no address."
        ),
        examples=["student-4711"],
    ),
]

SubjectsReader = Annotated[AuthenticatedAccount, require(Scope.SUBJECTS_READ)]
SubjectsWriter = Annotated[AuthenticatedAccount, require(Scope.SUBJECTS_WRITE)]


async def _own(account: CurrentAccount) -> Owner:
    if account.role is Role.SERVICE:
        raise Forbidden("An API key stores data of subjects, below /api/v1/subjects/{external_id}.")
    return Owner(account)


async def readable_subject(
    request: Request, account: SubjectsReader, external_id: ExternalIdPath
) -> Owner:
    owner = _subject_of(account, external_id)
    database: Database = request.app.state.database
    # In a transaction of its own, because that of the request may be read-only.
    async with database.write_session() as session:
        await service.touch(session, owner)
    return owner


async def writable_subject(account: SubjectsWriter, external_id: ExternalIdPath) -> Owner:
    return _subject_of(account, external_id)


def _subject_of(account: AuthenticatedAccount, external_id: str) -> Owner:
    if account.role is not Role.SERVICE:
        raise Forbidden("Subjects belong to the client of an API key; send one.")
    return Owner(account, client_of(account), external_id)


@dataclass(frozen=True, slots=True)
class Mount:
    """One of the two addresses of personal resources."""

    prefix: str
    suffix: str
    """Ends the names of operations, which have to differ."""
    reader: Any
    """The default of the parameter `owner` of a route that reads."""
    writer: Any

    def router(self, *, tags: Sequence[str]) -> APIRouter:
        return APIRouter(
            prefix=self.prefix,
            tags=list(tags),
            responses=document(
                *ACCESS_ERRORS,
                ValidationFailed,
                RateLimited,
                DatabaseUnavailable,
                ServiceUnavailable,
            ),
        )

    def operation(self, name: str) -> str:
        return f"{name}{self.suffix}"

    def path(self, owner: Owner, below: str) -> str:
        return self.prefix.format(external_id=owner.external_id) + below


MOUNTS: Final = (
    Mount("/api/v1/me", "", Depends(_own), Depends(_own)),
    Mount(
        "/api/v1/subjects/{external_id}",
        "_of_subject",
        Depends(readable_subject),
        Depends(writable_subject),
    ),
)


def change_source(request: Request, owner: Owner) -> ChangeSource:
    """Who makes a change, for the audit."""
    return source_of_request(request.scope, owner.account.id)
