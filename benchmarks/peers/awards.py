"""The awards of a catalogue as plain rows, from which each peer builds its own index."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

BATCH_ROWS: Final = 10_000
"""Rows that are fetched at once."""

_AWARDS: Final = """
SELECT id, name, organization, description, amount::float8 AS amount, currency,
    application_deadline, scholarship_type, fields_of_study, residency_states AS states,
    grade_levels, citizenship_required AS citizenship, min_gpa::float8 AS min_gpa,
    max_gpa::float8 AS max_gpa, renewable
FROM scholarships
WHERE status = 'published'
ORDER BY id
"""


def read(conninfo: str) -> Iterator[dict[str, Any]]:
    """All published awards. Lists are empty, and values None, where an award is open to all."""
    with (
        psycopg.connect(conninfo) as connection,
        connection.cursor("awards", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = BATCH_ROWS
        yield from cursor.execute(_AWARDS)
