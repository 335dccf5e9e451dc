"""OIDC_ISSUERS: the identity providers whose tokens are accepted, and what their claims mean.

{"https://login.example.edu": {"audience": "scholarships",
 "role_claim": "groups", "roles": {"aid-office": "partner"},
 "organization_claim": "school", "organizations": {"eng": "School of Engineering"}}}
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import NoDecode

from scholarship_api.settings.errors import SettingError, reason_of

if TYPE_CHECKING:
    from scholarship_api.settings.settings import Settings

MAX_ISSUERS: Final = 20
"""Each worker keeps the keys of every issuer and asks each of them once an hour."""

MAX_NAME_LENGTH: Final = 255
"""Characters of a claim's name or value, and of an organization, as in the catalogue."""

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]
"""Signatures with a private key. The key that verifies an HMAC could also sign with it."""

MappedRole = Literal["admin", "partner", "student", "read-only"]
"""The roles of accounts, without that of API keys. A claim with several gives the first of them."""

ROLES: Final[tuple[MappedRole, ...]] = get_args(MappedRole)

_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


class IdentityProvider(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    audience: _Name
    """The `aud` of tokens for this service; tokens for others are refused."""
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256",), min_length=1)
    role_claim: _Name = "roles"
    """A claim, or the path of one such as `realm_access.roles`; a string or a list of strings."""
    roles: dict[_Name, MappedRole] = {}
    """The role of each value of `role_claim`; without one, the role is student."""
    organization_claim: _Name | None = None
    """A claim, or the path of one, with the organization of a partner."""
    organizations: dict[_Name, _Name] = {}
    """The organization of each value of `organization_claim`; empty: the value is its name."""


def _identity_providers(value: object) -> object:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise ValueError('not JSON such as {"https://login.example.edu": {"audience": "..."}}')
    if len(value) > MAX_ISSUERS:
        raise ValueError(f"at most {MAX_ISSUERS} issuers")
    return {
        _issuer(issuer): _identity_provider(number, options)
        for number, (issuer, options) in enumerate(value.items(), start=1)
    }


def _issuer(text: object) -> str:
    otherwise = "an issuer is a URL such as https://login.example.edu, without query and fragment"
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_NAME_LENGTH:
        raise ValueError(otherwise)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(otherwise)
    url = urlsplit(text)  # raises ValueError too, without the text
    if url.scheme not in ("https", "http") or not url.hostname or url.query or url.fragment:
        raise ValueError(otherwise)
    if "@" in url.netloc:
        raise ValueError(otherwise)
    return text


def _identity_provider(number: int, options: object) -> IdentityProvider:
    if isinstance(options, IdentityProvider):
        return options
    try:
        return IdentityProvider.model_validate(options)
    except ValidationError as error:
        [problem, *_] = error.errors(include_url=False, include_input=False)
    # Only names of the model's fields: a key that is unknown may be anything.
    field = str(problem["loc"][0]) if problem["loc"] else ""
    where = f"issuer {number}" + (f", {field}" if field in IdentityProvider.model_fields else "")
    reason = "an unknown option" if problem["type"] == "extra_forbidden" else reason_of(problem)
    raise ValueError(f"{where}: {reason[:1].lower()}{reason[1:]}")


IdentityProviders = Annotated[
    dict[str, IdentityProvider], NoDecode, BeforeValidator(_identity_providers)
]


def identity_provider_errors(settings: "Settings") -> Iterator[SettingError]:
    if settings.jwt_issuer in settings.oidc_issuers:
        yield SettingError("OIDC_ISSUERS", "an issuer is JWT_ISSUER, the issuer of our own tokens")


def insecure_issuer_errors(issuers: Mapping[str, Any]) -> Iterator[SettingError]:
    """An attacker who changes the answers of an http issuer can log in as anybody."""
    if not all(issuer.startswith("https://") for issuer in issuers):
        yield SettingError("OIDC_ISSUERS", "every issuer must start with https:// in production")
