"""Forged cursors, sent to the real service: without its signing key, and with it."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from scholarship_api.platform.signed_tokens import TokenSigner
from scholarship_api.search import cursors, limits
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.schemas import Sort
from tests.deploy.gunicorn_server import PRODUCTION
from tests.fuzz.amount import FUZZ, seed
from tests.fuzz.conftest import Client
from tests.search.hostile_cursors import CONTENTS, hostile_cursor

pytestmark = [pytest.mark.server, pytest.mark.slow]

SEARCH: Final = "/api/v1/search"
CODEC: Final = CursorCodec(TokenSigner(key=PRODUCTION["JWT_SECRET_KEY"], purpose=cursors.PURPOSE))
SEARCHES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (SEARCH, {"limit": 1}),
    (SEARCH, {"limit": 1, "q": "engineering"}),
    (SEARCH, {"limit": 1, "q": "scholarship", "sort": "amount"}),
    ("/api/v1/scholarships/smart-search", {"limit": 1, "q": "nursing"}),
    ("/api/v1/scholarships/fields/law", {"limit": 1}),
    ("/api/v1/scholarships", {"limit": 1}),
)


def unsigned(content: Mapping[str, object]) -> str:
    """A cursor as earlier releases made them."""
    raw = json.dumps(content).encode()
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode().rstrip("=")


FORGED: Final = st.one_of(
    st.text(max_size=300),
    st.text("ABab01-_=", max_size=limits.MAX_CURSOR_CHARACTERS),
    st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.builds(
        lambda part, count: unsigned(
            {"d": "00", "k": [-1, "infinity", ""], "p": 2, "m": "&".join([part] * count)}
        ),
        st.sampled_from(("!'zz'", "'a':*", "(", "!")),
        st.integers(1, 20_000),
    ),
)


@hypothesis_seed(seed())
@FUZZ
@given(search=st.sampled_from(SEARCHES), forged=FORGED, data=st.data())
def test_cursors_without_the_signature_are_refused(
    client: Client, search: tuple[str, dict[str, Any]], forged: str, data: st.DataObject
) -> None:
    path, params = search
    if not data.draw(st.booleans()):
        genuine = client.ask("GET", path, params=params).json()["next_cursor"]
        at = data.draw(st.integers(0, len(genuine) - 2))
        forged = genuine[:at] + ("A" if genuine[at] != "A" else "B") + genuine[at + 1 :]
    method = "POST" if path == SEARCH else "GET"
    how: dict[str, Any] = {"json" if method == "POST" else "params": {**params, "cursor": forged}}
    answer = client.ask(method, path, **how)
    if forged and "\x00" not in forged:
        assert answer.status_code in (414, 422)


@hypothesis_seed(seed())
@FUZZ
@given(
    q=st.sampled_from((None, "engineering", "scholarship")),
    sort=st.sampled_from(Sort),
    fields=CONTENTS,
)
def test_hostile_contents_with_the_signature_are_answered(
    client: Client, q: str | None, sort: Sort, fields: dict[str, Any]
) -> None:
    body = {"sort": sort.value, "limit": 5} | ({"q": q} if q else {})
    cursor = CODEC.encode(hostile_cursor(q=q, sort=sort, fields=fields))
    answer = client.ask("POST", SEARCH, json={**body, "cursor": cursor})
    assert answer.status_code in (200, 422)
