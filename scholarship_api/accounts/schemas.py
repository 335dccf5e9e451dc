"""Requests and answers of the endpoints and of the command line."""

import datetime as dt
import re
import uuid
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from scholarship_api.accounts.passwords import Password
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.visible_text import require_a_visible_character, require_plain_line

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,149}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def fold_username(username: str) -> str:
    """The form in which two spellings of a name are the same account and the same bucket."""
    return username.lower()


def _check_username(username: str) -> str:
    if not _USERNAME.fullmatch(username):
        raise ValueError(
            "a username has 1 to 150 ASCII letters, digits and . _ @ + -,"
            " and starts with a letter or digit"
        )
    return username


def _check_email(email: str) -> str:
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise ValueError("not an e-mail address")
    return email


def _check_organization(organization: str) -> str:
    organization = organization.strip()
    if not organization:
        raise ValueError("an organization has a name")
    return require_a_visible_character(require_plain_line(organization))


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


class Credentials(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "ada", "password": "correct horse battery staple"}]
        }
    )

    username: Annotated[
        str, Field(min_length=1, max_length=150), AfterValidator(_check_printable)
    ] = Field(description="In any letter case.")
    password: Password


class LoginForm(Credentials):
    """The password grant of RFC 6749, 4.3.2. Its other fields are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "grant_type": "password",
                    "username": "ada",
                    "password": "correct horse battery staple",
                }
            ]
        }
    )

    grant_type: Literal["password"] = "password"


class AccessToken(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the word of RFC 6750
    expires_in: int = Field(description="Seconds.")


class Me(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    username: str
    email: str | None
    role: Role
    organization: str | None
    scopes: list[Scope]
    created_at: dt.datetime


class AuthenticationState(BaseModel):
    """Without a valid token only `authenticated`, which is then false."""

    model_config = ConfigDict(from_attributes=True)

    authenticated: bool
    username: str | None = None
    role: Role | None = None
    scopes: list[Scope] | None = None


class NewAccount(BaseModel):
    """An account that an operator creates. A partner has an organization, other roles do not."""

    username: Annotated[str, AfterValidator(_check_username)]
    role: Role
    organization: (
        Annotated[str, Field(max_length=255), AfterValidator(_check_organization)] | None
    ) = None
    email: Annotated[str, Field(max_length=254), AfterValidator(_check_email)] | None = None

    @model_validator(mode="after")
    def _organization_matches_role(self) -> "NewAccount":
        if self.role is Role.SERVICE:
            raise ValueError("API keys are made with: scholarship-api keys create")
        if (self.role is Role.PARTNER) != (self.organization is not None):
            raise ValueError("a partner needs an organization, and other roles have none")
        return self
