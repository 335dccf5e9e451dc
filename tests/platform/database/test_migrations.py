"""The schema: models and migrations agree, every step can be taken back, replicas may race."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, NullPool, create_engine, inspect, text

from scholarship_api.accounts import models as accounts
from scholarship_api.activity import models as activity
from scholarship_api.catalogue import models as catalogue
from scholarship_api.platform.database import migrations, revisions
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from scholarship_api.platform.database.base import Base
from scholarship_api.search import models as search

REPOSITORY = Path(__file__).parents[3]
FEATURES = (accounts, activity, catalogue, search)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_models_and_migrations_agree(database_url: str) -> None:
    assert FEATURES
    with connected(database_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "include_name": migrations.has_model}
        )
        assert compare_metadata(context, Base.metadata) == []
        inspector = inspect(connection)
        for table in Base.metadata.tables.values():  # Alembic compares no check constraints
            checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
            assert checks == {
                check.name for check in table.constraints if isinstance(check, CheckConstraint)
            }, table.name


def test_upgrade_downgrade_upgrade(scratch_database_url: str) -> None:
    heads = (revisions.head(),)
    assert migrations.upgrade(scratch_database_url) == heads
    assert migrations.downgrade(scratch_database_url, revision="base") == ()
    with connected(scratch_database_url) as connection:
        left = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                " UNION ALL SELECT cfgname FROM pg_ts_config"
                " WHERE cfgnamespace = 'public'::regnamespace"
            )
        ).scalars()
        assert set(left) <= {"alembic_version", "alembic_version_pkc"}
    assert migrations.upgrade(scratch_database_url) == heads


def test_a_second_upgrade_changes_nothing(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    assert migrations.upgrade(scratch_database_url) == (revisions.head(),)


def test_replicas_that_race_all_end_at_the_head(scratch_database_url: str) -> None:
    results: list[object] = []

    def migrate() -> None:
        try:
            results.append(migrations.upgrade(scratch_database_url))
        except Exception as error:  # noqa: BLE001 - to be shown by the assertion
            results.append(error)

    replicas = [threading.Thread(target=migrate) for _ in range(4)]
    for replica in replicas:
        replica.start()
    for replica in replicas:
        replica.join()
    assert results == [(revisions.head(),)] * len(replicas)


def test_a_replica_gives_up_waiting_for_the_migration_lock(scratch_database_url: str) -> None:
    with connected(scratch_database_url) as other:
        other.execute(text(AdvisoryLock.SCHEMA_MIGRATION.try_for_session))
        with pytest.raises(migrations.MigrationTimeoutError, match="another replica"):
            migrations.upgrade(scratch_database_url, wait_seconds=0.3)


def test_every_write_stores_its_new_words(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    with connected(scratch_database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)"
                " VALUES ('a', 'The Élan 2027 engineers'' prize', 'R&D', 'athletic', 'rolling');"
                "INSERT INTO scholarships"
                " (id, name, organization, scholarship_type, deadline_kind, status)"
                " VALUES ('b', 'Secret', 'Draft', 'athletic', 'rolling', 'draft')"
            )
        )
        connection.execute(text("UPDATE scholarships SET description = 'kayaking'"))
        rows = connection.execute(text("SELECT word, lexeme FROM search_words"))
        words = {row.word: row.lexeme for row in rows}
    assert words == {
        "elan": "elan",
        "engineers": "engin",
        "prize": "prize",
        "rd": "rd",
        "athletic": "athlet",
        "kayaking": "kayak",
    }


def test_stored_words_are_those_of_the_text_search_parser(scratch_database_url: str) -> None:
    descriptions = (
        "The same words, the same; words -- and/or U.S. e.g. twenty-first",
        "Tab\there\nand\r\nbreaks\u00a0everywhere",
        "before <a href='x y' title=\"hidden words\">shown</a> after",
        "GPA < 3.5 and > 2, or <unclosed tag",
        "&amp; &eacute; naïve ŒUVRE mail@example.org http://example.org/path?some=thing a_b C++",
        "R&D ½ 10kg 1e5 -7 +3 don't “quoted” 東京 Ελλάδα",
    )
    migrations.upgrade(scratch_database_url)
    with connected(scratch_database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO scholarships"
                " (id, name, organization, description, scholarship_type, deadline_kind)"
                " SELECT 'id' || position, 'Name', 'Organization', description, 'athletic',"
                " 'rolling' FROM unnest(CAST(:descriptions AS text[]))"
                " WITH ORDINALITY AS given (description, position)"
            ),
            {"descriptions": list(descriptions)},
        )
        remembered = connection.execute(text("SELECT word FROM search_words")).scalars().all()
        parsed = connection.execute(
            text(
                "SELECT DISTINCT word FROM (SELECT unnest(tsvector_to_array(to_tsvector("
                "'public.scholarship_words', public.plain_words(concat_ws(' ', name, organization,"
                ' description, scholarship_type))))) COLLATE "C" AS word FROM scholarships)'
                " WHERE length(word) BETWEEN 2 AND 40 AND word ~ '^[[:alnum:]]+$'"
                " AND word !~ '^[0-9]+$' AND ts_lexize('pg_catalog.english_stem', word) <> '{}'"
            )
        ).scalars()
        assert set(remembered) == set(parsed)
    # Text between < and > is text: nobody writes tags into a catalogue, but "GPA < 3.5 and > 2".
    assert {"shown", "oeuvre", "unclosed", "hidden"} <= set(remembered)


def test_awards_that_are_there_are_indexed_again(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url, revision="0012")
    with connected(scratch_database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO scholarships"
                " (id, name, organization, description, scholarship_type, deadline_kind)"
                " SELECT 'id' || number, 'Plain', 'Trust',"
                " CASE number % 2 WHEN 0 THEN 'botany' ELSE 'botany\u2014zoology' END, 'athletic',"
                " 'rolling' FROM generate_series(1, 1100) AS number"
            )
        )
        connection.commit()
        with_the_word = text("SELECT count(*) FROM scholarships WHERE search_vector @@ 'zoolog'")
        assert connection.scalar(with_the_word) == 0
        connection.commit()
        migrations.upgrade(scratch_database_url)
        assert connection.scalar(with_the_word) == 550
        # Only awards with other words than before are written, so that workers read them again.
        changes = text("SELECT count(*) FROM scholarship_changes WHERE action = 'updated'")
        assert connection.scalar(changes) == 550


def test_an_award_of_usual_length_is_stored_in_its_row(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    with connected(scratch_database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO scholarships"
                " (id, name, organization, description, scholarship_type, deadline_kind)"
                " SELECT 'a', 'Name', 'Organization', string_agg(md5(word::text), ' '), 'athletic',"
                " 'rolling' FROM generate_series(1, 60) AS word"
            )
        )
        lengths = "octet_length(description) + pg_column_size(search_vector)"
        assert connection.scalar(text(f"SELECT {lengths} FROM scholarships")) > 4_000
        assert not connection.scalar(
            text(
                "SELECT pg_relation_size(reltoastrelid) FROM pg_class"
                " WHERE oid = 'scholarships'::regclass"
            )
        )


# --- The command `alembic` in a checkout --------------------------------------------------------


def alembic_by_hand(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=REPOSITORY,
        env={**kept, "ENVIRONMENT": "test", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_alembic_by_hand_takes_the_settings_of_the_service(scratch_database_url: str) -> None:
    done = alembic_by_hand("upgrade", "head", DATABASE_URL=scratch_database_url)
    assert done.returncode == 0, done.stderr
    with connected(scratch_database_url) as connection:
        assert migrations.current_revisions(connection) == (revisions.head(),)
    done = alembic_by_hand("check", DATABASE_URL=scratch_database_url)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("upgrade", "head"), {}, "scholarship-api migrate"),
        (("upgrade", "head"), {"DATABASE_URL": "nonsense"}, "DATABASE_URL: not a PostgreSQL URL"),
        (("upgrade", "head", "--sql"), {}, "cannot be written as SQL"),
    ],
)
def test_alembic_by_hand_says_what_it_needs(
    arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = alembic_by_hand(*arguments, **variables)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
