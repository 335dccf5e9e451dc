"""The ids of opportunities: UUIDs that follow from the ids of awards.

They are of version 8 (RFC 9562, appendix B.2): the first 128 bits of the SHA-256 of a namespace and
the award's id. PostgreSQL computes the same in `opportunity_id(text)`, which has an index; it has
no SHA-1, which version 5 would need, without an extension.
"""

import hashlib
import uuid
from typing import Final

NAMESPACE: Final = uuid.UUID("7b0f5ac1-e0c8-4d0b-9a3e-5d1f6c2b8e47")
"""The namespace of the ids of awards. It never changes: clients keep the ids."""

_VERSION: Final = 8


def opportunity_id(award_id: str) -> uuid.UUID:
    digest = bytearray(hashlib.sha256(NAMESPACE.bytes + award_id.encode()).digest()[:16])
    digest[6] = _VERSION << 4 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return uuid.UUID(bytes=bytes(digest))
