"""Opaque cursors of the lists of personal resources: the id of a page's last row.

The ids are UUIDv7, in whose order the resources were created. Each list has cursors of its own.
"""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Request

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "personal list cursor"
"""The purpose that the signing key is derived for."""

MAX_LENGTH: Final = 128
"""Characters. A cursor that this module makes has at most 96."""


class CursorCodec:
    """Makes texts of positions, and positions of texts; one per process."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, list_name: str, last_id: uuid.UUID) -> str:
        return self._signer.sign(list_name.encode() + b":" + last_id.bytes)

    def decode(self, list_name: str, text: str | None) -> uuid.UUID | None:
        """The position; None for the beginning. Raises ValidationFailed for any other text."""
        if text is None:
            return None
        prefix = list_name.encode() + b":"
        try:
            payload = self._signer.verify(text)
            if payload.startswith(prefix):
                return uuid.UUID(bytes=payload.removeprefix(prefix))
        except (InvalidTokenError, ValueError):
            pass
        raise ValidationFailed.of(
            "cursor", "is not a cursor of this list, or no longer one; start again without a cursor"
        )


async def _of_the_process(request: Request) -> CursorCodec:
    codec: CursorCodec = request.app.state.subject_cursor_codec
    return codec


ListCursors = Annotated[CursorCodec, Depends(_of_the_process)]
"""The codec, for a route that lists."""
