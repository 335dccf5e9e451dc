"""The awards that suit a stored profile, and what else it should say."""

import uuid
from typing import Any, Final

import psycopg
import pytest

from tests.eligibility.awards import award, put
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

MATCHES: Final = "/matches"
PROFILE: Final[dict[str, Any]] = {"gpa": 3.2, "state_of_residence": "CA", "age": 20}


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [
            award("open_to_all"),
            award("suits", eligibility_criteria={"min_gpa": "3.0"}),
            award("too_high", eligibility_criteria={"min_gpa": "3.9"}),
            award("unknown", eligibility_criteria={"grade_levels": ["undergraduate"]}),
            award("likely", criteria_complete=False),
            award("closed", application_deadline="2020-01-01"),
        ],
    )


async def matches(student: Student, query: str = "") -> dict[str, str]:
    """The verdicts by award, in their order."""
    answer = await student.send("GET", f"{MATCHES}?limit=100{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return {item["id"]: item["verdict"] for item in answer.json()["items"]}


async def test_matches_come_best_first(student: Student) -> None:
    assert (await student.send("GET", MATCHES)).status_code == 404
    await student.send("PUT", "/profile", PROFILE)
    found = await matches(student)
    own = {name: found[name] for name in found if not name.startswith("new-")}
    assert own == {
        "open_to_all": "eligible",
        "suits": "eligible",
        "likely": "likely_eligible",
        "unknown": "needs_information",
    }
    assert list(own)[2:] == ["likely", "unknown"]
    assert "too_high" in await matches(student, "&verdicts=ineligible")
    only = await matches(student, "&verdicts=likely_eligible,needs_information")
    assert set(only) == {"likely", "unknown"}


async def test_matches_are_walked_by_cursors(student: Student) -> None:
    await student.send("PUT", "/profile", PROFILE)
    expected = list(await matches(student))
    walked: list[str] = []
    cursor = ""
    while True:
        page = (await student.send("GET", f"{MATCHES}?limit=2{cursor}")).json()
        walked += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == expected


async def test_only_new_matches_are_shown_since_an_instant(
    student: Student, module_database_url: str
) -> None:
    await student.send("PUT", "/profile", PROFILE)
    name = f"new-{uuid.uuid4().hex}"
    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as database:
        row = database.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        since = row[0].isoformat().replace("+00:00", "Z")
        assert await matches(student, f"&since={since}") == {}
        put(
            module_database_url,
            [
                award(name, eligibility_criteria={"residency_states": ["CA"]}),
                award(f"{name}-of-others", eligibility_criteria={"residency_states": ["NY"]}),
            ],
        )
        assert await matches(student, f"&since={since}") == {name: "eligible"}
        database.execute("UPDATE scholarships SET min_gpa = 2 WHERE id = 'too_high'")
        found = await matches(student, f"&since={since}")
        database.execute("UPDATE scholarships SET min_gpa = 3.9 WHERE id = 'too_high'")
    assert found == {name: "eligible", "too_high": "eligible"}


async def test_a_dismissed_award_is_no_match(student: Student) -> None:
    await student.send("PUT", "/profile", PROFILE)
    body = {"scholarship_id": "suits", "status": "dismissed"}
    row = await student.send("POST", "/applications", body)
    assert "suits" not in await matches(student)
    assert "suits" not in await matches(student, "&verdicts=eligible")
    await student.send("DELETE", f"/applications/{row.json()['id']}")
    assert "suits" in await matches(student)


async def test_questions_settle_awards_of_the_stored_profile(student: Student) -> None:
    assert (await student.send("GET", "/questions")).status_code == 404
    await student.send("PUT", "/profile", PROFILE)
    answer = await student.send("GET", "/questions")
    assert answer.status_code == 200, answer.text
    assert [each["field"] for each in answer.json()["questions"]] == ["grade_level"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("query", ["verdicts=maybe", "limit=0", "cursor=x", "gpa=3"])
async def test_a_request_that_is_not_valid_is_refused(subject: Student, query: str) -> None:
    await subject.send("PUT", "/profile", PROFILE)
    assert (await subject.send("GET", f"{MATCHES}?{query}")).status_code == 422
