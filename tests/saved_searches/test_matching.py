"""The reverse search finds exactly the searches whose results are new."""

import datetime as dt
import random
import uuid
from collections.abc import Callable
from typing import Any, Final

import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.saved_searches.matching import (
    LOOKED_UP_AWARDS,
    Found,
    SearchMatcher,
    searches_of,
)
from tests.eligibility.awards import award, put
from tests.saved_searches.test_results import change, connection, now
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

WORDS: Final = (
    *("nursing", "nurse", "engineering", "engineer", "marine", "biology", "quantum", "history"),
    *("computer", "science", "women", "veterans", "essay", "leadership", "orchestra", "zoology"),
)
NEW_WORDS: Final = ("xylophone", "glaciology", "beekeeping")
"""Words that no award has in the beginning."""

STATES: Final = ("CA", "NY", "PR", "TX")
FIELDS: Final = ("engineering", "law", "arts")
TYPES: Final = ("merit_based", "need_based", "athletic")
GRADES: Final = ("high_school", "undergraduate", "graduate")


def random_award(rng: random.Random, award_id: str) -> dict[str, Any]:
    criteria: dict[str, Any] = {}
    if rng.random() < 0.5:
        criteria["residency_states"] = rng.sample(STATES, 2)
    if rng.random() < 0.5:
        criteria["fields_of_study"] = rng.sample(FIELDS, 1)
    if rng.random() < 0.3:
        criteria["grade_levels"] = rng.sample(GRADES, 1)
    if rng.random() < 0.3:
        criteria["min_gpa"] = rng.choice(["2.5", "3.5"])
    return award(
        award_id,
        scholarship_type=rng.choice(TYPES),
        essay_required=rng.random() < 0.5,
        description=" ".join(rng.choices((*WORDS, *NEW_WORDS), k=6)),
        renewable=rng.random() < 0.5,
        status=rng.choices(["published", "draft", "archived"], [6, 1, 1])[0],
        eligibility_criteria=criteria,
    )


def random_words(rng: random.Random) -> str:
    words = " ".join(rng.choices((*WORDS, *NEW_WORDS), k=rng.choice([1, 1, 2, 3])))
    forms = [
        words[:-2],  # the last word is not finished
        f'"{words}"',
        f"{words} -{rng.choice(WORDS)}",
        words.replace("i", "ii", 1),  # misspelt
        f"{words} no essay",
        f"-{rng.choice(WORDS)}",
        f"{rng.choice(WORDS)} OR {rng.choice(WORDS)}",
        f"{words} for students in California",
    ]
    return rng.choice(forms) if rng.random() < 0.6 else words


FILTERS: Final[dict[str, tuple[float, Callable[[random.Random], object]]]] = {
    "states": (0.4, lambda rng: rng.sample(STATES, rng.choice([1, 2]))),
    "fields_of_study": (0.3, lambda rng: rng.sample(FIELDS, 1)),
    "scholarship_types": (0.2, lambda rng: rng.sample(TYPES, rng.choice([1, 2]))),
    "grade_level": (0.2, lambda rng: rng.choice(GRADES)),
    "essay_required": (0.2, lambda rng: rng.random() < 0.5),
    "renewable": (0.3, lambda rng: rng.random() < 0.5),
    "countries": (0.1, lambda _: ["US"]),
    "typo": (0.1, lambda _: False),
    "include_closed": (0.2, lambda _: True),
}
"""How often a filter is given, and its value."""


def random_query(rng: random.Random) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if rng.random() < 0.8:
        query["q"] = random_words(rng)
    return query | {
        name: value(rng) for name, (share, value) in FILTERS.items() if rng.random() < share
    }


def change_randomly(rng: random.Random, url: str, award_ids: list[str]) -> None:
    for award_id in award_ids:
        kind = rng.random()
        if kind < 0.4:
            change(url, award_id, description=" ".join(rng.choices((*WORDS, *NEW_WORDS), k=6)))
        elif kind < 0.6:
            change(url, award_id, status=rng.choice(["published", "draft", "archived"]))
        elif kind < 0.8:
            change(url, award_id, residency_states=rng.sample(STATES, 1))
        else:
            change(url, award_id, renewable=rng.random() < 0.5)


@pytest.fixture(scope="module")
def matcher(app: FastAPI) -> SearchMatcher:
    state = app.state
    return SearchMatcher(state.database, state.answers, state.cursor_codec)


async def told_of(app: FastAPI, found: Found) -> dict[str, list[str]]:
    """The new results by the id of the search."""
    async with app.state.database.read_session() as session:
        searches = await searches_of(session, found)
    return {str(each.search.id): list(each.scholarship_ids) for each in searches}


async def saved(student: Student, **values: object) -> str:
    new = {"name": "One", "query": {}, "notify": {"channel": "webhook"}, **values}
    answer = await student.send("POST", "/saved-searches", new)
    assert answer.status_code == 201, answer.text
    search_id: str = answer.json()["id"]
    return search_id


