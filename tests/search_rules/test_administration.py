"""Creating, changing and deleting rules and synonyms, and their audit."""

import json
import uuid
from typing import Any

import httpx
import pytest

from scholarship_api.accounts.roles import Role
from scholarship_api.search_rules import schemas, service
from tests.api_keys.conftest import Headers, MakeHeaders
from tests.search_rules.conftest import RULES, SYNONYMS, Create

pytestmark = pytest.mark.anyio

RULE = {"query": "Nursing  scholarships", "pin": ["wombat"]}
SYNONYM = {"kind": "two_way", "words": ["Nurse aide", "CNA"]}
KINDS = pytest.mark.parametrize(("path", "body"), [(RULES, RULE), (SYNONYMS, SYNONYM)])


@KINDS
async def test_an_entry_is_created_read_replaced_and_deleted(
    client: httpx.AsyncClient, admin: Headers, path: str, body: dict[str, Any]
) -> None:
    created = await client.post(path, json=body, headers=admin)
    assert created.status_code == 201, created.text
    url = created.headers["Location"]
    assert url == f"{path}/{created.json()['id']}"
    read = await client.get(url, headers=admin)
    assert read.json() == created.json()
    assert read.headers["ETag"] == created.headers["ETag"]
    unchanged = await client.get(url, headers={**admin, "If-None-Match": read.headers["ETag"]})
    assert unchanged.status_code == 304

    changed = {**body, "enabled": False, "note": "Later."}
    assert (await client.put(url, json=changed, headers=admin)).status_code == 428
    precondition = {**admin, "If-Match": read.headers["ETag"]}
    replaced = await client.put(url, json=changed, headers=precondition)
    assert (replaced.status_code, replaced.json()["note"]) == (200, "Later.")
    assert (await client.put(url, json=changed, headers=precondition)).status_code == 412
    assert (await client.delete(url, headers=precondition)).status_code == 412
    assert (await client.delete(url, headers=admin)).status_code == 204
    for answer in (
        await client.get(url, headers=admin),
        await client.delete(url, headers=admin),
        await client.put(url, json=changed, headers={**admin, "If-Match": "*"}),
    ):
        assert answer.status_code == 404


async def test_words_are_shown_as_the_search_compares_them(create: Create) -> None:
    assert (await create(**RULE))["query"] == "Nursing scholarships"
    assert (await create(SYNONYMS, **SYNONYM))["words"] == ["nurse aide", "cna"]


@KINDS
async def test_the_list_is_paged_oldest_first(
    client: httpx.AsyncClient, admin: Headers, create: Create, path: str, body: dict[str, Any]
) -> None:
    created = [(await create(path, **body))["id"] for _ in range(3)]
    first = (await client.get(path, params={"limit": 2}, headers=admin)).json()
    assert [each["id"] for each in first["items"]] == created[:2]
    rest = await client.get(path, params={"cursor": first["next_cursor"]}, headers=admin)
    assert [each["id"] for each in rest.json()["items"]] == created[2:]
    assert rest.json()["next_cursor"] is None
    other = SYNONYMS if path == RULES else RULES
    wrong = await client.get(other, params={"cursor": first["next_cursor"]}, headers=admin)
    assert wrong.status_code == 422


async def test_the_built_in_synonyms_are_shown(client: httpx.AsyncClient, admin: Headers) -> None:
    items = (await client.get(f"{SYNONYMS}/built-in", headers=admin)).json()["items"]
    assert {"words": ["law", "legal"], "others": []} in items
    assert {"words": ["art"], "others": ["artist"]} in items


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_administrators_alone_may_use_them(
    client: httpx.AsyncClient, make_headers: MakeHeaders, role: Role
) -> None:
    organization = {"organization": "Acme Trust"} if role is Role.PARTNER else {}
    headers = await make_headers(role, **organization)
    for path, body in ((RULES, RULE), (SYNONYMS, SYNONYM)):
        url = f"{path}/{uuid.uuid4()}"
        statuses = {
            (await client.get(path, headers=headers)).status_code,
            (await client.post(path, json=body, headers=headers)).status_code,
            (await client.get(url, headers=headers)).status_code,
            (await client.put(url, json=body, headers={**headers, "If-Match": "*"})).status_code,
            (await client.delete(url, headers=headers)).status_code,
        }
        assert statuses == ({200, 201, 404} if role is Role.ADMIN else {403})
        assert (await client.post(path, json=body)).status_code == 401


# --- The audit -----------------------------------------------------------------------------------


@KINDS
async def test_every_change_is_in_the_audit(
    client: httpx.AsyncClient, admin: Headers, create: Create, path: str, body: dict[str, Any]
) -> None:
    name = "search_rule" if path == RULES else "search_synonym"
    created = await create(path, **body)
    url = f"{path}/{created['id']}"
    await client.put(url, json={**body, "note": "For nurses."}, headers={**admin, "If-Match": "*"})
    deleted = await client.delete(url, headers=admin)
    answer = await client.get(
        "/api/v1/audit", params={"action": f"{name}.", "target": created["id"]}, headers=admin
    )
    entries = answer.json()["items"]
    assert [entry["action"] for entry in entries] == [
        f"{name}.deleted",
        f"{name}.updated",
        f"{name}.created",
    ]
    assert {entry["actor"]["kind"] for entry in entries} == {"account"}
    assert entries[0]["trace_id"] == deleted.headers["X-Trace-ID"]
    assert entries[1]["details"] == {"before": {"note": ""}, "after": {"note": "For nurses."}}
    assert entries[0]["details"]["before"]["note"] == "For nurses."
    assert entries[2]["details"]["after"]["enabled"] is True


