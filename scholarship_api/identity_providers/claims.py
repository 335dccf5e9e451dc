"""Maps the claims of a verified token to a role and, for a partner, to an organization."""

from collections.abc import Mapping
from typing import Any, Final

from scholarship_api.accounts.roles import Role
from scholarship_api.settings.identity_providers import (
    MAX_NAME_LENGTH,
    ROLES,
    IdentityProvider,
)

UNMAPPED_ROLE: Final = Role.STUDENT


def role_and_organization(
    claims: Mapping[str, Any], options: IdentityProvider
) -> tuple[Role, str | None]:
    """The first role of ROLES that the claims map to, and the organization of a partner.

    A partner without an organization could change no award, and gets UNMAPPED_ROLE.
    """
    mapped = {options.roles.get(value) for value in _values(claims, options.role_claim)}
    role = next((Role(role) for role in ROLES if role in mapped), UNMAPPED_ROLE)
    if role is not Role.PARTNER:
        return role, None
    organization = _organization(claims, options)
    return (role, organization) if organization else (UNMAPPED_ROLE, None)


def _organization(claims: Mapping[str, Any], options: IdentityProvider) -> str | None:
    """The organization, unless the claims name none or several."""
    if options.organization_claim is None:
        return None
    values = _values(claims, options.organization_claim)
    if options.organizations:
        values = [
            options.organizations[value] for value in values if value in options.organizations
        ]
    names = {value.strip() for value in values}
    if len(names) != 1:
        return None
    [name] = names
    return name if name.isprintable() and len(name) <= MAX_NAME_LENGTH else None


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """The strings of a claim: of the claim with this very name, else of the path that it is."""
    found: object = claims
    if name in claims:
        found = claims[name]
    else:
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return [value for value in listed if isinstance(value, str)]
