"""The stored profile of an account and of a platform's subject."""

import datetime as dt
from typing import Any, Final

import psycopg
import pytest

from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

PROFILE: Final[dict[str, Any]] = {
    "gpa": 3.4,
    "grade_level": "undergraduate",
    "genders": ["woman"],
    "residence": {"state": "CA", "zip": "90012"},
    "timezone": "America/New_York",
}


def born(years_ago: int, *, days_later: int) -> str:
    """The day that is so many years ago, and then so many days later."""
    today = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days_later)
    return str(today.replace(year=today.year - years_ago, day=min(today.day, 28)))


async def test_a_profile_is_stored_read_and_erased(student: Student) -> None:
    assert (await student.send("GET", "/profile")).status_code == 404
    stored = await student.send("PUT", "/profile", PROFILE)
    assert stored.status_code == 201, stored.text
    assert stored.json() == PROFILE
    shown = await student.send("GET", "/profile")
    assert (shown.status_code, shown.json()) == (200, PROFILE)
    assert shown.headers["ETag"] == stored.headers["ETag"]
    assert shown.headers["Cache-Control"] == "no-store"
    assert (await student.send("DELETE", "/profile")).status_code == 204
    assert (await student.send("GET", "/profile")).status_code == 404
    assert (await student.send("DELETE", "/profile")).status_code == 404


async def test_a_profile_that_has_not_changed_is_not_sent_again(student: Student) -> None:
    etag = (await student.send("PUT", "/profile", PROFILE)).headers["ETag"]
    unchanged = await student.send("GET", "/profile", If_None_Match=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_a_stored_profile_is_replaced_only_by_somebody_who_has_read_it(
    student: Student,
) -> None:
    first = (await student.send("PUT", "/profile", PROFILE)).headers["ETag"]
    assert (await student.send("PUT", "/profile", {"gpa": 4})).status_code == 428
    replaced = await student.send("PUT", "/profile", {"gpa": 4}, If_Match=first)
    assert (replaced.status_code, replaced.json()) == (200, {"gpa": 4.0})
    for method, body in (("PUT", {"gpa": 3}), ("PATCH", {"gpa": 3}), ("DELETE", None)):
        refused = await student.send(method, "/profile", body, If_Match=first)
        assert refused.status_code == 412, method
    assert (await student.send("GET", "/profile")).json() == {"gpa": 4.0}


async def test_there_is_nothing_to_match_before_a_profile_is_stored(student: Student) -> None:
    assert (await student.send("PUT", "/profile", PROFILE, If_Match="*")).status_code == 412
    assert (await student.send("PATCH", "/profile", {"gpa": 3}, If_Match="*")).status_code == 404


async def test_a_patch_changes_single_answers(student: Student) -> None:
    await student.send("PUT", "/profile", PROFILE)
    changes = {"gpa": None, "residence": {"zip": None}, "timezone": "Pacific/Honolulu"}
    patched = await student.send("PATCH", "/profile", changes, If_Match='"1"')
    assert patched.status_code == 200, patched.text
    expected = PROFILE | {"residence": {"state": "CA"}, "timezone": "Pacific/Honolulu"}
    del expected["gpa"]
    assert patched.json() == expected
    assert (await student.send("GET", "/profile")).json() == expected


@pytest.mark.parametrize(
    ("patch", "field"),
    [({"gpa": 9}, "gpa"), ({"shoe_size": 9}, "shoe_size"), ([], "body"), (3, "body")],
)
async def test_a_patch_is_validated_as_a_whole(subject: Student, patch: object, field: str) -> None:
    await subject.send("PUT", "/profile", PROFILE)
    refused = await subject.send("PATCH", "/profile", patch, If_Match="*")
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["details"]["fields"]] == [field]
    assert (await subject.send("GET", "/profile")).json() == PROFILE


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"gpa": 4.1},
        {"timezone": "Mars/Olympus"},
        {"timezone": "\x00"},
        {"age": 12},
        {"name": "Jane Doe"},
        {"grade_level": "kindergarten"},
    ],
)
async def test_a_profile_that_is_not_valid_is_refused(
    subject: Student, profile: dict[str, Any]
) -> None:
    assert (await subject.send("PUT", "/profile", profile)).status_code == 422
    assert (await subject.send("GET", "/profile")).status_code == 404


async def test_students_below_13_are_refused_to_the_day(subject: Student) -> None:
    refused = await subject.send("PUT", "/profile", {"birth_date": born(13, days_later=40)})
    assert refused.status_code == 422
    assert "13" in refused.text
    accepted = await subject.send("PUT", "/profile", {"birth_date": born(13, days_later=-40)})
    assert accepted.status_code == 201, accepted.text


async def test_a_profile_with_a_code_that_is_gone_can_be_read_and_replaced(
    subject: Student, module_database_url: str
) -> None:
    await subject.send("PUT", "/profile", PROFILE)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            'UPDATE profiles SET answers = answers || \'{"genders": ["gone"]}\''
            " FROM subjects WHERE subjects.id = subject_id AND external_id = %s",
            [subject.path.rpartition("/")[2]],
        )
    assert (await subject.send("GET", "/profile")).json()["genders"] == ["gone"]
    refused = await subject.send("PATCH", "/profile", {"gpa": 3}, If_Match="*")
    assert refused.status_code == 422
    mended = await subject.send("PATCH", "/profile", {"genders": None}, If_Match="*")
    assert mended.status_code == 200


async def test_who_has_changed_a_profile_is_audited_without_its_values(
    student: Student, module_database_url: str
) -> None:
    await student.send("PUT", "/profile", PROFILE)
    await student.send("PATCH", "/profile", {"gpa": 2.25}, If_Match="*")
    await student.send("DELETE", "/profile")
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT action, details::text FROM audit_events WHERE action LIKE 'profile.%'"
            " ORDER BY id DESC LIMIT 3"
        ).fetchall()
    assert rows == [
        ("profile.deleted", "{}"),
        ("profile.updated", "{}"),
        ("profile.created", "{}"),
    ]
