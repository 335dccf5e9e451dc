"""The results of a saved search, and which of them are new since an instant."""

import asyncio
import datetime as dt
import uuid
from typing import Any, Final

import psycopg
import pytest

from tests.eligibility.awards import award, put
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

ALL: Final = {"name": "All", "query": {"limit": 100}}


def connection(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def change(url: str, award_id: str, **values: object) -> None:
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    with connection(url) as database:
        database.execute(
            f"UPDATE scholarships SET {columns} WHERE id = %(id)s",
            {"id": award_id, **values},
        )


def now(url: str) -> str:
    """The present instant of the database, after everything that it has written."""
    with connection(url) as database:
        row = database.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return str(row[0].astimezone(dt.UTC).isoformat().replace("+00:00", "Z"))


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [award(f"old_{number}", description="For students of botany") for number in range(5)],
    )


@pytest.fixture
def names() -> list[str]:
    """Names of awards of this test alone."""
    return [f"new-{uuid.uuid4().hex}" for _ in range(3)]


async def saved(student: Student, **query: object) -> str:
    answer = await student.send("POST", "/saved-searches", {"name": "One", "query": query})
    assert answer.status_code == 201, answer.text
    return f"/saved-searches/{answer.json()['id']}"


async def results(student: Student, search: str, query: str = "") -> set[str]:
    answer = await student.send("GET", f"{search}/results?limit=100{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["total"] == len(body["items"])
    return {item["id"] for item in body["items"]}


async def test_the_results_are_those_of_the_search(student: Student) -> None:
    query = {"q": "botany", "sort": "newest"}
    search = await saved(student, **query)
    shown = (await student.send("GET", f"{search}/results?limit=2")).json()
    sent = (await student.client.post("/api/v1/search", json={**query, "limit": 2})).json()
    assert shown["total"] == 5
    assert shown["items"] == sent["items"]
    assert shown["filters"] == sent["filters"]
    after = await student.send("GET", f"{search}/results?limit=2&cursor={shown['next_cursor']}")
    assert after.status_code == 200
    assert len(after.json()["items"]) == 2
    assert not {each["id"] for each in after.json()["items"]} & {
        each["id"] for each in shown["items"]
    }


async def test_what_is_published_or_begins_to_suit_is_new(
    student: Student, names: list[str], module_database_url: str
) -> None:
    published, reworded, refiltered = names
    before = [award(reworded, description="For painters"), award(refiltered, renewable=True)]
    put(
        module_database_url,
        [*before, award(f"{published}-kept", description="Zebrafish", renewable=False)],
    )
    by_words = await saved(student, q="zebrafish")
    by_filter = await saved(student, renewable=False)
    since = now(module_database_url)
    for search in (by_words, by_filter):
        assert await results(student, search, f"&since={since}") == set()
    put(module_database_url, [award(published, description="Zebrafish again")])
    change(module_database_url, reworded, description="For friends of the zebrafish")
    change(module_database_url, refiltered, renewable=False)
    change(module_database_url, f"{published}-kept", description="Zebrafish as before")
    assert await results(student, by_words, f"&since={since}") == {published, reworded}
    found = await results(student, by_filter, f"&since={since}")
    assert found == {published, refiltered}
    later = now(module_database_url)
    assert await results(student, by_words, f"&since={later}") == set()


async def test_what_was_changed_there_and_back_is_not_new(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    put(module_database_url, [award(names[0], description="Axolotl")])
    search = await saved(subject, q="axolotl")
    since = now(module_database_url)
    change(module_database_url, names[0], description="Something else")
    assert await results(subject, search, f"&since={since}") == set()
    between = now(module_database_url)
    change(module_database_url, names[0], description="Axolotl")
    assert await results(subject, search, f"&since={since}") == set()
    assert await results(subject, search, f"&since={between}") == {names[0]}


async def test_an_award_that_opens_again_is_new(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    put(
        module_database_url,
        [award(names[0], description="Quokka", application_deadline="2020-01-01")],
    )
    search = await saved(subject, q="quokka")
    since = now(module_database_url)
    assert await results(subject, search) == set()
    change(
        module_database_url,
        names[0],
        application_deadline="2099-01-01T00:00:00Z",
        deadline_date="2099-01-01",
    )
    assert await results(subject, search, f"&since={since}") == {names[0]}


async def test_a_draft_that_is_published_and_an_award_that_comes_back_are_new(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    put(
        module_database_url,
        [
            award(names[0], description="Wombat", status="draft"),
            award(names[1], description="Wombat", status="archived"),
            award(names[2], description="Wombat"),
        ],
    )
    search = await saved(subject, q="wombat")
    since = now(module_database_url)
    for award_id in names[:2]:
        change(module_database_url, award_id, status="published")
    change(module_database_url, names[2], status="archived")
    assert await results(subject, search, f"&since={since}") == set(names[:2])


async def test_awards_with_fewer_of_the_words_are_not_new(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    search = await saved(subject, q="botany trombones")
    since = now(module_database_url)
    put(module_database_url, [award(names[0], description="Trombones")])
    assert await results(subject, search) != set()
    assert await results(subject, search, f"&since={since}") == set()
    put(module_database_url, [award(names[1], description="Botany with trombones")])
    assert await results(subject, search, f"&since={since}") == {names[1]}


async def test_new_results_are_walked_by_cursors(
    student: Student, names: list[str], module_database_url: str
) -> None:
    search = await saved(student, q="manatee")
    since = now(module_database_url)
    put(module_database_url, [award(each, description="Manatee") for each in names])
    walked: list[str] = []
    cursor = ""
    while True:
        answer = await student.send("GET", f"{search}/results?limit=1&since={since}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        walked += [item["id"] for item in page["items"]]
        assert page["total"] == 3
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(walked) == sorted(names)
    other = await student.send("GET", f"{search}/results{cursor.replace('&', '?', 1)}")
    assert other.status_code == 422, "a cursor of new results walks nothing else"


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("2001-01-01", 422),
        ("2999-01-01T00:00:00Z", 422),
        ("yesterday", 422),
        ("", 422),
        ("%00", 422),
    ],
)
async def test_an_instant_that_cannot_be_answered_is_refused(
    subject: Student, since: str, status: int
) -> None:
    search = await saved(subject)
    answer = await subject.send("GET", f"{search}/results?since={since}")
    assert answer.status_code == status, answer.text


async def test_a_date_stands_for_its_beginning_in_utc(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    search = await saved(subject, q="narwhal")
    put(module_database_url, [award(names[0], description="Narwhal")])
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert await results(subject, search, f"&since={yesterday}") == {names[0]}


async def test_dismissed_awards_are_no_results(
    student: Student, names: list[str], module_database_url: str
) -> None:
    search = await saved(student, q="capybara")
    since = now(module_database_url)
    put(module_database_url, [award(each, description="Capybara") for each in names])
    body = {"scholarship_id": names[0], "status": "dismissed"}
    assert (await student.send("POST", "/applications", body)).status_code == 201
    assert await results(student, search) & set(names) == set(names[1:])
    assert await results(student, search, f"&since={since}") == set(names[1:])


async def test_a_search_with_the_stored_profile_needs_one(
    student: Student, names: list[str], module_database_url: str
) -> None:
    new = {"name": "Mine", "query": {"q": "ocelot"}, "use_profile": True}
    shown = (await student.send("POST", "/saved-searches", new)).json()
    search = f"/saved-searches/{shown['id']}"
    assert (await student.send("GET", f"{search}/results")).status_code == 409
    since = now(module_database_url)
    criteria = {"min_gpa": "3.5"}
    put(
        module_database_url,
        [
            award(names[0], description="Ocelot", eligibility_criteria=criteria),
            award(names[1], description="Ocelot"),
        ],
    )
    await student.send("PUT", "/profile", {"gpa": 3})
    assert await results(student, search) & set(names) == {names[1]}
    assert await results(student, search, f"&since={since}") == {names[1]}
    change(module_database_url, names[0], min_gpa=2)
    assert await results(student, search, f"&since={since}") == set(names[:2])
    [item] = (await student.send("GET", f"{search}/results?limit=1")).json()["items"]
    assert item["verdict"] == "eligible"


async def test_a_query_with_a_code_that_is_gone_says_so(
    subject: Student, module_database_url: str
) -> None:
    search = await saved(subject, states=["CA"])
    with connection(module_database_url) as database:
        database.execute(
            'UPDATE saved_searches SET query = \'{"states": ["XX"]}\' WHERE id = %s',
            [search.rpartition("/")[2]],
        )
    assert (await subject.send("GET", search)).json()["query"] == {"states": ["XX"]}
    assert (await subject.send("GET", f"{search}/results")).status_code == 409


async def test_a_change_while_results_are_asked_for_is_seen_by_the_next_request(
    subject: Student, names: list[str], module_database_url: str
) -> None:
    search = await saved(subject, q="platypus")
    since = now(module_database_url)

    async def publish() -> None:
        for award_id in names:
            await asyncio.to_thread(
                put, module_database_url, [award(award_id, description="Platypus")]
            )

    async def ask() -> None:
        for _ in range(5):
            await results(subject, search, f"&since={since}")

    await asyncio.gather(publish(), ask())
    assert await results(subject, search, f"&since={since}") == set(names)
