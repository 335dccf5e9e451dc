"""Makes rows for imports."""

import json
from typing import Any

Row = dict[str, Any]


def award(**fields: object) -> Row:
    """A row with the required fields, and `fields`."""
    return {
        "id": "award",
        "name": "Name",
        "organization": "Organization",
        "scholarship_type": "merit_based",
        **fields,
    }


def ndjson(*awards: Row) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in awards)
