"""Who may see a subject, and what is left of one that is erased."""

import dataclasses
import datetime as dt

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.subjects import retention
from tests.security.conftest import dumped_tables
from tests.subjects.students import Headers, MakeAccount, MakeKey, Student

pytestmark = pytest.mark.anyio

PATH = "/api/v1/subjects/student-1"
PROFILE = {"gpa": 3.5}


async def test_a_subject_is_invisible_to_other_clients(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    mine, other = await make_key(), await make_key()
    stored = await client.put(f"{PATH}/profile", json=PROFILE, headers=mine)
    assert stored.status_code == 201
    for path in (PATH, f"{PATH}/profile"):
        assert (await client.get(path, headers=other)).status_code == 404
    assert (await client.delete(PATH, headers=other)).status_code == 404
    assert (await client.put(f"{PATH}/profile", json={"gpa": 1}, headers=other)).status_code == 201
    assert (await client.get(f"{PATH}/profile", headers=mine)).json() == PROFILE


async def test_saved_searches_of_others_are_not_found(
    account: Student, subject: Student, client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    other = Student(client, "/api/v1/subjects/somebody", await make_key())
    new = {"name": "One", "query": {}}
    for owner, stranger in ((account, other), (subject, account), (subject, other)):
        created = (await owner.send("POST", "/saved-searches", new)).json()
        url = f"/saved-searches/{created['id']}"
        for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            answer = await stranger.send(method, url, body, If_Match="*")
            assert answer.status_code == 404, (method, answer.text)
        assert (await owner.send("GET", url)).status_code == 200


async def test_keys_of_one_organization_share_their_subjects(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    first = await make_key(organization="Campus Trust")
    second = await make_key(organization="campus trust ")
    assert (await client.put(f"{PATH}/profile", json=PROFILE, headers=first)).status_code == 201
    assert (await client.get(f"{PATH}/profile", headers=second)).json() == PROFILE


async def test_a_rotated_key_keeps_its_subjects(client: httpx.AsyncClient, admin: Headers) -> None:
    body = {"name": "portal", "scopes": ["subjects:read", "subjects:write"]}
    key = (await client.post("/api/v1/api-keys", json=body, headers=admin)).json()
    old = {"X-API-Key": key["secret"]}
    await client.put(f"{PATH}/profile", json=PROFILE, headers=old)
    url = f"/api/v1/api-keys/{key['id']}/rotate"
    rotated = await client.post(url, json={"overlap_hours": 0}, headers=admin)
    new = {"X-API-Key": rotated.json()["secret"]}
    assert (await client.get(f"{PATH}/profile", headers=new)).json() == PROFILE


async def test_the_scopes_of_a_key_are_enforced(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    organization = {"organization": "Scoped Trust"}
    reader = await make_key(scopes=["subjects:read"], **organization)
    writer = await make_key(scopes=["subjects:write"], **organization)
    url = f"{PATH}/profile"
    assert (await client.put(url, json=PROFILE, headers=reader)).status_code == 403
    assert (await client.put(url, json=PROFILE, headers=writer)).status_code == 201
    assert (await client.get(url, headers=writer)).status_code == 403
    assert (await client.get(url, headers=reader)).status_code == 200
    assert (await client.delete(PATH, headers=reader)).status_code == 403
    neither = await make_key(scopes=["scholarships:read"], **organization)
    assert (await client.get(url, headers=neither)).status_code == 403


async def test_accounts_have_no_subjects_and_keys_are_no_students(
    client: httpx.AsyncClient, make_key: MakeKey, make_account: MakeAccount, admin: Headers
) -> None:
    _, student = await make_account()
    for headers in (student, admin):
        assert (await client.get(f"{PATH}/profile", headers=headers)).status_code == 403
    key = await make_key()
    assert (await client.get("/api/v1/me/profile", headers=key)).status_code == 403
    for path in ("/api/v1/me/profile", f"{PATH}/profile", PATH):
        assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("name", ["x" * 129, "a b", "é", "%00", "a%2Fb", "%2E%2E"])
async def test_a_name_of_a_subject_that_is_not_valid_is_refused(
    client: httpx.AsyncClient, make_key: MakeKey, name: str
) -> None:
    answer = await client.put(
        f"/api/v1/subjects/{name}/profile", json=PROFILE, headers=await make_key()
    )
    assert answer.status_code in (404, 422)


async def test_names_of_subjects_differ_by_letter_case(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    key = await make_key()
    await client.put("/api/v1/subjects/abc/profile", json=PROFILE, headers=key)
    assert (await client.get("/api/v1/subjects/ABC/profile", headers=key)).status_code == 404


async def test_all_that_is_stored_about_a_subject_is_shown(subject: Student) -> None:
    assert (await subject.send("GET", "")).status_code == 404
    await subject.send("PUT", "/profile", PROFILE)
    await subject.send("POST", "/saved-searches", {"name": "One", "query": {"q": "law"}})
    shown = (await subject.send("GET", "")).json()
    assert shown["external_id"] == subject.path.rpartition("/")[2]
    assert shown["profile"]["profile"] == PROFILE
    assert [each["query"] for each in shown["saved_searches"]] == [{"q": "law"}]


async def test_nothing_is_left_of_an_erased_subject(
    subject: Student, module_database_url: str
) -> None:
    marker = "Zqmarker-of-a-subject"
    person = dataclasses.replace(subject, path=f"/api/v1/subjects/{marker}")
    await person.send("PUT", "/profile", {"high_schools": [marker], "gpa": 3.1})
    await person.send(
        "POST",
        "/saved-searches",
        {"name": marker, "query": {"q": marker}},
        Idempotency_Key=marker,
    )
    assert marker.lower() in str(dumped_tables(module_database_url)).lower()
    assert (await person.send("DELETE", "")).status_code == 204
    assert marker.lower() not in str(dumped_tables(module_database_url)).lower()
    assert (await person.send("DELETE", "")).status_code == 404


async def test_subjects_that_nobody_asks_about_are_erased(
    app: FastAPI, client: httpx.AsyncClient, make_key: MakeKey, module_database_url: str
) -> None:
    key = await make_key()
    paths = {name: f"/api/v1/subjects/{name}/profile" for name in ("forgotten", "read", "new")}
    for path in paths.values():
        assert (await client.put(path, json=PROFILE, headers=key)).status_code == 201
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=100)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE subjects SET touched_at = %s WHERE external_id IN ('forgotten', 'read')",
            [long_ago],
        )
    assert (await client.get(paths["read"], headers=key)).status_code == 200
    assert await retention.purge(app.state.database, retention_days=99) == 1
    statuses = {
        name: (await client.get(path, headers=key)).status_code for name, path in paths.items()
    }
    assert statuses == {"forgotten": 404, "read": 200, "new": 200}


async def test_accounts_are_not_removed_for_want_of_requests(
    app: FastAPI, account: Student, module_database_url: str
) -> None:
    await account.send("PUT", "/profile", PROFILE)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE subjects SET touched_at = '2001-01-01' WHERE client IS NULL")
    await retention.purge(app.state.database, retention_days=30)
    assert (await account.send("GET", "/profile")).status_code == 200
