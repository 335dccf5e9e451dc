"""POST /api/v1/events: what a client reports is counted for the query of a search_id, without the
client."""

import asyncio
import base64
import secrets
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from scholarship_api.activity.routes import EVENT_BODY_BYTES
from scholarship_api.activity.searches import search_ids
from scholarship_api.activity.searches.recording import CountedSearch
from scholarship_api.platform.signed_tokens import TokenSigner
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.activity.conftest import Connection, Headers

pytestmark = pytest.mark.anyio

EVENTS = "/api/v1/events"
SEARCH = "/api/v1/search"


async def search_id(client: httpx.AsyncClient, q: str | None = "law", **params: str | int) -> str:
    answer = await client.get(SEARCH, params={**({} if q is None else {"q": q}), **params})
    assert answer.status_code == 200
    found: str = answer.json()["search_id"]
    return found


def event(
    of: str, kind: str = "click", award: str = "award_1", **more: str | int
) -> dict[str, Any]:
    return {"search_id": of, "type": kind, "scholarship_id": award, **more}


async def report(
    app: FastAPI, events: list[dict[str, Any]], *, clients: int = 1, status: int = 202
) -> None:
    """Send events from several addresses."""
    for number in range(1, clients + 1):
        async with connected(app, f"192.0.2.{number}") as client:
            for body in events:
                answer = await client.post(EVENTS, json=body)
                assert (answer.status_code, answer.content == b"") == (status, status == 202)


async def flush(*apps: FastAPI) -> None:
    for app in apps:
        await app.state.search_recorder.flush()


def of_queries(rows: Connection) -> list[tuple[Any, ...]]:
    return rows.execute(
        "SELECT query, type, clients, events, positioned, position_sum FROM query_event_counts"
        " WHERE type <> 'no_results' ORDER BY query, type"
    ).fetchall()


def without_results(rows: Connection) -> list[tuple[Any, ...]]:
    return rows.execute(
        "SELECT query, clients, events FROM query_event_counts WHERE type = 'no_results'"
        " ORDER BY query"
    ).fetchall()


def of_awards(rows: Connection) -> list[tuple[Any, ...]]:
    return rows.execute(
        "SELECT scholarship_id, type, events, positioned, position_sum FROM award_event_counts"
        " ORDER BY scholarship_id, type"
    ).fetchall()


# --- search_id -----------------------------------------------------------------------------------


async def test_every_answer_of_a_search_has_the_id_of_its_words(
    clients: list[httpx.AsyncClient], app: FastAPI
) -> None:
    """From every route, page and worker, whether it was produced or cached."""
    client = clients[0]
    wanted = await search_id(client, "law award")
    found = [
        await search_id(client, "law award"),
        await search_id(clients[1], "law award"),
        await search_id(client, "  Law, AWARD! "),
        await search_id(client, "law award", offset=2, limit=2),
        await search_id(client, "jonathan publicsson law award 4111"),
    ]
    app.state.fast_path.is_on = False
    found.append(await search_id(client, "law award"))
    app.state.fast_path.is_on = True
    body = {"q": "law award"}
    for method, path, sent in (
        ("POST", SEARCH, body),
        ("POST", "/search", body),
        ("POST", SEARCH, {**body, "profile": {"gpa": 3}}),
        ("GET", "/api/v1/scholarships/smart-search?q=law+award", None),
    ):
        answer = await client.request(method, path, json=sent)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["search_id"])
    searches = {"searches": [body, {"q": "nursing"}, {**body, "profile": {"gpa": 3}}]}
    several = (await client.post("/api/v1/multi-search", json=searches)).json()["results"]
    found += [several[0]["search_id"], several[2]["search_id"]]
    assert set(found) == {wanted}
    assert several[1]["search_id"] == await search_id(client, "nursing") != wanted
    assert await search_id(client, None) == await search_id(client, "publicsson") != wanted


async def test_a_search_id_holds_known_words_only_and_is_short(client: httpx.AsyncClient) -> None:
    text = await search_id(client, "jonathan publicsson 4111-1111 law jane@example.org")
    payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[16:]
    assert payload == b"law"
    longest = await search_id(client, " ".join(["astronomers", "undergraduates"] * 16))
    assert len(longest) <= search_ids.MAX_LENGTH
    assert (await client.post(EVENTS, json=event(longest))).status_code == 202


