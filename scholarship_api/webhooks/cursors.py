"""Cursors of the list of deliveries: the id of the last delivery of a page."""

import re
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "deliveries cursor"

_ID: Final = re.compile(rb"[0-9]{1,18}")


class CursorCodec:
    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, delivery_id: int) -> str:
        return self._signer.sign(str(delivery_id).encode())

    def decode(self, cursor: str) -> int:
        """The id. Raises ValidationFailed for a text that `encode` has not made."""
        try:
            payload = self._signer.verify(cursor)
        except InvalidTokenError:
            payload = b""
        if _ID.fullmatch(payload) is None:
            raise ValidationFailed.of(
                "cursor", "is not a cursor of this API; start again without one"
            )
        return int(payload)
