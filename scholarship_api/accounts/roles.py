"""Roles, and the scopes that each of them grants."""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    SCHOLARSHIPS_READ = "scholarships:read"
    SCHOLARSHIPS_WRITE = "scholarships:write"
    ANALYTICS_READ = "analytics:read"
    ANALYTICS_WRITE = "analytics:write"
    AUDIT_READ = "audit:read"
    KEYS_WRITE = "keys:write"
    SUBJECTS_READ = "subjects:read"
    SUBJECTS_WRITE = "subjects:write"
    """Data of the subjects of an API key's client. Only keys can use these two."""
    WEBHOOKS_WRITE = "webhooks:write"


class Role(StrEnum):
    ADMIN = "admin"
    PARTNER = "partner"
    STUDENT = "student"
    READ_ONLY = "read-only"
    SERVICE = "service"
    """An API key; its scopes are its own."""


SCOPES: Final[dict[Role, frozenset[Scope]]] = {
    Role.ADMIN: frozenset(Scope),
    Role.PARTNER: frozenset(
        {Scope.SCHOLARSHIPS_READ, Scope.SCHOLARSHIPS_WRITE, Scope.ANALYTICS_READ}
    ),
    Role.STUDENT: frozenset({Scope.SCHOLARSHIPS_READ}),
    Role.READ_ONLY: frozenset({Scope.SCHOLARSHIPS_READ}),
    Role.SERVICE: frozenset(),
}
