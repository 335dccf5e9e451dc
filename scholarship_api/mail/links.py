"""Links in mails: signed, so that they need no login and nothing has to be stored for them.

A link is for one address of one subject. It ends when the address is changed or removed.
"""

import hashlib
import uuid
from typing import Final, NamedTuple

from scholarship_api.platform.signed_tokens import InvalidTokenError, token_signer
from scholarship_api.settings.settings import Settings

CONFIRM: Final = "confirm-email"
UNSUBSCRIBE: Final = "unsubscribe"
"""The last part of the path of each link, and the purpose of its signature."""

_ID_BYTES: Final = 16
_DIGEST_BYTES: Final = 16


class Target(NamedTuple):
    subject_id: uuid.UUID
    digest: bytes
    """The `digest_of` the address."""


def digest_of(address: str) -> bytes:
    return hashlib.sha256(address.encode()).digest()[:_DIGEST_BYTES]


class Links:
    """Makes and reads the links of one kind."""

    def __init__(self, settings: Settings, kind: str) -> None:
        self._kind = kind
        self._base_url = settings.public_base_url
        self._signer = token_signer(settings, purpose=f"mail {kind}")

    def url(self, subject_id: uuid.UUID, address: str) -> str:
        token = self._signer.sign(subject_id.bytes + digest_of(address))
        return f"{self._base_url}/api/v1/{self._kind}/{token}"

    def read(self, token: str) -> Target | None:
        """The target of a link; None for a text that is none."""
        try:
            payload = self._signer.verify(token)
        except InvalidTokenError:
            return None
        if len(payload) != _ID_BYTES + _DIGEST_BYTES:
            return None
        return Target(uuid.UUID(bytes=payload[:_ID_BYTES]), payload[_ID_BYTES:])
