"""The index of saved searches: shared entries, their end, and pauses of queries that fail."""

import datetime as dt
import threading
import uuid
from typing import Final

import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.saved_searches.indexing import INDEX_AGE, INDEX_BATCH
from scholarship_api.saved_searches.matching import SearchMatcher
from tests.eligibility.awards import award, put
from tests.saved_searches.test_matching import results, saved, told_of
from tests.saved_searches.test_results import connection, now
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

FAILURES: Final = 3
"""After so many a query is paused."""


@pytest.fixture(scope="module")
def matcher(app: FastAPI) -> SearchMatcher:
    state = app.state
    return SearchMatcher(state.database, state.answers, state.cursor_codec)


def entries(url: str, word: str) -> int:
    """How many entries need a word."""
    with connection(url) as database:
        row = database.execute(
            "SELECT count(*) FROM saved_queries WHERE tokens @> ARRAY[%s]", [f"w:{word}"]
        ).fetchone()
    assert row is not None
    number: int = row[0]
    return number


async def test_equal_queries_share_an_entry_until_the_last_search_is_gone(
    account: Student, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    query = {"q": "harpsichord", "states": ["CA"]}
    same = {"states": ["CA"], "q": "harpsichord"}
    put(module_database_url, [award("harpsichords", description="Harpsichord")])
    first = await saved(account, query=query)
    second = await saved(subject, query=same)
    third = await saved(subject, query=query)
    await matcher.index()
    assert entries(module_database_url, "harpsichord") == 1
    await account.send("DELETE", f"/saved-searches/{first}")
    url = f"/saved-searches/{second}"
    await subject.send("PATCH", url, {"query": {"q": "lute"}}, If_Match="*")
    assert entries(module_database_url, "harpsichord") == 1
    await subject.send("DELETE", f"/saved-searches/{third}")
    assert entries(module_database_url, "harpsichord") == 0


async def test_a_search_with_the_stored_profile_has_an_entry_of_its_own(
    account: Student, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("spinets", description="Spinet")])
    for student in (account, subject):
        await saved(student, query={"q": "spinet"}, use_profile=True)
    await saved(account, query={"q": "spinet"})
    await matcher.index()
    assert entries(module_database_url, "spinet") == 3


async def test_two_deletions_at_once_leave_no_entry(
    account: Student, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("clavichords", description="Clavichord")])
    first, second = [
        await saved(student, query={"q": "clavichord"}) for student in (account, subject)
    ]
    await matcher.index()
    delete = "DELETE FROM saved_searches WHERE id = %s"
    url = module_database_url.replace("+psycopg", "")
    with psycopg.connect(url) as one:
        one.execute(delete, [first])  # not committed: the other transaction sees the search

        def delete_second() -> None:
            with psycopg.connect(url) as other:
                other.execute(delete, [second])

        other_deletion = threading.Thread(target=delete_second)
        other_deletion.start()
        one.commit()
        other_deletion.join(30)
    assert entries(module_database_url, "clavichord") == 0


async def test_a_search_that_is_being_deleted_is_not_indexed(
    subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("virginals", description="Virginal")])
    search_id = await saved(subject, query={"q": "virginal"})
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as deletion:
        deletion.execute("DELETE FROM saved_searches WHERE id = %s", [search_id])
        threading.Timer(0.3, deletion.commit).start()
        await matcher.index()
    assert entries(module_database_url, "virginal") == 0


async def test_old_entries_are_made_anew_batch_by_batch(
    subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("citterns", description="Cittern")])
    await saved(subject, query={"q": "cittern"})
    await matcher.index()
    assert await matcher.renew_index() == 0
    with connection(module_database_url) as database:
        database.execute("UPDATE saved_queries SET indexed_at = now() - %s", [INDEX_AGE])
        row = database.execute("SELECT count(*) FROM saved_queries").fetchone()
    assert row is not None
    assert await matcher.index() == 0  # old entries find the same searches
    assert await matcher.renew_index() == min(row[0], INDEX_BATCH)


@pytest.mark.slow
async def test_a_search_that_fails_three_times_is_paused_until_its_query_is_written_again(
    app: FastAPI, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    await subject.send("PUT", "/profile", {"gpa": 3})
    failing = await saved(subject, query={"q": "theorbo"}, use_profile=True)
    working = await saved(subject, query={"q": "theorbo"})
    since = dt.datetime.fromisoformat(now(module_database_url))
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, description="Theorbo")])
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as lock:
        # Only the search with the profile waits for this lock.
        lock.execute("LOCK TABLE profiles IN ACCESS EXCLUSIVE MODE")
        for _ in range(FAILURES - 1):
            with pytest.raises(DatabaseUnavailable):
                await matcher.match_since(since)
        found = await matcher.match_since(since)
        lock.rollback()
    told = await told_of(app, found)
    assert told[working] == [award_id]
    assert failing not in told
    paused = (await subject.send("GET", f"/saved-searches/{failing}")).json()
    end = dt.datetime.fromisoformat(paused["alerts_paused_until"])
    assert end > dt.datetime.now(dt.UTC)
    listed = (await subject.send("GET", "/saved-searches")).json()["items"]
    assert {each["id"] for each in listed if each["alerts_paused_until"]} == {failing}
    assert failing not in await told_of(app, await matcher.match_since(since))
    # Results of the time of the pause are shown all the same.
    assert await results(subject, failing, since.isoformat().replace("+00:00", "Z")) == {award_id}

    same = {"query": {"q": "theorbo"}}
    changed = await subject.send("PATCH", f"/saved-searches/{failing}", same, If_Match="*")
    assert changed.json()["alerts_paused_until"] is None
    assert (await told_of(app, await matcher.match_since(since)))[failing] == [award_id]


@pytest.mark.slow
async def test_a_pause_ends_by_itself(
    app: FastAPI, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    search_id = await saved(subject, query={"q": "shawm"})
    await matcher.index()
    since = dt.datetime.fromisoformat(now(module_database_url))
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, description="Shawm")])
    for until, told in (("now() + interval '1 minute'", False), ("now()", True)):
        with connection(module_database_url) as database:
            database.execute(
                f"UPDATE saved_queries SET paused_until = {until} WHERE digest ="
                " (SELECT indexed_query FROM saved_searches WHERE id = %s)",
                [search_id],
            )
        assert (search_id in await told_of(app, await matcher.match_since(since))) is told
        shown = (await subject.send("GET", f"/saved-searches/{search_id}")).json()
        assert (shown["alerts_paused_until"] is None) is told
