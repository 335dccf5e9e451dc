"""API keys: creating, sending, rotating and ending them."""

import asyncio
import datetime as dt
import re
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.accounts.roles import Role
from tests.api_keys.conftest import (
    KEYS,
    LISTING,
    SEARCH,
    USAGE,
    Headers,
    MakeHeaders,
    MakeKey,
    change,
    sent,
)

pytestmark = pytest.mark.anyio

UNKNOWN = "sch_live_" + "A" * 43
ME = "/api/v1/auth/me"


async def test_the_secret_is_shown_once_and_only_its_digest_is_stored(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey, module_database_url: str
) -> None:
    key = await make_key()
    assert re.fullmatch(r"sch_live_[A-Za-z0-9_-]{43}", key["secret"])
    shown = await client.get(f"{KEYS}/{key['id']}", headers=admin)
    assert key["secret"] not in shown.text
    assert [each["hint"] for each in shown.json()["secrets"]] == [key["secret"][-4:]]
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        [(stored,)] = connection.execute(
            "SELECT string_agg(to_jsonb(s)::text, '') FROM api_key_secrets AS s"
        ).fetchall()
    assert key["secret"] not in stored
    assert key["secret"].removeprefix("sch_live_") not in stored


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_is_sent_in_either_header(
    client: httpx.AsyncClient, make_key: MakeKey, header: str
) -> None:
    key = await make_key()
    value = f"Bearer {key['secret']}" if header == "Authorization" else key["secret"]
    answer = await client.get(ME, headers={header: value})
    assert answer.status_code == 200, answer.text
    assert answer.json()["role"] == "service"
    assert answer.json()["scopes"] == ["scholarships:read"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_two_credentials_are_refused(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    key = await make_key()
    answer = await client.get(SEARCH, headers={**sent(key), "X-API-Key": key["secret"]})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "secret",
    [UNKNOWN, "sch_live_", "sch_live_short", "sch_pub_" + "A" * 43, UNKNOWN + "A", "sch_é"],
)
async def test_a_bad_key_is_refused_on_public_routes_too(
    client: httpx.AsyncClient, secret: str
) -> None:
    for path in (SEARCH, f"{LISTING}/two", "/api/v1/no-such-route"):
        answer = await client.get(path, headers=[(b"X-API-Key", secret.encode())])
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), path


async def test_bad_keys_count_for_the_address(client: httpx.AsyncClient) -> None:
    statuses = [
        (await client.get(SEARCH, headers={"X-API-Key": UNKNOWN})).status_code for _ in range(25)
    ]
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429


async def test_a_revoked_key_is_refused_by_every_worker_at_once(
    clients: list[httpx.AsyncClient], admin: Headers, make_key: MakeKey
) -> None:
    key = await make_key()
    for client in clients:  # both workers know the secret now
        assert (await client.get(ME, headers=sent(key))).status_code == 200
    assert (await clients[0].delete(f"{KEYS}/{key['id']}", headers=admin)).status_code == 204
    for client in clients:
        assert (await client.get(ME, headers=sent(key))).status_code == 401
        assert (await client.get(SEARCH, headers=sent(key))).status_code == 401
    assert (await clients[0].delete(f"{KEYS}/{key['id']}", headers=admin)).status_code == 204


