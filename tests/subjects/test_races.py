"""Requests at the same time that have read the same version, or use the same Idempotency-Key."""

import asyncio
import dataclasses
from typing import Final

import httpx
import pytest

from tests.eligibility.awards import award, put
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

AT_ONCE: Final = 8


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(module_database_url, [award("plain")])


async def at_once(
    student: Student,
    clients: list[httpx.AsyncClient],
    method: str,
    path: str,
    bodies: list[dict[str, object]],
    **headers: str,
) -> list[httpx.Response]:
    """The answers to requests that two workers get at the same time."""
    workers = [dataclasses.replace(student, client=client) for client in clients]
    return await asyncio.gather(
        *(
            workers[number % len(workers)].send(method, path, body, **headers)
            for number, body in enumerate(bodies)
        )
    )


@pytest.mark.parametrize(
    ("path", "new", "changes"),
    [
        ("/profile", {"gpa": 4}, [{"gpa": number / 10} for number in range(AT_ONCE)]),
        ("/saved-searches", {"name": "x", "query": {}}, [{"name": name} for name in "abcdefgh"]),
        ("/applications", {"scholarship_id": "plain"}, [{"note": note} for note in "abcdefgh"]),
    ],
)
async def test_one_of_several_changes_of_the_same_version_counts(
    student: Student,
    clients: list[httpx.AsyncClient],
    path: str,
    new: dict[str, object],
    changes: list[dict[str, object]],
) -> None:
    method = "PUT" if path == "/profile" else "POST"
    created = await student.send(method, path, new)
    assert created.status_code == 201, created.text
    url = path if path == "/profile" else f"{path}/{created.json()['id']}"
    tag = (await student.send("GET", url)).headers["ETag"]
    answers = await at_once(student, clients, "PATCH", url, changes, If_Match=tag)
    assert sorted(each.status_code for each in answers) == [200] + [412] * (AT_ONCE - 1)
    [changed] = [each for each in answers if each.status_code == 200]
    stored = await student.send("GET", url)
    assert stored.json() == changed.json()
    assert stored.headers["ETag"] == changed.headers["ETag"]


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        ("/saved-searches", [{"name": name, "query": {}} for name in "abcdefgh"]),
        ("/applications", [{"scholarship_id": "plain", "note": note} for note in "abcdefgh"]),
    ],
)
async def test_one_of_several_bodies_with_the_same_key_counts(
    student: Student,
    clients: list[httpx.AsyncClient],
    path: str,
    bodies: list[dict[str, object]],
) -> None:
    answers = await at_once(student, clients, "POST", path, bodies, Idempotency_Key="same")
    assert sorted(each.status_code for each in answers) == [201] + [422] * (AT_ONCE - 1)
    [created] = [each for each in answers if each.status_code == 201]
    [stored] = (await student.send("GET", path)).json()["items"]
    assert stored["id"] == created.json()["id"]
