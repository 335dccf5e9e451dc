"""The owner of personal data, as a request names it."""

import uuid
from dataclasses import dataclass

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.organizations import fold_organization


@dataclass(frozen=True, slots=True)
class Owner:
    """The person that a request is about, and the account or API key that sends it."""

    account: AuthenticatedAccount
    client: str | None = None
    external_id: str | None = None
    """With `client`, a subject of that client; without both, the account itself."""


def client_of(account: AuthenticatedAccount) -> str:
    """The name of an API key's client, to which its subjects belong."""
    return client_name(account.id, organization=account.organization)


def client_name(key_id: uuid.UUID, *, organization: str | None) -> str:
    """The name of the client of a key.

    Keys of one organization are one client, so that a new key finds the subjects of the one before
    it. A key without an organization is a client of its own; a rotation leaves it the same.
    """
    if organization is not None:
        return f"organization:{fold_organization(organization)}"
    return f"key:{key_id}"
