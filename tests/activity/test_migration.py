"""The tables of activity match their models, and every request reads them by an index."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Select, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from scholarship_api.activity import queries
from scholarship_api.activity.models import (
    AwardEventCount,
    Interaction,
    InteractionType,
    QueryCount,
    QueryEventCount,
)
from scholarship_api.activity.searches import queries as searches
from scholarship_api.activity.searches.schemas import SearchOrder
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.base import Base

TABLES = {
    "interactions",
    "search_counts",
    "query_counts",
    "query_clients",
    "query_event_counts",
    "award_event_counts",
    "event_clients",
}


COUNTS = {"day": "2026-01-01", "events": 1, "positioned": 0, "position_sum": 0}


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back in the end."""
    engine = create_engine(module_database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.slow
def test_down_and_up_again(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    migrations.downgrade(scratch_database_url, revision="0002")
    engine = create_engine(scratch_database_url)
    assert not TABLES & set(inspect(engine).get_table_names())
    migrations.upgrade(scratch_database_url)
    assert set(inspect(engine).get_table_names()) >= TABLES
    engine.dispose()


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Interaction, {"scholarship_id": "award_1", "type": "clicked"}),
        (
            Interaction,
            {"scholarship_id": "award_1", "type": "viewed", "account_id": uuid.UUID(int=1)},
        ),
        (QueryCount, {"day": "2026-01-01", "query": "", "clients": 1}),
        (QueryCount, {"day": "2026-01-01", "query": "x" * 101, "clients": 1}),
        (QueryCount, {"day": "2026-01-01", "query": "x", "clients": 0}),
        (QueryEventCount, {**COUNTS, "query": "", "type": "click", "clients": 1}),
        (QueryEventCount, {**COUNTS, "query": "x" * 101, "type": "click", "clients": 1}),
        (QueryEventCount, {**COUNTS, "query": "x", "type": "clicked", "clients": 1}),
        (AwardEventCount, {**COUNTS, "scholarship_id": "award_1", "type": "no_results"}),
    ],
    ids=str,
)
def test_the_tables_refuse_invalid_values(
    connection: Connection, model: type[Base], values: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError):
        connection.execute(postgresql.insert(model).values(values))


def test_the_table_accepts_every_type(connection: Connection) -> None:
    for kind in InteractionType:
        values = {"scholarship_id": "award_1", "type": kind.value}
        connection.execute(postgresql.insert(Interaction).values(values))


# --- Plans ---------------------------------------------------------------------------------------

ACCOUNT = uuid.UUID(int=7)
SINCE = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
PERIOD: dict[str, Any] = {"since": SINCE.date(), "until": SINCE.date() + dt.timedelta(days=29)}


A_YEAR = (
    """
    INSERT INTO accounts (id, username, password_hash, role)
    SELECT lpad(to_hex(i), 32, '0')::uuid, 'plan' || i, 'x', 'student'
    FROM generate_series(1, 2000) AS i
    """,
    """
    INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)
    SELECT 'plan_' || i, 'Name', CASE WHEN i < 20 THEN 'Other' ELSE 'Organization' END,
        'athletic', 'rolling'
    FROM generate_series(1, 2000) AS i
    """,
    """
    INSERT INTO interactions (account_id, scholarship_id, type, occurred_at)
    SELECT
        lpad(to_hex(1 + i * 7919 % 2000), 32, '0')::uuid,
        'plan_' || 1 + i / 7 % 1999,
        (ARRAY['viewed', 'saved', 'applied', 'dismissed'])[1 + i % 4],
        now() - interval '365 days' * (1 - i / 60000.0)
    FROM generate_series(1, 60000) AS i
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO query_counts
    SELECT current_date - 364 + day, 'query ' || i, 1
    FROM generate_series(0, 364) AS day, generate_series(1, 100) AS i
    """,
    """
    INSERT INTO query_event_counts
    SELECT current_date - 364 + day, 'query ' || i, type, 1, 1, 1, 1
    FROM generate_series(0, 364) AS day, generate_series(1, 100) AS i,
        unnest(ARRAY['no_results', 'click', 'view']) AS type
    """,
    """
    INSERT INTO award_event_counts
    SELECT current_date - 364 + day, 'plan_' || i, type, 1, 1, 1
    FROM generate_series(0, 364) AS day, generate_series(1, 100) AS i,
        unnest(ARRAY['click', 'view', 'apply']) AS type
    """,
)


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Connection]:
    """A year of interactions and searches, in the order in which they happened."""
    engine = create_engine(module_database_url)
    with engine.connect() as connection:
        for statement in A_YEAR:
            connection.execute(text(statement))
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(
            text(
                "VACUUM ANALYZE interactions, query_counts, query_event_counts,"
                " award_event_counts, accounts, scholarships"
            )
        )
        yield connection
    engine.dispose()


def newest(**filters: object) -> Select[Any]:
    return queries.newest_interactions_statement(filters=filters, after=(SINCE, 1), limit=21)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (queries.counts_statement(since=SINCE), "ix_interactions_(type|occurred_at)"),
        (queries.active_accounts_statement(since=SINCE), "ix_interactions_(type|occurred_at)"),
        (queries.popular_statement(since=SINCE, limit=10), "ix_interactions_(type|occurred_at)"),
        (
            queries.popular_statement(since=SINCE, limit=10, organizations=["Other"]),
            "ix_interactions_(type|occurred_at)",
        ),
        (queries.organizations_statement("Other", since=SINCE), "pk_scholarships"),
        (searches.trends_statement(since=SINCE.date(), limit=10), "pk_query_counts"),
        *(
            (searches.searches_statement(order=order, **PERIOD, limit=10), "pk_query_event_counts")
            for order in SearchOrder
        ),
        (searches.found_awards_statement(**PERIOD, limit=10), "pk_award_event_counts"),
        (queries.account_counts_statement(ACCOUNT), "ix_interactions_account_id"),
        (newest(), "ix_interactions_occurred_at"),
        (newest(account_id=ACCOUNT), "ix_interactions_account_id"),
        (newest(scholarship_id="plan_1"), "ix_interactions_scholarship_id"),
        (newest(type="applied"), "ix_interactions_(type|occurred_at)"),
        (newest(type="applied", since=SINCE, until=SINCE), "ix_interactions_"),
    ],
    ids=[
        *("counts", "active accounts", "popular", "popular of a partner", "organizations"),
        "trends",
        *(f"searches by {order}" for order in SearchOrder),
        *("results of searches", "account counts"),
        *("newest", "of an account", "of an award", "of a type", "in a span"),
    ],
)
def test_no_request_scans_a_table(filled: Connection, statement: Select[Any], index: str) -> None:
    compiled = statement.compile(dialect=filled.dialect, compile_kwargs={"literal_binds": True})
    plan = "\n".join(row[0] for row in filled.exec_driver_sql(f"EXPLAIN {compiled}"))
    assert re.search(index, plan), plan
    assert "Seq Scan" not in plan
