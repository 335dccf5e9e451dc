"""Opaque cursors of the lists of keys and of their use: the texts that order a page's last row."""

from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "api key cursor"
"""The purpose that the signing key is derived for."""

KEYS: Final = "keys"
USAGE: Final = "usage"

MAX_LENGTH: Final = 1_024
"""Characters. A name of a hundred characters of four bytes makes about 650."""

_SEPARATOR: Final = "\0"
"""No name has it."""


class CursorCodec:
    """Makes texts of positions, and positions of texts; one per process."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, list_name: str, *position: str) -> str:
        return self._signer.sign(_SEPARATOR.join((list_name, *position)).encode())

    def decode(self, list_name: str, text: str | None) -> list[str] | None:
        """The position; None for the beginning. Raises ValidationFailed for any other text."""
        if text is None:
            return None
        try:
            name, *position = self._signer.verify(text).decode().split(_SEPARATOR)
        except InvalidTokenError:
            name, position = "", []
        if name != list_name:
            raise ValidationFailed.of(
                "cursor", "is not a cursor of this list; start again without one"
            )
        return position
