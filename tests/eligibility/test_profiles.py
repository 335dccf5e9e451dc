"""Students made by hand, against the bundled catalogue, with the verdicts that people expect.

`profiles/` has the students, and for each the verdicts on awards, which were written from the words
of the awards and not from answers of the service.
"""

import io
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import psycopg
import pytest

from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.read_model.rule import Verdict
from tests.eligibility.awards import serving
from tests.sample_data.catalogue import BUNDLED_CATALOGUE, awards

pytestmark = pytest.mark.anyio

FOLDER: Final = Path(__file__).with_name("profiles")
BULK: Final = "/api/v1/scholarships/bulk-eligibility-check"
CHECK: Final = "/api/v1/eligibility/check"


class Student(NamedTuple):
    name: str
    answers: Mapping[str, Any]
    verdicts: Mapping[str, str]
    """By the id of the award."""


def students() -> Iterator[Student]:
    bases = tomllib.loads((FOLDER / "bases.toml").read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.toml")):
        for block in tomllib.loads(path.read_text(encoding="utf-8")).get("profile", []):
            answers: dict[str, Any] = {}
            for base in block.get("like", []):
                answers |= bases[base]
            yield Student(
                block["name"],
                answers | block["answers"],
                {
                    f"sch_{award_id}": verdict
                    for verdict, award_ids in block["verdicts"].items()
                    for award_id in award_ids
                },
            )


STUDENTS: Final = tuple(students())


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the bundled catalogue."""
    conninfo = module_database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        report = await import_stream(io.BytesIO(BUNDLED_CATALOGUE.read_bytes()), connection)
    assert (report.bad, report.rows) == (0, len(awards()))
    async with serving(module_database_url) as client:
        yield client


def test_there_are_60_students_who_name_known_awards() -> None:
    assert len(STUDENTS) >= 60
    names = [student.name for student in STUDENTS]
    assert sorted(names) == sorted(set(names))
    known = {award["id"] for award in awards()}
    assert {
        award_id for student in STUDENTS for award_id in student.verdicts if award_id not in known
    } == set()
    assert {verdict for student in STUDENTS for verdict in student.verdicts.values()} == set(
        Verdict
    )


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.name)
async def test_the_verdicts_are_those_that_people_expect(
    client: httpx.AsyncClient, student: Student
) -> None:
    request = {"user_profile": student.answers, "scholarship_ids": sorted(student.verdicts)}
    answer = await client.post(BULK, json=request)
    assert answer.status_code == 200, answer.text
    found = {result["scholarship_id"]: result["verdict"] for result in answer.json()}
    assert found == student.verdicts


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.name)
async def test_no_other_award_claims_to_be_open_to_the_student(
    client: httpx.AsyncClient, student: Student
) -> None:
    """The results begin with the awards that the student is eligible for."""
    request = {**student.answers, "include_closed": True, "limit": 100}
    answer = await client.post(CHECK, json=request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["checked_scholarships"] == len(awards())
    found = {result["scholarship_id"] for result in answer.json()["results"] if result["eligible"]}
    assert found == {
        award_id for award_id, verdict in student.verdicts.items() if verdict == "eligible"
    }
