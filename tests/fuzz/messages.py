"""Generates, from a seed, requests as bytes that parsers could understand differently.

Each message begins with a hostile request and ends with a canary: a probe under an id of its own.
Hostile bodies hold a stowaway, a request that must never be answered. By the X-Request-ID of the
answers one sees which request each of them is for.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOST: Final = b"Host: 127.0.0.1\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
METHODS: Final = (b"GET", b"POST", b"HEAD", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
TARGETS: Final = (
    *(b"/healthz", b"/", b"/status", b"/readyz", b"/none", b"/metrics", b"/search?limit=1"),
    *(b"/api/v1/search?q=engineering&limit=1", b"/api/v1/scholarships/none", b"/api/v1/auth/check"),
)
ODD_METHODS: Final = (
    *(b"get", b"G", b"TRACE", b"CONNECT", b"PRI", b"PROPFIND", b"BREW", b"GET\t", b" GET", b""),
    *(b"G\x00T", b"G\xc3\x89T", b"A" * 100, b"A" * 40_000, b"GET GET", b"M-SEARCH", b"SOURCE"),
)
ODD_TARGETS: Final = (
    *(b"http://127.0.0.1/healthz", b"http://evil.invalid/healthz", b"https://127.0.0.1:99999/"),
    *(b"127.0.0.1:80", b"*", b"//healthz", b"///", b"", b"healthz", b"?", b"#", b"/healthz#x"),
    *(b"/%00", b"/%", b"/%zz", b"/\x00", b"/\x7f", b"/\xff\xfe", b"/\xc3\xa9", b"/a\tb", b"/a b"),
    *(
        b"/../../etc/passwd",
        b"/..%2f..%2fetc/passwd",
        b"\\healthz",
        b"/\\..\\",
        b"/;x=1",
        b"/?" * 9,
    ),
    *(b"/" + b"a" * 2040, b"/" + b"a" * 3000, b"/?" + b"b" * 20_000, b"http:///x", b"http://[::1"),
    *(b"file:///etc/passwd", b"/healthz HTTP/1.1\r\nX: y", b"/api/v1/search?q=%ED%A0%80"),
)
ODD_VERSIONS: Final = (
    *(b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 "),
    *(b"HTTP/1", b"HTTP/11.1", b"HTTP/1.1x", b"", b"HTTPS/1.1", b"HTTP /1.1", b"RTSP/1.0"),
)
ODD_LENGTHS: Final = (
    *(b"+%d", b"-%d", b"%d, %d", b"0x%x", b"%d.0", b"%de0", b"%d;", b" %d\t", b"\t%d", b"0%d"),
    *(b"%d\x0b", b"%d\r\n 0", b"%d ,%d", b"99999999999999999999%d", b"1_%d", b"\xd9\xa3%d", b""),
)
ODD_CODINGS: Final = (
    *(
        b"chunked, identity",
        b"identity, chunked",
        b"gzip, chunked",
        b"chunked, chunked",
        b"xchunked",
    ),
    *(b"Chunked", b"chunked;q=1", b"\x0bchunked", b"chunked\x0b", b"chunked,", b",chunked", b""),
    *(
        b"chunked, chunked",
        b"chunked\r\n chunked",
        b"identity",
        b"chunke\x64\x00",
        b"\tchunked",
        b"cow",
    ),
)
ODD_CHUNK_SIZES: Final = (
    *(b"-%x", b"+%x", b"0x%x", b"%x ", b" %x", b"%x;", b"%x;a=b", b'%x;a="\n"', b"%x\t", b"0%x"),
    *(b"00000000000000000000%x", b"ffffffffffffffff%x", b"%x_0", b"%xg", b"%x\x00", b"%x\r", b""),
    *(b"%x;\xff", b"%x;" + b"e" * 20_000, b"%x\n", b"%x\r\r", b"%x,%x"),
)
ODD_HEADERS: Final = (
    *(
        b"X : a\r\n",
        b" X: a\r\n",
        b"\tX: a\r\n",
        b"no colon\r\n",
        b": a\r\n",
        b"X: a\r\n folded\r\n",
    ),
    *(b"X: a\x00b\r\n", b"X: a\rb\r\n", b"X: a\nY: b\r\n", b"X\x00: a\r\n", b"X: \x7f\x01\r\n"),
    *(b"X: \xff\xfe\r\n", b"\xc3\xa9: a\r\n", b"X:\r\n", b"X: a\r\r\n", b"X(: a\r\n", b"\r: a\r\n"),
    *(b"Host: other.invalid\r\n", b"Host: 127.0.0.1\r\n", b"Host : x\r\n", b"Host:\r\n"),
    *(b"Connection: close, Host\r\n", b"Connection: Content-Length\r\n", b"Connection: \x00\r\n"),
    *(
        b"Expect: 100-continue\r\n",
        b"Expect: nonsense\r\n",
        b"Upgrade: h2c\r\n",
        b"TE: trailers\r\n",
    ),
    *(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Proxy-Connection: keep-alive\r\n"),
    *(b"Trailer: Content-Length\r\n", b"Keep-Alive: timeout=-1\r\n", b"Range: bytes=0-1\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"Authorization: Bearer \xff\r\n", b"Origin: null\r\n"),
    *(b"Authorization: Basic " + b"A" * 9000 + b"\r\n", b"X-HTTP-Method-Override: DELETE\r\n"),
    *(b"X-Forwarded-For: \xff, 1.2.3.4\r\n", b"Accept-Encoding: " + b"gzip," * 99 + b"\r\n"),
    *(b"If-None-Match: " + b'"a",' * 500 + b"\r\n", b"Cookie: " + b"a=b; " * 500 + b"\r\n"),
)
BOMBS: Final = (
    b"X: " + b"a" * 15_000 + b"\r\n",
    b"X: " + b"a" * 17_000 + b"\r\n",
    b"X: " + b"a" * 200_000 + b"\r\n",
    b"".join(b"X-%d: a\r\n" % number for number in range(300)),
    b"".join(b"X-%d: a\r\n" % number for number in range(3_000)),
    b"a" * 30_000 + b": x\r\n",
    b"X: a\r\n" * 2_000,
)


@dataclass(frozen=True, slots=True)
class Message:
    shape: str
    raw: bytes
    first: str
    """The id of the hostile request, if the server can parse it."""
    canary: str
    is_head: bool = False
    whole: bool = True
    """Whether the stowaway is inside a body; false when bytes were changed at random."""

    @property
    def stowaway(self) -> str:
        return f"stowaway-{self.first}"


class Messages:
    """An endless stream of messages."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - repeatable
        self._number = 0
        self._seed = seed
        self._first = b""
        self._shapes: tuple[Callable[[], bytes], ...] = (
            self.plain,
            self.two_framings,
            self.two_lengths,
            self.odd_length,
            self.odd_coding,
            self.bad_chunks,
            self.trailers,
            self.odd_header,
            self.header_bomb,
            self.odd_method,
            self.odd_target,
            self.odd_version,
            self.odd_line_ends,
            self.cut_short,
            self.noise,
        )

    def __next__(self) -> Message:
        shape = self.rng.choice(self._shapes)
        self._number += 1
        first, canary = (f"{name}-{self._seed}-{self._number}" for name in ("first", "canary"))
        self._first = first.encode()
        raw = shape()
        whole = shape not in {self.cut_short, self.noise, self.odd_line_ends}
        if whole and self.rng.random() < 0.15:
            raw, whole = self._mutated(raw), False
        raw += (
            b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Request-ID: " + canary.encode()
            + b"\r\nConnection: close\r\n\r\n"
        )  # fmt: skip
        return Message(shape.__name__, raw, first, canary, raw[:5] == b"HEAD ", whole)

    def __iter__(self) -> "Messages":
        return self

    # --- Parts ------------------------------------------------------------------------------------

    def _head(
        self,
        *headers: bytes,
        method: bytes | None = None,
        target: bytes | None = None,
        version: bytes = b"HTTP/1.1",
        host: bytes = HOST,
    ) -> bytes:
        method = self.rng.choice(METHODS) if method is None else method
        target = self.rng.choice(TARGETS) if target is None else target
        lines = [host, b"X-Request-ID: " + self._first + b"\r\n", *headers]
        return b"%b %b %b\r\n%b\r\n" % (method, target, version, b"".join(lines))

    def _post(self, *headers: bytes) -> bytes:
        shuffled = list(headers)
        self.rng.shuffle(shuffled)
        json = b"Content-Type: application/json\r\n"
        return self._head(json, *shuffled, method=b"POST", target=b"/api/v1/search")

    @property
    def _hidden(self) -> bytes:
        """The stowaway."""
        return b"GET /healthz HTTP/1.1\r\n%bX-Request-ID: stowaway-%b\r\n\r\n" % (HOST, self._first)

    def _length(self, size: int) -> bytes:
        return b"Content-Length: %d\r\n" % size

    def _chunks(self, content: bytes) -> bytes:
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)

    def _filled(self, template: bytes, number: int) -> bytes:
        # This does not use %, because some templates have two places.
        decimal, hexadecimal = str(number).encode(), f"{number:x}".encode()
        return template.replace(b"%d", decimal).replace(b"%x", hexadecimal)

    # --- Shapes -----------------------------------------------------------------------------------

    def plain(self) -> bytes:
        """Valid requests: the server must understand the next message as well."""
        hidden = self._hidden
        if self.rng.random() < 0.3:
            return self._post(CHUNKED) + self._chunks(hidden)
        if self.rng.random() < 0.5:
            return self._post(self._length(len(hidden))) + hidden
        return self._head()

    def two_framings(self) -> bytes:
        hidden = self._hidden
        if self.rng.random() < 0.5:  # the length ends before the stowaway, the chunks after it
            body = self._chunks(hidden)
            return self._post(self._length(len(body) - len(hidden)), CHUNKED) + body
        body = b"0\r\n\r\n" + hidden  # the chunks end before it, the length after it
        return self._post(self._length(len(body)), CHUNKED) + body

    def two_lengths(self) -> bytes:
        hidden = self._hidden
        lengths = self.rng.sample([0, 1, len(hidden), len(hidden) + 5], 2)
        return self._post(*(self._length(size) for size in lengths)) + hidden

    def odd_length(self) -> bytes:
        hidden = self._hidden
        value = self._filled(self.rng.choice(ODD_LENGTHS), len(hidden))
        return self._post(b"Content-Length: " + value + b"\r\n") + hidden

    def odd_coding(self) -> bytes:
        hidden = self._hidden
        coding = b"Transfer-Encoding: " + self.rng.choice(ODD_CODINGS) + b"\r\n"
        more = [CHUNKED] if self.rng.random() < 0.2 else []
        if self.rng.random() < 0.2:
            coding = coding.replace(b":", self.rng.choice((b" :", b"\t:", b"\x00:")), 1)
        return self._post(coding, *more) + self._chunks(hidden)

    def bad_chunks(self) -> bytes:
        hidden = self._hidden
        size = self._filled(self.rng.choice(ODD_CHUNK_SIZES), len(hidden))
        end = self.rng.choice((b"\r\n", b"\r\n", b"\n", b"\r", b"", b"x\r\n"))
        return self._post(CHUNKED) + size + b"\r\n" + hidden + end + b"0\r\n\r\n"

    def trailers(self) -> bytes:
        trailers = b"".join(
            self.rng.choice((b"X: y\r\n", b"Content-Length: 5\r\n", b"Host: x\r\n", CHUNKED, HOST))
            for _ in range(self.rng.randint(1, 4))
        )
        content = self._hidden
        return self._post(CHUNKED) + self._chunks(content)[:-2] + trailers + b"\r\n"

    def odd_header(self) -> bytes:
        odd = self.rng.sample(ODD_HEADERS, self.rng.randint(1, 3))
        if self.rng.random() < 0.3:
            hidden = self._hidden
            return self._post(self._length(len(hidden)), *odd) + hidden
        return self._head(*odd, host=self.rng.choice((HOST, HOST, b"")))

    def header_bomb(self) -> bytes:
        return self._head(self.rng.choice(BOMBS))

    def odd_method(self) -> bytes:
        return self._head(method=self.rng.choice(ODD_METHODS))

    def odd_target(self) -> bytes:
        return self._head(target=self.rng.choice(ODD_TARGETS))

    def odd_version(self) -> bytes:
        return self._head(version=self.rng.choice(ODD_VERSIONS))

    def odd_line_ends(self) -> bytes:
        end = self.rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n"))
        return self._head(method=b"GET").replace(b"\r\n", end)

    def cut_short(self) -> bytes:
        whole = self._post(self._length(40)) + b"x" * 40
        return whole[: self.rng.randrange(len(whole))]

    def noise(self) -> bytes:
        return self.rng.randbytes(self.rng.randint(1, 400))

    def _mutated(self, raw: bytes) -> bytes:
        changed = bytearray(raw)
        for _ in range(self.rng.randint(1, 4)):
            at = self.rng.randrange(len(changed) or 1)
            match self.rng.randrange(4):
                case 0:
                    changed[at : at + 1] = self.rng.randbytes(1)
                case 1:
                    changed[at:at] = self.rng.choice((b"\r\n", b"\n", b"\r", b"\x00", b" ", b":"))
                case 2:
                    del changed[at : at + self.rng.randint(1, 8)]
                case _:
                    changed[at:at] = changed[at : at + self.rng.randint(1, 30)]
        return bytes(changed)