async def test_the_list_can_leave_revoked_keys_out_or_have_them_alone(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    kept, revoked = await make_key(), await make_key()
    assert (await client.delete(f"{KEYS}/{revoked['id']}", headers=admin)).status_code == 204

    async def listed(**query: str) -> set[str]:
        answer = await client.get(KEYS, params=query, headers=admin)
        ids = {item["id"] for item in answer.json()["items"]}
        return ids & {kept["id"], revoked["id"]}

    assert await listed() == {kept["id"], revoked["id"]}
    assert await listed(revoked="false") == {kept["id"]}
    assert await listed(revoked="true") == {revoked["id"]}


async def pages(
    client: httpx.AsyncClient,
    url: str,
    headers: Headers,
    **query: Any,  # noqa: ANN401
) -> list[list[dict[str, Any]]]:
    found = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(url, params={**query, **cursor}, headers=headers)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_the_list_has_pages(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    organization = {"organization": "Trust of many keys"}
    manager = await make_key(scopes=["keys:write"], name="Manager", **organization)
    names = ["ångström", "Ångström", "same", "same", "zeta", "\U0001f600" * 100, "a,b"]
    made = [await make_key(name=name, scopes=["keys:write"], **organization) for name in names]
    await client.delete(f"{KEYS}/{made[-1]['id']}", headers=admin)
    [whole] = await pages(client, KEYS, sent(manager))
    assert {key["id"] for key in whole} == {key["id"] for key in [manager, *made]}
    for limit in (1, 3, 8):
        found = await pages(client, KEYS, sent(manager), limit=limit)
        assert {len(page) for page in found[:-1]} <= {limit}
        assert [key for page in found for key in page] == whole
    live = [key for key in whole if key["revoked_at"] is None]
    found = await pages(client, KEYS, sent(manager), limit=2, revoked="false")
    assert [key for page in found for key in page] == live


async def test_the_use_of_keys_has_pages(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey, module_database_url: str
) -> None:
    organization = {"organization": "Trust of busy keys"}
    manager = await make_key(scopes=["keys:write"], **organization)
    other = await make_key(scopes=["keys:write"], **organization)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "INSERT INTO api_key_uses (key_id, day, route_group, requests)"
            " SELECT id, current_date - age, name, age"
            " FROM unnest(%s::uuid[]) AS id, generate_series(1, 3) AS age,"
            " unnest(ARRAY['search', 'other']) AS name",
            [[manager["id"], other["id"]]],
        )
    [whole] = await pages(client, USAGE, admin, key_id=other["id"])
    assert len(whole) == 6
    for limit in (1, 2, 6):
        found = await pages(client, USAGE, admin, key_id=other["id"], limit=limit)
        assert [row for page in found for row in page] == whole
    found = await pages(client, USAGE, sent(manager), days=4, limit=5)
    rows = [(row["day"], row["key_id"], row["route_group"]) for page in found for row in page]
    assert len(rows) == len(set(rows)) >= 12


@pytest.mark.parametrize("url", [KEYS, USAGE])
@pytest.mark.parametrize(
    "wrong",
    [{"cursor": "x"}, {"cursor": "OTHER"}, {"cursor": "a" * 1025}, {"limit": 0}, {"limit": 5001}],
)
async def test_a_page_that_cannot_be_is_refused(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey, url: str, wrong: dict[str, Any]
) -> None:
    if wrong == {"cursor": "OTHER"}:
        keys = [await make_key() for _ in range(2)]
        for key in keys:
            await client.get(SEARCH, headers=sent(key))
        other = USAGE if url == KEYS else KEYS
        wrong = {
            "cursor": (await client.get(other, params={"limit": 1}, headers=admin)).json()[
                "next_cursor"
            ]
        }
        assert wrong["cursor"]
    answer = await client.get(url, params=wrong, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")


async def test_an_expired_key_is_refused(
    client: httpx.AsyncClient, make_key: MakeKey, module_database_url: str
) -> None:
    key = await make_key(expires_at=str(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)))
    assert (await client.get(ME, headers=sent(key))).status_code == 200
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", [key["id"]])
    assert (await client.get(ME, headers=sent(key))).status_code == 401


async def test_after_a_rotation_both_secrets_are_valid_until_the_overlap_ends(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey, module_database_url: str
) -> None:
    key = await make_key()
    rotated = await client.post(f"{KEYS}/{key['id']}/rotate", json={}, headers=admin)
    assert rotated.status_code == 200, rotated.text
    for each in (key, rotated.json()):
        assert (await client.get(ME, headers=sent(each))).status_code == 200
    again = await client.post(f"{KEYS}/{key['id']}/rotate", json={}, headers=admin)
    assert again.status_code == 409
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE api_key_secrets SET expires_at = now()"
            " WHERE key_id = %s AND expires_at IS NOT NULL",
            [key["id"]],
        )
    assert (await client.get(ME, headers=sent(key))).status_code == 401
    assert (await client.get(ME, headers=sent(rotated.json()))).status_code == 200