async def test_an_answer_with_a_search_id_is_revalidated(client: httpx.AsyncClient) -> None:
    params: dict[str, str | int] = {"q": "award", "limit": 3}
    first = await client.get(SEARCH, params=params)
    for _ in range(2):
        again = await client.get(
            SEARCH, params=params, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert (again.status_code, again.headers["ETag"]) == (304, first.headers["ETag"])


# --- Counting ------------------------------------------------------------------------------------


async def test_a_client_counts_once_a_day_for_a_query_an_award_and_a_type(
    apps: list[FastAPI], clients: list[httpx.AsyncClient], rows: Connection
) -> None:
    """Over all workers; of repetitions the first position counts."""
    law, nursing = [await search_id(clients[0], q) for q in ("law", "nursing")]
    await flush(*apps)
    rows.execute("TRUNCATE query_event_counts, award_event_counts, event_clients")
    for app in apps:
        for _ in range(2):
            await report(
                app,
                [
                    event(law, position=3),
                    event(law, position=7),
                    event(law, award="award_2"),
                    event(law, "view"),
                    event(nursing, position=2),
                ],
                clients=2,
            )
            await flush(*apps)
    assert of_queries(rows) == [
        ("law", "click", 2, 4, 2, 6),
        ("law", "view", 2, 2, 0, 0),
        ("nursing", "click", 2, 2, 2, 4),
    ]
    assert of_awards(rows) == [
        ("award_1", "click", 4, 4, 10),
        ("award_1", "view", 2, 0, 0),
        ("award_2", "click", 2, 0, 0),
    ]


async def test_an_account_is_one_client_at_every_address(
    app: FastAPI, client: httpx.AsyncClient, student: Headers, rows: Connection
) -> None:
    law = await search_id(client)
    for address in ("192.0.2.7", "192.0.2.8"):
        async with connected(app, address) as other:
            sent = await other.post(EVENTS, json=event(law, "apply"), headers=student)
            assert sent.status_code == 202
    await flush(app)
    assert of_queries(rows) == [("law", "apply", 1, 1, 0, 0)]


async def test_events_of_a_search_without_known_words_count_for_the_award(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection
) -> None:
    await report(app, [event(await search_id(client, None), position=1)])
    await flush(app)
    assert of_queries(rows) == []
    assert of_awards(rows) == [("award_1", "click", 1, 1, 1)]


@pytest.mark.parametrize("award", ["draft", "nobody", "award_1~", "x" * 128])
async def test_awards_that_are_not_public_are_counted_nowhere(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection, award: str
) -> None:
    """The answer does not tell which awards there are."""
    await report(app, [event(await search_id(client), award=award)])
    await flush(app)
    assert (of_queries(rows), of_awards(rows)) == ([], [])


async def test_searches_without_results_are_counted(app: FastAPI, rows: Connection) -> None:
    """One client counts once for a query, also when it searches it in several ways."""
    for number in range(3):
        async with connected(app, f"192.0.2.{number}") as client:
            assert (await client.get(SEARCH, params={"q": "award"})).json()["total"] > 0
            for amount in (90_000_000, 91_000_000):
                params = {"q": "award", "min_amount": amount}
                answer = await client.get(SEARCH, params=params)
                assert (answer.status_code, answer.json()["total"]) == (200, 0)
            await client.get(SEARCH, params={"q": "future award", "offset": 5})
    await flush(app)
    assert without_results(rows) == [("award", 3, 0)]
    assert rows.execute("SELECT query, clients FROM query_counts").fetchall() == [("award", 3)]


async def test_a_person_is_stored_as_digests_that_cannot_be_linked(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection
) -> None:
    law, nursing = [await search_id(client, q) for q in ("law", "nursing")]
    await report(app, [event(law), event(nursing), event(law, "view")])
    await flush(app)
    digests = [digest for (digest,) in rows.execute("SELECT digest FROM event_clients").fetchall()]
    assert len(set(digests)) == len(digests) >= 6
    columns = rows.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_name IN ('event_clients', 'award_event_counts', 'query_event_counts')"
    ).fetchall()
    figures = ("events", "positioned", "position_sum")
    assert set(columns) == {
        ("event_clients", "day"),
        ("event_clients", "digest"),
        *(("award_event_counts", name) for name in ("day", "scholarship_id", "type", *figures)),
        *(("query_event_counts", name) for name in ("day", "query", "type", "clients", *figures)),
    }


