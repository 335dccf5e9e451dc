"""The SQL functions are those of the migrations, and an import refreshes the statistics."""

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import psycopg
import pytest

from scholarship_api.catalogue import search_index
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from tests.catalogue.api import serving
from tests.catalogue.awards import Row, award, ndjson

pytestmark = pytest.mark.anyio

Catalogue = psycopg.Connection[dict[str, Any]]
Cursor = psycopg.AsyncCursor[Any]
Batch = Sequence[tuple[str, int | None]]


async def import_awards(conninfo: str, *awards: Row) -> ImportReport:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        return await import_stream(io.BytesIO(ndjson(*awards)), connection)


def documents(catalogue: Catalogue) -> dict[str, int]:
    found = catalogue.execute("SELECT word, documents FROM search_words")
    return {row["word"]: row["documents"] for row in found}


# --- Functions -----------------------------------------------------------------------------------


@pytest.fixture
def temporary(catalogue: Catalogue) -> Iterator[Catalogue]:
    """The catalogue, in a transaction that is rolled back."""
    with catalogue.transaction(force_rollback=True):
        yield catalogue


def definition(catalogue: Catalogue, name: str) -> str:
    row = catalogue.execute(
        "SELECT pg_get_functiondef(('public.' || %s)::regproc) AS text", [name]
    ).fetchone()
    assert row
    return " ".join(row["text"].split())


@pytest.mark.parametrize("name", search_index.FUNCTIONS)
def test_a_function_is_as_the_migrations_left_it(temporary: Catalogue, name: str) -> None:
    migrated = definition(temporary, name)
    temporary.execute(search_index.FUNCTIONS[name])
    assert definition(temporary, name) == migrated


def test_every_function_of_generated_columns_and_word_triggers_is_listed(
    catalogue: Catalogue,
) -> None:
    rows = catalogue.execute(
        "SELECT proname FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
        " WHERE nspname = 'public' AND proname NOT LIKE 'procrastinate%'"
        " AND NOT EXISTS (SELECT FROM pg_depend"
        "  WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')"
    )
    # The audit, the version of the catalogue, other ids and saved searches do not concern search.
    others = {
        "audit_forget_account",
        "audit_purge",
        "opportunity_id",
        "saved_searches_forget",
        "saved_searches_forget_one",
        "saved_searches_outdate",
        "scholarship_stays_merged",
        "scholarships_audit",
        "catalogue_changed",
        "search_rules_changed",
        "search_words_changed",
    }
    assert {row["proname"] for row in rows} - others == search_index.FUNCTIONS.keys()


async def test_search_works_without_the_extension_fuzzystrmatch(
    catalogue: Catalogue, conninfo: str, module_database_url: str
) -> None:
    catalogue.execute("DROP EXTENSION fuzzystrmatch RESTRICT")
    await import_awards(conninfo, award(name="Theremin prize"))
    async with serving(module_database_url) as api:
        found = await api.anonymous.get("/api/v1/search", params={"q": "theremni"})
        completed = await api.anonymous.get("/api/v1/search/suggestions", params={"prefix": "ther"})
    assert [item["name"] for item in found.json()["items"]] == ["Theremin prize"]
    assert completed.json()["suggestions"]


# --- Statistics ----------------------------------------------------------------------------------


async def test_the_awards_of_a_word_are_counted_exactly_in_a_small_catalogue(
    catalogue: Catalogue, conninfo: str
) -> None:
    await import_awards(
        conninfo,
        award(id="a", name="Quokka prize", description="quokka quokka"),
        award(id="b", name="Quokka award"),
        award(id="c", name="Ibis award"),
        award(id="d", name="Ibis secret", status="draft"),
    )
    found = documents(catalogue)
    assert (found["quokka"], found["ibis"], found["prize"]) == (2, 1, 1)
    assert "secret" not in found
    await import_awards(conninfo, award(id="a", name="Wombat prize"), award(id="b", name="Wombat"))
    found = documents(catalogue)
    assert "quokka" not in found
    assert (found["wombat"], found["prize"]) == (2, 1)


