"""The read model of a database, for tests that need no server."""

import psycopg

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.records import RECORD, parse


def loaded(database_url: str) -> ReadModel:
    model = ReadModel()
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            f"SELECT {RECORD}::text FROM scholarships AS s WHERE status = 'published'"
        )
        model.add(parse(text.encode()) for (text,) in rows)
    model.build_orders()
    return model