# --- Bad input -----------------------------------------------------------------------------------

WRONG: list[tuple[str, dict[str, Any], str]] = [
    (RULES, {"query": "nursing"}, "needs pin, hide or boost"),
    (RULES, {**RULE, "query": "--- !!"}, "no word"),
    (RULES, {**RULE, "query": "-nursing"}, "no word"),
    (RULES, {**RULE, "query": "a " * 11}, "at most 10 words"),
    (RULES, {**RULE, "query": "x" * 101}, "at most 100 characters"),
    (RULES, {**RULE, "query": "a\x00b"}, "control characters"),
    (RULES, {**RULE, "match": "regex"}, "'exact' or 'contains'"),
    (RULES, {**RULE, "pin": [f"a{number}" for number in range(11)]}, "at most 10 items"),
    (RULES, {**RULE, "pin": ["x"] * 60_000}, ""),
    (RULES, {**RULE, "pin": ["no id\n"]}, ""),
    (RULES, {**RULE, "hide": [f"a{number}" for number in range(51)]}, "at most 50 items"),
    (RULES, {**RULE, "hide": ["wombat"]}, "either pinned or hidden"),
    (RULES, {**RULE, "boost": [{"factor": 2}]}, "needs one of"),
    (RULES, {**RULE, "boost": [{"factor": 6, "organization": "Acme"}]}, "less than or equal to 5"),
    (RULES, {**RULE, "boost": [{"factor": "NaN", "organization": "Acme"}]}, ""),
    (RULES, {**RULE, "boost": [{"factor": 2, "field_of_study": "magic"}]}, ""),
    (RULES, {**RULE, "boost": [{"factor": 2, "organization": "A"}] * 6}, "at most 5 items"),
    (RULES, {**RULE, "from": "2027-01-01T00:00:00"}, "timezone"),
    (RULES, {**RULE, "from": "0001-01-01T00:00:00+01:00"}, "years 1 to 9999"),
    (RULES, {**RULE, "until": "9999-12-31T23:59:59-01:00"}, "years 1 to 9999"),
    (
        RULES,
        {**RULE, "from": "2027-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
        "until must be after from",
    ),
    (RULES, {**RULE, "note": "x" * 501}, "at most 500 characters"),
    (RULES, {**RULE, "note": "two\nlines"}, "control characters"),
    (RULES, {**RULE, "starts_at": None}, "not permitted"),
    (SYNONYMS, {"kind": "two_way", "words": ["nurse"]}, "two different words"),
    (SYNONYMS, {"kind": "two_way", "words": ["nurse", "Nurse!"]}, "two different words"),
    (SYNONYMS, {**SYNONYM, "others": ["x"]}, "has no others"),
    (SYNONYMS, {"kind": "one_way", "words": ["nurse"]}, "needs others"),
    (SYNONYMS, {"kind": "one_way", "words": ["a"], "others": ["a"]}, "in common"),
    (SYNONYMS, {"kind": "never_corrected", "words": ["two words"]}, "single words"),
    (SYNONYMS, {"kind": "separate", "words": ["law"], "others": ["nurse"]}, "one stem"),
    (SYNONYMS, {**SYNONYM, "words": ["a b c d e f", "g"]}, "at most 5 words"),
    (SYNONYMS, {**SYNONYM, "words": [str(number) for number in range(13)]}, "at most 12 items"),
    (SYNONYMS, {**SYNONYM, "words": ["\u202e", "g"]}, "control characters"),
    (SYNONYMS, {**SYNONYM, "words": ["x" * 61, "g"]}, "at most 60 characters"),
    (SYNONYMS, {**SYNONYM, "kind": "three_way"}, "two_way"),
]


@pytest.mark.parametrize(("path", "body", "message"), WRONG)
async def test_wrong_entries_are_refused(
    client: httpx.AsyncClient, admin: Headers, path: str, body: dict[str, Any], message: str
) -> None:
    answer = await client.post(path, json=body, headers=admin)
    assert answer.status_code in (413, 422), answer.text
    assert message in answer.text


@KINDS
@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'"text"', b"\xff", b"[" * 60_000, b'{"words": 5}']
)
async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, admin: Headers, path: str, body: dict[str, Any], content: bytes
) -> None:
    assert body
    answer = await client.post(
        path, content=content, headers={**admin, "Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    large = await client.post(path, json={**body, "note": "x" * 100_000}, headers=admin)
    assert large.status_code == 413
    assert (await client.post(path, content=b"a=b", headers=admin)).status_code == 415


async def test_a_full_list_is_a_conflict(
    client: httpx.AsyncClient,
    admin: Headers,
    create: Create,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(service.RULES.__dict__, "most", 2)
    for _ in range(2):
        await create(**RULE)
    assert (await client.post(RULES, json=RULE, headers=admin)).status_code == 409


def test_the_examples_are_valid() -> None:
    for model in (schemas.WrittenRule, schemas.WrittenSynonym):
        for example in model.model_json_schema()["examples"]:
            model.model_validate_json(json.dumps(example))