@pytest.mark.slow
async def test_the_awards_of_a_word_are_estimated_from_a_sample_in_a_large_catalogue(
    catalogue: Catalogue, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "EXACT_COUNT_MAX_AWARDS", 2_000)
    names = itertools.cycle(("quokka", "quokka", "ibis", "ibis quokka", "marmot"))
    rows = [award(id=f"{number:05d}", name=next(names)) for number in range(8_000)]
    await import_awards(conninfo, *rows)
    found = documents(catalogue)
    shares = {"quokka": 0.6, "ibis": 0.4, "marmot": 0.2, "organization": 1.0}
    for word, share in shares.items():
        assert 0.8 < found[word] / (8_000 * share) < 1.25


async def test_the_planner_knows_the_size_of_the_catalogue(
    catalogue: Catalogue, conninfo: str
) -> None:
    await import_awards(conninfo, *(award(id=f"{number}") for number in range(300)))
    sizes = catalogue.execute(
        "SELECT reltuples FROM pg_class WHERE oid = 'scholarships'::regclass"
    ).fetchone()
    assert sizes == {"reltuples": 300}
    pending = catalogue.execute(
        "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " JOIN pg_am ON pg_am.oid = relam AND amname = 'gin',"
        " gin_clean_pending_list(indexrelid) AS pages"
        " WHERE indrelid = 'scholarships'::regclass AND pages > 0"
    ).fetchone()
    assert pending == {"count": 0}


async def test_an_import_that_changes_nothing_leaves_statistics_alone(
    catalogue: Catalogue, conninfo: str
) -> None:
    await import_awards(conninfo, award())
    catalogue.execute("UPDATE search_words SET documents = 99")
    await import_awards(conninfo, award())
    assert set(documents(catalogue).values()) == {99}


async def test_a_refresh_changes_words_in_short_transactions(
    catalogue: Catalogue, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of them, writers of awards with these words go on."""
    await import_awards(conninfo, award(id="a", name="Quokka prize"))
    catalogue.execute("UPDATE search_words SET documents = 99")
    monkeypatch.setattr(search_index, "BATCH_WORDS", 1)
    write_counts = search_index._write_counts
    batches = 0

    async def write_award_first(cursor: Cursor, batch: Batch) -> None:
        nonlocal batches
        batches += 1
        with catalogue.transaction():
            catalogue.execute("SET LOCAL lock_timeout = '1s'")
            catalogue.execute("UPDATE scholarships SET max_awards = %s", [batches])
        await write_counts(cursor, batch)

    monkeypatch.setattr(search_index, "_write_counts", write_award_first)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await search_index.refresh_statistics(connection)
    found = documents(catalogue)
    assert batches == len(found) > 3
    assert set(found.values()) == {1}


async def test_a_word_that_comes_back_while_statistics_are_refreshed_is_kept(
    catalogue: Catalogue, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_awards(conninfo, award(id="a", name="Quokka prize"))
    catalogue.execute("UPDATE scholarships SET name = 'Ibis prize'")
    write_counts = search_index._write_counts

    async def write_award_first(cursor: Cursor, batch: Batch) -> None:
        catalogue.execute("UPDATE scholarships SET name = 'Quokka prize'")
        await write_counts(cursor, batch)

    monkeypatch.setattr(search_index, "_write_counts", write_award_first)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await search_index.refresh_statistics(connection)
    assert "quokka" in documents(catalogue)


async def test_an_import_does_not_wait_while_another_session_counts_words(
    catalogue: Catalogue, conninfo: str
) -> None:
    with catalogue.transaction(), anyio.fail_after(30):
        catalogue.execute(AdvisoryLock.STATISTICS_REFRESH.try_for_transaction)
        report = await import_awards(conninfo, award())
    assert report.created == 1