async def test_workers_that_write_the_same_events_do_not_deadlock(
    apps: list[FastAPI], client: httpx.AsyncClient, rows: Connection
) -> None:
    """Each sees them in another order."""
    ids = [await search_id(client, q) for q in ("law", "nursing", "art", "music", "award")]
    await flush(*apps)
    rows.execute("TRUNCATE query_event_counts, award_event_counts, event_clients")
    events = [event(of, award=f"award_{n}") for of, n in product(ids, range(5))]
    for number in range(5):
        for app, ordered in zip(apps, (events, events[::-1]), strict=True):
            await report(app, ordered, clients=1)
            app.state.search_recorder.record(
                CountedSearch("law", has_results=False), client=str(number)
            )
        await asyncio.gather(*(flush(app) for app in apps))
    assert {row[1:4] for row in of_queries(rows)} == {("click", 1, 5)}
    assert without_results(rows) == [("law", 5, 0)]


# --- What is refused -----------------------------------------------------------------------------


def forged_ids(genuine: str) -> Iterator[str]:
    raw = base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    for changed_bytes in (raw + b"x", raw[:-1], b"\0" * 16 + raw[16:], raw[:16] + b"other words"):
        yield base64.urlsafe_b64encode(changed_bytes).decode().rstrip("=")
    yield from ("", "law", "x" * 200, "%00", "\0", "\u00e9", "=" * 8, genuine + "!", genuine[::-1])
    key, purpose = secrets.token_hex(40), search_ids.PURPOSE
    yield TokenSigner(key=key, purpose=purpose).sign(b"law")


async def test_a_forged_search_id_is_refused(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, rows: Connection
) -> None:
    forged = list(forged_ids(await search_id(client)))
    # A token of this service for something else.
    own_key = settings.jwt_secret_key.get_secret_value()
    forged.append(TokenSigner(key=own_key, purpose="search cursor").sign(b"law"))
    for text in forged:
        answer = await client.post(EVENTS, json=event(text))
        assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR"), text
        assert [each["field"] for each in answer.json()["details"]["fields"]] == ["search_id"]
    await flush(app)
    assert (of_queries(rows), of_awards(rows)) == ([], [])


async def test_a_search_id_outlives_one_rotation_of_the_key(
    client: httpx.AsyncClient, settings: Settings, rows: Connection
) -> None:
    law = await search_id(client)
    newer, newest = SecretStr(secrets.token_hex(40)), SecretStr(secrets.token_hex(40))
    rotated = changed(
        settings, jwt_secret_key=newer, jwt_previous_secret_keys=[settings.jwt_secret_key]
    )
    async with running(rotated) as app, connected(app) as other:
        assert (await other.post(EVENTS, json=event(law))).status_code == 202
        assert await search_id(other) != law
    retired = changed(settings, jwt_secret_key=newest, jwt_previous_secret_keys=[newer])
    async with running(retired) as app, connected(app) as other:
        assert (await other.post(EVENTS, json=event(law))).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        {"type": "save"},
        {"type": "no_results"},
        {"type": None},
        {"position": 0},
        {"position": -1},
        {"position": 100_001},
        {"position": 1.5},
        {"position": "first"},
        {"position": [1]},
        {"scholarship_id": ""},
        {"scholarship_id": "a\0"},
        {"scholarship_id": "x" * 129},
        {"scholarship_id": {"id": "award_1"}},
        {"search_id": None},
        {"search_id": 7},
        {"search_id": "x" * 201},
        {"name": "Jane"},
        {"client": "address:192.0.2.1"},
    ],
    ids=str,
)
async def test_an_invalid_event_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    body = {**event(await search_id(client)), **change}
    answer = await client.post(EVENTS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"[]", "application/json", 422),
        (b"{", "application/json", 422),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[" * 1000, "application/json", 422),
        (b'{"search_id": "\xff"}', "application/json", 422),
        (b"search_id=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * (EVENT_BODY_BYTES + 1), "application/json", 413),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    answer = await client.post(EVENTS, content=content, headers={"Content-Type": content_type})
    assert answer.status_code in ({status} if status != 422 else {400, 422}), answer.text
    assert answer.json()["code"]


async def test_a_bad_token_is_refused(client: httpx.AsyncClient) -> None:
    body = event(await search_id(client))
    answer = await client.post(EVENTS, json=body, headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
