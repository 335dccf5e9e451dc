"""The head of a request: its size, its form, its Host, and how it is rejected."""

import pytest

from tests.platform.server.service import HEAD, KIB, ORIGIN, POST, assert_rejected, parse, serving

pytestmark = pytest.mark.anyio


class TestHead:
    async def test_requests_of_one_connection_are_answered_in_order(self) -> None:
        async with serving() as service:
            requests = b"".join(
                b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d" % (n, n)
                for n in range(5)
            )
            responses = await service.ask(requests + b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [response.body for response in responses[:5]] == [
            b"/%d:%d" % (n, n) for n in range(5)
        ]
        assert responses[5].headers["connection"] == "close"

    async def test_bytes_one_by_one(self) -> None:
        request = POST + b"Connection: close\r\nContent-Length: 2\r\n\r\nab"
        async with serving() as service:
            responses = await service.ask(*(bytes([byte]) for byte in request), pause=0.001)
        assert [response.body for response in responses] == [b"/:ab"]

    @pytest.mark.parametrize("parts", [1, 2, 7])
    async def test_64_kib_of_headers_are_rejected(self, parts: int) -> None:
        head = HEAD + b"X: " + b"a" * 64 * KIB + b"\r\n\r\n"
        size = -(-len(head) // parts)
        async with serving() as service:
            responses = await service.ask(*(head[i * size : (i + 1) * size] for i in range(parts)))
            assert service.app.scopes == []
        assert_rejected(responses, 431, "HEADERS_TOO_LARGE")

    async def test_many_small_headers_are_rejected(self) -> None:
        head = HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(3000)) + b"\r\n"
        async with serving() as service:
            assert_rejected(await service.ask(head), 431, "HEADERS_TOO_LARGE")

    async def test_a_head_that_never_ends_is_rejected_at_the_limit(self) -> None:
        async with serving() as service:
            responses = await service.ask(HEAD + b"X: ", b"a" * 10 * KIB, b"a" * 10 * KIB)
        assert_rejected(responses, 431, "HEADERS_TOO_LARGE")

    async def test_a_large_head_behind_another_request_is_rejected(self) -> None:
        large = HEAD + b"X: " + b"a" * 20 * KIB + b"\r\n\r\n"
        async with serving() as service:
            raw = await service.raw(HEAD + b"\r\n" + large)
            assert len(service.app.scopes) == 1
        # The second request is rejected before the first response is sent, which is the last one.
        assert [response.status for response in parse(raw)] == [200]
        assert parse(raw)[0].headers["connection"] == "close"

    async def test_a_head_within_the_limit_passes_with_a_large_body(self) -> None:
        body = b"b" * 100 * KIB
        head = POST + b"X: " + b"a" * 15 * KIB + b"\r\nConnection: close\r\n"
        async with serving() as service:
            responses = await service.ask(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert [response.body for response in responses] == [b"/:" + body]

    async def test_a_request_line_that_is_too_long_is_answered_414(self) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET /" + b"a" * 20 * KIB)
        assert_rejected(responses, 414, "URI_TOO_LONG")

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GARBAGE\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET ftp://x/a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET ws://x/a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\nHost: x\n\n",
            HEAD + b"X: a\x00b\r\n\r\n",
            HEAD + b"X: a\r\n folded\r\n\r\n",
            HEAD + b"X : a\r\n\r\n",
            HEAD + b"no colon\r\n\r\n",
        ],
    )
    async def test_malformed_requests_are_rejected(self, request_bytes: bytes) -> None:
        async with serving() as service:
            assert_rejected(await service.ask(request_bytes), 400, "BAD_REQUEST")
            assert service.app.scopes == []

    @pytest.mark.parametrize(
        "header",
        [
            b"PROXY TCP4 203.0.113.5 10.0.0.1 5000 80\r\n",
            b"PROXY UNKNOWN\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
        ],
    )
    async def test_the_proxy_protocol_is_rejected_with_a_reason(self, header: bytes) -> None:
        async with serving() as service:
            responses = await service.ask(header + HEAD + b"\r\n")
            assert service.app.scopes == []
        response = assert_rejected(responses, 400, "BAD_REQUEST")
        assert "X-Forwarded-For" in response.error["message"]

    @pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nHost: y\r\n"])
    async def test_a_request_has_exactly_one_host(self, hosts: bytes) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
            assert service.app.scopes == []
        assert_rejected(responses, 400, "INVALID_HOST")

    @pytest.mark.parametrize("version", [b"1.0", b"1.1"])
    @pytest.mark.parametrize(
        ("target", "host"),
        [
            (b"/a", b"x"),
            (b"http://other.example/a", b"other.example"),
            (b"http://other.example:81/a?b=//x", b"other.example:81"),
            (b"https://user@other.example/a", b"user@other.example"),
            (b"http://[::1]:81/a", b"[::1]:81"),
            (b"HTTP://other.example/a", b"other.example"),
        ],
    )
    async def test_the_authority_of_an_absolute_url_wins_over_host(
        self, version: bytes, target: bytes, host: bytes
    ) -> None:
        head = b"GET %b HTTP/%b\r\nHost: x\r\nConnection: close\r\n\r\n" % (target, version)
        async with serving() as service:
            await service.ask(head)
            [scope] = service.app.scopes
        assert [value for name, value in scope["headers"] if name == b"host"] == [host]
        assert scope["path"] == "/a"

    async def test_http_1_0_needs_no_host(self) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert [response.status for response in responses] == [200]

    async def test_the_rejection_of_head_has_no_body(self) -> None:
        async with serving() as service:
            raw = await service.raw(b"HEAD / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")
        assert raw.startswith(b"HTTP/1.1 400 ")
        assert raw.endswith(b"\r\n\r\n")

    async def test_rejections_keep_the_request_id_and_have_cors_headers(self) -> None:
        head = HEAD + b"X-Request-ID: my-id\r\nOrigin: " + ORIGIN.encode() + b"\r\n"
        async with serving() as service:
            responses = await service.ask(head + b"Host: y\r\n\r\n")
        response = assert_rejected(responses, 400, "INVALID_HOST")
        assert response.headers["x-request-id"] == "my-id"
        assert response.headers["access-control-allow-origin"] == ORIGIN

    async def test_a_malformed_preflight_is_not_answered_as_a_preflight(self) -> None:
        head = b"OPTIONS / HTTP/1.1\r\nHost: x\r\nHost: y\r\nOrigin: " + ORIGIN.encode()
        async with serving() as service:
            responses = await service.ask(head + b"\r\nAccess-Control-Request-Method: GET\r\n\r\n")
        assert_rejected(responses, 400, "INVALID_HOST")
