"""Answers are compressed for clients that ask for it, and stay the same answers."""

import gzip
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from scholarship_api.app import create_app
from scholarship_api.platform.http.compression import CompressionMiddleware, accepts_gzip
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import connect

pytestmark = pytest.mark.anyio

LARGE = json.dumps({"items": [f"award {number}" for number in range(500)]}).encode()


class Answering:
    """An application with one answer, whose `took_ms` differs each time."""

    def __init__(
        self, body: bytes = LARGE, *headers: tuple[bytes, bytes], status: int = 200
    ) -> None:
        self.body, self.headers, self.status, self.count = body, headers, status, 0

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        self.count += 1
        body = self.body.replace(b"NUMBER", b"%d.25" % self.count)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def raw(app: Any, accept_encoding: str) -> tuple[dict[str, str], bytes]:  # noqa: ANN401
    """The headers and the body as they are sent."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    headers = [(b"accept-encoding", accept_encoding.encode())] if accept_encoding else []
    await app({"type": "http", "method": "GET", "headers": headers}, receive, send)
    start, body = sent
    return {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "*", "deflate, GZIP", "gzip; q=1.0"])
async def test_a_large_answer_is_compressed(accept: str) -> None:
    headers, body = await raw(CompressionMiddleware(Answering(LARGE, (b"etag", b'"a"'))), accept)
    assert gzip.decompress(body) == LARGE
    assert len(body) < len(LARGE) / 2
    assert headers["content-encoding"] == "gzip"
    assert headers["content-length"] == str(len(body))
    assert headers["etag"] == 'W/"a"'
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accept", ["", "br", "gzip;q=0", "*;q=0", "identity", "gzip;q=0.000"])
async def test_a_client_that_does_not_ask_gets_the_answer_as_it_is(accept: str) -> None:
    headers, body = await raw(CompressionMiddleware(Answering(LARGE, (b"etag", b'"a"'))), accept)
    assert body == LARGE
    assert "content-encoding" not in headers
    assert headers["etag"] == '"a"'
    assert headers["vary"] == "Accept-Encoding", "caches must not give this answer to others"


@pytest.mark.parametrize(
    "app",
    [
        Answering(b"{}"),
        Answering(LARGE, (b"cache-control", b"no-store")),
        Answering(LARGE, (b"content-encoding", b"br")),
        Answering(LARGE, status=404),
    ],
)
async def test_some_answers_are_left_as_they_are(app: Answering) -> None:
    headers, body = await raw(CompressionMiddleware(app), "gzip")
    assert body == app.body
    assert headers.get("content-encoding") != "gzip"


async def test_a_cached_answer_is_compressed_once_around_its_time() -> None:
    body = b'{"took_ms":NUMBER,' + LARGE[1:]
    app = CompressionMiddleware(Answering(body, (b"etag", b'W/"a"')))
    for number in (1, 2, 3):
        _, sent = await raw(app, "gzip")
        assert json.loads(gzip.decompress(sent))["took_ms"] == number + 0.25
    assert len(app._cached) == 1


@pytest.mark.parametrize("body", [b'{"took_ms":NUMBER}' + b" " * 2000, LARGE + b'"took_ms":' * 9])
async def test_unusual_bodies_survive(body: bytes) -> None:
    answering = Answering(body)
    _, sent = await raw(CompressionMiddleware(answering), "gzip")
    assert gzip.decompress(sent) == body.replace(b"NUMBER", b"1.25")


def test_the_last_of_several_lines_counts_as_well() -> None:
    lines = [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")]
    assert accepts_gzip({"headers": lines})


async def test_the_setting_turns_it_on(production: Settings) -> None:
    settings = Settings.model_validate({**production.model_dump(), "compress_responses": True})
    app = create_app(settings)
    async with app.router.lifespan_context(app), connect(app) as client:
        vocabulary = await client.get("/api/v1/vocabularies")
        assert vocabulary.status_code == 200
        encodings = {"Accept-Encoding": "gzip"}
        compressed: httpx.Response = await client.get("/api/v1/vocabularies", headers=encodings)
        assert compressed.headers["Content-Encoding"] == "gzip"
        plain = await client.get("/api/v1/vocabularies", headers={"Accept-Encoding": "identity"})
        assert plain.json() == compressed.json()
