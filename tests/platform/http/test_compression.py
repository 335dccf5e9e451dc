"""Answers are compressed for clients that ask for it, and stay the same answers."""

import gzip
import json
import sys
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from starlette.types import Message, Receive, Scope, Send

from scholarship_api.app import create_app
from scholarship_api.platform.http.compression import CompressionMiddleware
from scholarship_api.platform.http.content_codings import preferred_coding
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import connect

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("*", "gzip"),
        ("deflate, GZIP", "gzip"),
        ("gzip; q=1.0", "gzip"),
        ("br, gzip;q=0.5", "br"),
        ("gzip;q=0.5, br;q=0.4, zstd;q=0.3", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("x-gzip, zstd;q=0", "gzip"),
        ("br;q=0.1, identity;q=0", "br"),
    ],
)
async def test_a_large_answer_is_compressed(accept: str, coding: str) -> None:
    headers, body = await raw(CompressionMiddleware(Answering(LARGE, (b"etag", b'"a"'))), accept)
    assert headers["content-encoding"] == coding
    assert DECODERS[coding](body) == LARGE
    assert len(body) < len(LARGE) / 2
    assert headers["content-length"] == str(len(body))
    assert headers["etag"] == 'W/"a"'
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "deflate",
        "gzip;q=0",
        "*;q=0",
        "identity",
        "br;q=0.000",
        "gzip;q=a",
        "gzip;x=1",
        "br;q=.5, identity",
    ],
)
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


@pytest.mark.parametrize(
    ("accept", "coding"),
    [("gzip, deflate, br, zstd", "gzip"), ("br, zstd", "zstd"), ("br, gzip;q=0.9", "br")],
)
async def test_an_answer_with_its_time_prefers_gzip(accept: str, coding: str) -> None:
    body = b'{"took_ms":NUMBER,' + LARGE[1:]
    app = CompressionMiddleware(Answering(body, (b"etag", b'W/"a"')))
    for number in (1, 2):
        headers, sent = await raw(app, accept)
        assert headers["content-encoding"] == coding
        assert json.loads(DECODERS[coding](sent))["took_ms"] == number + 0.25


@pytest.mark.parametrize("coding", DECODERS)
async def test_a_cached_answer_without_a_time_is_compressed_once(coding: str) -> None:
    app = CompressionMiddleware(Answering(LARGE, (b"etag", b'"a"')))
    bodies = [(await raw(app, coding))[1] for _ in range(3)]
    assert len(set(bodies)) == 1
    assert len(app._cached) == 1
    other = next(name for name in DECODERS if name != coding)
    assert DECODERS[other]((await raw(app, other))[1]) == LARGE
    assert len(app._cached) == 2


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
    assert preferred_coding(lines, [b"gzip"]) == b"gzip"


async def test_the_setting_turns_it_on(production: Settings) -> None:
    settings = Settings.model_validate({**production.model_dump(), "compress_responses": True})
    app = create_app(settings)
    async with app.router.lifespan_context(app), connect(app) as client:
        plain = await client.get("/api/v1/vocabularies", headers={"Accept-Encoding": "identity"})
        for coding, decode in DECODERS.items():
            encodings = {"Accept-Encoding": coding}
            async with client.stream("GET", "/api/v1/vocabularies", headers=encodings) as answer:
                assert answer.headers["Content-Encoding"] == coding
                sent = b"".join([part async for part in answer.aiter_raw()])
            assert decode(sent) == plain.content