async def results(student: Student, search_id: str, since: str) -> set[str]:
    url = f"/saved-searches/{search_id}/results?limit=100&since={since}"
    answer = await student.send("GET", url)
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.json()["items"]}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("changes", [3, LOOKED_UP_AWARDS + 5])
async def test_what_is_told_about_is_what_results_since_shows(
    *,
    app: FastAPI,
    subject: Student,
    matcher: SearchMatcher,
    module_database_url: str,
    seed: int,
    changes: int,
) -> None:
    rng = random.Random(seed * 100 + changes)  # noqa: S311 - reproducible
    prefix = uuid.uuid4().hex
    ids = [f"{prefix}-{number}" for number in range(60)]
    put(module_database_url, [random_award(rng, award_id) for award_id in ids])
    await subject.send("PUT", "/profile", {"gpa": 3, "state_of_residence": "CA"})
    searches = [
        await saved(subject, query=random_query(rng), use_profile=rng.random() < 0.2)
        for _ in range(40)
    ]
    await matcher.index()  # of the words as they are before the changes
    since = now(module_database_url)
    change_randomly(rng, module_database_url, rng.sample(ids, changes))
    added = [f"{prefix}-new-{number}" for number in range(changes)]
    put(module_database_url, [random_award(rng, award_id) for award_id in added])
    dismissed = {"scholarship_id": added[0], "status": "dismissed"}
    await subject.send("POST", "/applications", dismissed)

    shown = {each: await results(subject, each, since) for each in searches}
    with connection(module_database_url) as database:
        first_changes = dict(
            database.execute(
                "SELECT scholarship_id, min(id) FROM scholarship_changes"
                " WHERE changed_at > %s GROUP BY 1",
                [since],
            ).fetchall()
        )
        row = database.execute("SELECT %s::timestamptz", [since]).fetchone()
    assert row is not None
    for matched in (
        await matcher.match_since(row[0]),
        await matcher.match(first_changes, before=row[0]),
    ):
        told = await told_of(app, matched)
        own = {each: set(told.get(each, ())) for each in searches}
        for each in searches:
            stored = await subject.send("GET", f"/saved-searches/{each}")
            indexed = words_of(module_database_url, each)
            assert own[each] == shown[each], (stored.json()["query"], indexed)
    assert any(shown.values())


async def test_equal_searches_are_told_about_alike(
    app: FastAPI,
    account: Student,
    subject: Student,
    matcher: SearchMatcher,
    module_database_url: str,
) -> None:
    query = {"q": "tambourine", "states": ["CA", "NY"]}
    searches = [await saved(student, query=query) for student in (account, subject, subject)]
    silent = await saved(account, query=query, notify={"channel": "none"})
    since = now(module_database_url)
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, description="Tambourine")])
    with connection(module_database_url) as database:
        change_id = database.execute(
            "SELECT id FROM scholarship_changes WHERE scholarship_id = %s", [award_id]
        ).fetchone()
        row = database.execute("SELECT %s::timestamptz", [since]).fetchone()
    assert change_id is not None
    assert row is not None
    matched = await matcher.match({award_id: change_id[0]}, before=row[0])
    told = await told_of(app, matched)
    assert {each: told.get(each) for each in searches} == {each: [award_id] for each in searches}
    assert silent not in told


async def test_a_search_is_indexed_again_when_its_query_changes(
    subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("woodwinds", description="Clarinet, bassoon")])
    search_id = await saved(subject, query={"q": "clarinet"})
    await matcher.index()
    url = f"/saved-searches/{search_id}"
    await subject.send("PATCH", url, {"name": "Other"}, If_Match="*")
    assert words_of(module_database_url, search_id) is not None
    await subject.send("PATCH", url, {"query": {"q": "bassoon"}}, If_Match="*")
    assert words_of(module_database_url, search_id) is None
    assert await matcher.index() >= 1
    assert "bassoon" in (words_of(module_database_url, search_id) or "")


def words_of(url: str, search_id: str) -> str | None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT entry.words::text FROM saved_searches LEFT JOIN saved_queries AS entry"
            " ON digest = indexed_query WHERE id = %s",
            [search_id],
        ).fetchone()
    assert row is not None
    words: str | None = row[0]
    return words


async def test_a_word_that_no_award_has_yet_is_found_when_an_award_has_it(
    app: FastAPI, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    search_id = await saved(subject, query={"q": "sousaphone"})
    await matcher.index()
    since = dt.datetime.fromisoformat(now(module_database_url))
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, description="Sousaphone")])
    told = await told_of(app, await matcher.match_since(since))
    assert told[search_id] == [award_id]


async def test_a_change_of_the_synonyms_indexes_all_searches_again(
    app: FastAPI, subject: Student, matcher: SearchMatcher, module_database_url: str
) -> None:
    put(module_database_url, [award("flugelhorn", description="Flugelhorn")])
    search_id = await saved(subject, query={"q": "flugelhorn"})
    await matcher.index()
    assert await matcher.index() == 0
    with connection(module_database_url) as database:
        database.execute(
            "INSERT INTO search_synonyms (id, kind, words, others)"
            " VALUES (gen_random_uuid(), 'one_way', '{flugelhorn}', '{heckelphone}')"
        )
        entries = database.execute("SELECT count(*) FROM saved_queries").fetchone()
    assert (await matcher.index(), await matcher.index()) == (*(entries or ()), 0)
    since = dt.datetime.fromisoformat(now(module_database_url))
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, description="Heckelphone")])
    told = await told_of(app, await matcher.match_since(since))
    assert told[search_id] == [award_id]


async def test_nothing_is_told_about_without_changes(matcher: SearchMatcher) -> None:
    assert await matcher.match({}, before=dt.datetime.now(dt.UTC)) == {}
