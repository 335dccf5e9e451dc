"""Cursors of the feed of changes: the position of the last event that a page has shown."""

import re
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "changes cursor"

_POSITION: Final = re.compile(rb"[0-9]{1,18}")


class CursorCodec:
    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, position: int) -> str:
        return self._signer.sign(str(position).encode())

    def decode(self, cursor: str) -> int:
        """The position. Raises ValidationFailed for a text that `encode` has not made."""
        try:
            payload = self._signer.verify(cursor)
        except InvalidTokenError:
            payload = b""
        if _POSITION.fullmatch(payload) is None:
            raise ValidationFailed.of(
                "cursor", "is not a cursor of this feed; start again without one"
            )
        return int(payload)
