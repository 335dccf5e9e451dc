"""Cursors that this service has not made, and cursors with hostile content.

The first kind is refused by its signature, before anything is decompressed or asked of the
database. The second kind needs the signing key; its work is bounded all the same, and every failure
of it is the client's: 422.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import TokenSigner
from scholarship_api.search import cursors, limits
from scholarship_api.search.cursors import Cursor, CursorCodec
from scholarship_api.search.schemas import Sort
from tests.search.conftest import Insert
from tests.search.hostile_cursors import CONTENTS, hostile_cursor

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
SIGNER = TokenSigner(key="a key of the test", purpose=cursors.PURPOSE)
CODEC = CursorCodec(SIGNER)
KEYSET = ("2027-01-01 00:00:00+00", "id")


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Insert) -> None:
    insert_awards(
        {
            "id": f"forged_{number}",
            "name": f"Otter prize {number}",
            "organization": "Otter Trust",
            "scholarship_type": "merit_based",
            "deadline_kind": "rolling",
        }
        for number in range(30)
    )


def refused(text: str) -> str:
    """The message of the refusal."""
    with pytest.raises(ValidationFailed) as refusal:
        CODEC.decode(text, digest="00")
    details: Any = refusal.value.details
    [problem] = details["fields"]
    assert problem["field"] == "cursor"
    return str(problem["message"])


def test_a_signed_cursor_is_decoded() -> None:
    cursor = Cursor(
        digest="ab", keyset=(-0.25, "infinity", "id/ü"), page=3, match="'a'", query_length=1
    )
    assert CODEC.decode(CODEC.encode(cursor), digest="ab") == cursor


@given(st.text(max_size=80) | st.text("ABCabc019-_=", max_size=80))
def test_other_texts_are_refused(text: str) -> None:
    assert "start again" in refused(text)


@given(st.integers(0, 10_000), st.sampled_from("ABab01-_"))
def test_a_changed_cursor_is_refused(at: int, letter: str) -> None:
    text = CODEC.encode(Cursor(digest="00", keyset=KEYSET, page=2))
    at %= len(text) - 1  # the last character has bits that mean nothing
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        refused(changed)


def test_a_cursor_of_the_release_before_signatures_is_refused() -> None:
    raw = json.dumps({"d": "00", "k": KEYSET, "p": 2}).encode()
    unsigned = base64.urlsafe_b64encode(zlib.compress(raw, level=9)).decode().rstrip("=")
    assert "start again without a cursor" in refused(unsigned)


def test_nothing_unsigned_is_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b'{"d":"' + b"x" * 10**7)).decode()
    monkeypatch.setattr(zlib, "decompressobj", lambda: pytest.fail("was decompressed"))
    refused(bomb.rstrip("="))


def test_a_signed_bomb_is_decompressed_up_to_a_limit() -> None:
    refused(SIGNER.sign(zlib.compress(b'{"d":"' + b"x" * 10**7)))


def test_cursors_are_accepted_while_the_key_is_rotated() -> None:
    text = CODEC.encode(Cursor(digest="00", keyset=KEYSET, page=2))
    rotated = TokenSigner(
        key="the next key", previous_keys=["a key of the test"], purpose=cursors.PURPOSE
    )
    assert CursorCodec(rotated).decode(text, digest="00").page == 2


# --- Content that only the owner of the key can send ---------------------------------------------


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    q=st.sampled_from([None, "otter"]),
    sort=st.sampled_from([each for each in Sort if each is not Sort.MATCH]),
    fields=CONTENTS,
)
async def test_hostile_content_is_answered_with_200_or_422(
    app: FastAPI, client: httpx.AsyncClient, q: str | None, sort: Sort, fields: dict[str, Any]
) -> None:
    params = {"sort": sort.value, "limit": 5} | ({"q": q} if q else {})
    cursor = hostile_cursor(q=q, sort=sort, fields=fields)
    answer = await client.post(
        PATH, json={**params, "cursor": app.state.cursor_codec.encode(cursor)}
    )
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (PATH, {"q": "otter"}),
        (PATH, {}),
        ("/api/v1/scholarships/smart-search", {"q": "otter"}),
        ("/api/v1/scholarships/organization/Otter Trust", {}),
        ("/api/v1/scholarships/fields/law", {}),
    ],
)
async def test_every_route_refuses_a_cursor_of_another_key(
    app: FastAPI, client: httpx.AsyncClient, path: str, params: Mapping[str, str]
) -> None:
    genuine = (await client.get(path, params={**params, "limit": 1})).json()["next_cursor"]
    packed = app.state.cursor_codec._signer.verify(genuine)
    answer = await client.get(path, params={**params, "limit": 1, "cursor": SIGNER.sign(packed)})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    accepted = await client.get(path, params={**params, "limit": 1, "cursor": genuine})
    assert accepted.status_code == 200


# --- The cost of a page --------------------------------------------------------------------------


def test_a_cursor_has_a_bounded_number_of_clauses() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        Cursor(
            digest="",
            keyset=(),
            page=2,
            weighted_clauses=tuple((1.0, "'a'", 1) for _ in range(65)),
        )


async def test_a_page_with_a_cursor_is_ranked_by_as_many_clauses_as_the_first(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RANKED_CLAUSES_TIMES_MATCHES", 30)  # one clause for 30 awards
    params: dict[str, Any] = {"q": "otter prize trust", "limit": 7}
    codec: CursorCodec = app.state.cursor_codec
    first = (await client.get(PATH, params=params)).json()
    digest = cursors.digest_of({"q": params["q"], "sort": Sort.RELEVANCE, "organization": None})
    cursor = codec.decode(first["next_cursor"], digest=digest)
    assert cursor.weighted_clauses is not None
    assert len(cursor.weighted_clauses) == 1
    # Further clauses, which would reverse the order, have no effect.
    further = tuple((999.0, f"'{number}'", 1) for number in range(30))
    changed = cursor.model_copy(update={"weighted_clauses": cursor.weighted_clauses + further})
    pages = [
        (await client.get(PATH, params={**params, "cursor": codec.encode(each)})).json()
        for each in (cursor, changed)
    ]
    assert len(pages[0]["items"]) == 7
    assert pages[0]["items"] == pages[1]["items"]
