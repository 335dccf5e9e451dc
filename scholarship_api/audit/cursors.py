"""Cursors of the audit: the last row of each of its two tables that a page has shown."""

import re
from dataclasses import dataclass
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "audit cursor"

_NEWEST: Final = 2**63 - 1
_POSITION: Final = re.compile(rb"([0-9]{1,19})\.([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Position:
    """The ids that the rows of the next page are below."""

    change: int
    event: int


FIRST: Final = Position(change=_NEWEST, event=_NEWEST)


class CursorCodec:
    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, position: Position) -> str:
        return self._signer.sign(f"{position.change}.{position.event}".encode())

    def decode(self, cursor: str | None) -> Position:
        """The position; FIRST without a cursor. Raises ValidationFailed for a forged one."""
        if cursor is None:
            return FIRST
        try:
            found = _POSITION.fullmatch(self._signer.verify(cursor))
        except InvalidTokenError:
            found = None
        if found is None:
            raise ValidationFailed.of(
                "cursor", "is not a cursor of this API; start again without one"
            )
        return Position(change=min(int(found[1]), _NEWEST), event=min(int(found[2]), _NEWEST))
