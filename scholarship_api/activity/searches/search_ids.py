"""The `search_id` of an answer: it tells an event which query it belongs to.

It consists of the known words of the query (see `search.known_words`) and a signature. So the
service keeps nothing about a search that was answered, and nobody can make one up. It is the same
for all searches with the same known words: it names no person and no single search.
"""

from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "search id"
"""The purpose that the signing key is derived for."""

MAX_LENGTH: Final = 200
"""Characters. One with the longest query, of 100 letters, has 155."""


class SearchIds:
    """Makes ids of queries, and queries of ids; one per process."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, query: str) -> str:
        """The id of searches with these known words; `query` may be empty."""
        return self._signer.sign(query.encode())

    def decode(self, text: str) -> str:
        """The known words. Raises ValidationFailed for a text that `encode` has not made."""
        try:
            return self._signer.verify(text).decode()
        except InvalidTokenError:
            raise ValidationFailed.of(
                "search_id", "is not a search_id of this API, or no longer one"
            ) from None