async def test_a_rotation_without_overlap_ends_the_former_secret_at_once(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    key = await make_key()
    url = f"{KEYS}/{key['id']}/rotate"
    rotated = await client.post(url, json={"overlap_hours": 0}, headers=admin)
    assert (await client.get(ME, headers=sent(key))).status_code == 401
    assert (await client.get(ME, headers=sent(rotated.json()))).status_code == 200


async def test_rotations_at_once_leave_two_secrets_at_most(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    key = await make_key()
    url = f"{KEYS}/{key['id']}/rotate"
    answers = await asyncio.gather(*(client.post(url, json={}, headers=admin) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    shown = (await client.get(f"{KEYS}/{key['id']}", headers=admin)).json()
    assert len(shown["secrets"]) == 2


# --- What a key may do ---------------------------------------------------------------------------


NEW_AWARD = {
    "name": "An award",
    "organization": "Acme Trust",
    "description": "For those who look for one.",
    "scholarship_type": "merit_based",
    "deadline_kind": "rolling",
}


async def test_a_key_has_its_own_scopes_only(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    reader, writer = await make_key(), await make_key(scopes=["scholarships:write"])
    body = {**NEW_AWARD, "id": "from-a-key"}
    assert (await client.post(LISTING, json=body, headers=sent(reader))).status_code == 403
    assert (await client.post(LISTING, json=body, headers=sent(writer))).status_code == 201
    assert (await client.get(KEYS, headers=sent(writer))).status_code == 403
    assert (await client.get("/api/v1/analytics/summary", headers=sent(writer))).status_code == 403


async def test_a_key_of_an_organization_is_confined_like_a_partner(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    key = await make_key(scopes=["scholarships:write"], organization="Acme Trust")
    for award, status in (("one", 200), ("two", 403)):
        answer = await change(client, award, sent(key), name="Another name")
        assert answer.status_code == status, answer.text


async def test_no_answer_to_a_key_of_an_organization_tells_whether_an_id_of_others_exists(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    key = await make_key(scopes=["scholarships:write"], organization="Acme Trust")
    answers = [
        await client.post(LISTING, json={**NEW_AWARD, "id": each}, headers=sent(key))
        for each in ("two", "free")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    taken, free = (answer.json()["details"]["fields"] for answer in answers)
    assert taken == free
    (field,) = taken
    assert field["field"] == "id"
    assert field["message"].startswith("must begin with acme-trust-")


async def test_a_key_that_manages_keys_grants_no_more_than_it_has(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    manager = await make_key(scopes=["keys:write", "scholarships:read"], organization="Acme Trust")
    outsider = await make_key()
    for refused in (
        {"scopes": ["scholarships:write"]},
        {"scopes": ["scholarships:read"], "organization": "Other Trust"},
    ):
        answer = await client.post(KEYS, json={"name": "more", **refused}, headers=sent(manager))
        assert answer.status_code == 403, answer.text
    own = await make_key(by=sent(manager))
    assert own["organization"] == "Acme Trust"
    listed = (await client.get(KEYS, headers=sent(manager))).json()["items"]
    assert {own["id"], manager["id"]} <= {key["id"] for key in listed}
    assert outsider["id"] not in {key["id"] for key in listed}
    foreign = await client.delete(f"{KEYS}/{outsider['id']}", headers=sent(manager))
    assert foreign.status_code == 404


@pytest.mark.parametrize("organization", [None, "Acme Trust"])
async def test_a_key_that_manages_keys_gets_no_secret_of_one_with_more_scopes(
    client: httpx.AsyncClient, make_key: MakeKey, organization: str | None
) -> None:
    scopes = ["keys:write", "scholarships:read"]
    manager = await make_key(scopes=scopes, organization=organization)
    stronger = await make_key(scopes=["scholarships:write"], organization="Acme Trust")
    url = f"{KEYS}/{stronger['id']}/rotate"
    refused = await client.post(url, json={}, headers=sent(manager))
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    weaker = await make_key(organization="Acme Trust")
    url = f"{KEYS}/{weaker['id']}/rotate"
    assert (await client.post(url, json={}, headers=sent(manager))).status_code == 200
    # Ending a key grants nothing.
    ended = await client.delete(f"{KEYS}/{stronger['id']}", headers=sent(manager))
    assert ended.status_code == 204


async def test_a_key_of_an_organization_gives_no_tier(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    scopes = ["keys:write", "scholarships:read"]
    body = {"name": "fast", "scopes": ["scholarships:read"], "tier": "campus"}
    for organization, status in (("Acme Trust", 403), (None, 201)):
        manager = await make_key(scopes=scopes, organization=organization)
        answer = await client.post(KEYS, json=body, headers=sent(manager))
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("role", [Role.PARTNER, Role.STUDENT, Role.READ_ONLY])
async def test_only_administrators_manage_keys(
    client: httpx.AsyncClient, make_headers: MakeHeaders, role: Role
) -> None:
    values = {"organization": "Acme Trust"} if role is Role.PARTNER else {}
    headers = await make_headers(role, **values)
    assert (await client.get(KEYS, headers=headers)).status_code == 403
    assert (await client.get(USAGE, headers=headers)).status_code == 403


async def test_nobody_logs_in_as_a_key(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    key = await make_key()
    username = (await client.get(ME, headers=sent(key))).json()["username"]
    for password in ("!", key["secret"]):
        answer = await client.post(
            "/api/v1/auth/login-simple", json={"username": username, "password": password}
        )
        assert answer.status_code == 401
    assert (await client.delete(ME, headers=sent(key))).status_code == 403
    assert (await client.post("/api/v1/auth/logout", headers=sent(key))).status_code == 403


# --- Publishable keys ----------------------------------------------------------------------------


async def test_a_publishable_key_is_for_its_origins_only(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    key = await make_key(kind="publishable", origins=["https://App.example.org"])
    assert key["secret"].startswith("sch_pub_")
    for origin, status in (
        ({"Origin": "https://app.example.org"}, 200),
        ({"Origin": "https://evil.example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ):
        answer = await client.get(SEARCH, headers={**sent(key), **origin})
        assert answer.status_code == status, origin


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "publishable"},
        {"kind": "publishable", "origins": ["https://a.org"], "scopes": ["scholarships:write"]},
        {"kind": "publishable", "origins": ["http://a.org"]},
        {"kind": "publishable", "origins": ["*"]},
        {"kind": "publishable", "origins": ["https://a.org/path"]},
        {"origins": ["https://a.org"]},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name": " "},
        {"name": "a\u0000b"},
        {"name": "a\nb"},
        {"name": "\u3164"},
        {"name": "a\u2800b"},
        {"organization": "Acme\u115fTrust"},
        {"tier": "gold"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-01:00"},
        {"organization": ""},
        {"unknown": 1},
    ],
)
async def test_a_wrong_key_is_refused(
    client: httpx.AsyncClient, admin: Headers, wrong: dict[str, Any]
) -> None:
    body = {"name": "x", "scopes": ["scholarships:read"], **wrong}
    answer = await client.post(KEYS, json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR"), answer.text


# --- Limits and use ------------------------------------------------------------------------------


async def test_the_tier_of_a_key_replaces_the_limits(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    plain, campus = await make_key(), await make_key(tier="campus")
    ordinary = await client.get(SEARCH, headers=sent(plain))
    assert ordinary.headers["X-RateLimit-Limit"] == "20"
    assert "X-RateLimit-Tier" not in ordinary.headers
    higher = await client.get(SEARCH, headers=sent(campus))
    assert higher.headers["X-RateLimit-Limit"] == "50"
    assert higher.headers["X-RateLimit-Tier"] == "campus"
    event = await client.post("/api/v1/events", json={}, headers=sent(campus))
    assert event.headers["X-RateLimit-Limit"] == "70"


async def test_keys_of_one_address_count_separately(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    first, second = await make_key(), await make_key()
    statuses = [(await client.get(SEARCH, headers=sent(first))).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert (await client.get(SEARCH, headers=sent(second))).status_code == 200
    assert (await client.get(SEARCH)).status_code == 200


async def test_a_known_key_is_not_refused_for_the_requests_of_its_address(
    client: httpx.AsyncClient, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scholarship_api.api_keys.authenticator.KNOWN_SECONDS", -1.0)
    key = await make_key()
    assert (await client.get(SEARCH, headers=sent(key))).status_code == 200
    statuses = [(await client.get(SEARCH)).status_code for _ in range(21)]
    assert statuses[-1] == 429
    assert (await client.get(SEARCH, headers=sent(key))).status_code == 200


async def test_a_key_that_was_known_counts_for_the_address_once_it_is_refused(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scholarship_api.api_keys.authenticator.KNOWN_SECONDS", -1.0)
    key = await make_key()
    assert (await client.get(SEARCH, headers=sent(key))).status_code == 200
    assert (await client.delete(f"{KEYS}/{key['id']}", headers=admin)).status_code == 204
    statuses = [(await client.get(SEARCH, headers=sent(key))).status_code for _ in range(25)]
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429


async def test_usage_equals_the_requests_sent_over_all_workers(
    apps: list[FastAPI],
    clients: list[httpx.AsyncClient],
    admin: Headers,
    make_key: MakeKey,
) -> None:
    key = await make_key()
    for client in clients:
        for _ in range(13):
            await client.get(SEARCH, headers=sent(key))  # the last of all are refused
        await client.get(f"{LISTING}/two", headers=sent(key))
        await client.get("/api/v1/vocabularies", headers=sent(key))
    for app in apps:
        await app.state.usage_recorder.flush()
    own = (await clients[0].get(USAGE, headers=sent(key))).json()["items"]
    counted = {row["route_group"]: row["requests"] for row in own}
    assert counted == {"search": 26, "scholarships": 2, "other": 3}, "with the request itself"
    assert {row["key_id"] for row in own} == {key["id"]}
    seen = await clients[0].get(USAGE, params={"key_id": key["id"]}, headers=admin)
    assert seen.json()["items"] == own
    shown = (await clients[0].get(f"{KEYS}/{key['id']}", headers=admin)).json()
    assert shown["last_used_on"] == str(dt.datetime.now(dt.UTC).date())


async def test_a_key_does_not_see_the_use_of_others(
    client: httpx.AsyncClient, make_key: MakeKey
) -> None:
    one, other = await make_key(), await make_key()
    await client.get(SEARCH, headers=sent(other))
    seen = await client.get(USAGE, params={"key_id": other["id"]}, headers=sent(one))
    assert {row["key_id"] for row in seen.json()["items"]} <= {one["id"]}
