from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row


@pytest.fixture
def conninfo(module_database_url: str) -> str:
    """The connection string of this module's database."""
    return module_database_url.replace("+psycopg", "")


@pytest.fixture
def catalogue(conninfo: str) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    """A connection to this module's database, which is emptied first."""
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("TRUNCATE scholarships, search_words")
        yield connection
