"""Checks of a request's head: its size, and whatever another parser may understand differently.

llhttp rejects malformed messages, but it accepts heads of any size and what RFC 9112 leaves open.
"""

import re
from collections.abc import Sequence
from typing import Final

import httptools
import structlog

from scholarship_api.errors import ApiError, BadRequest, InvalidHost

Header = tuple[bytes, bytes]

_SEPARATOR_BYTES: Final = 4
"""The colon, space and line end of a header line."""
_CHUNK_FRAMING_BYTES: Final = 8
"""Most framing per byte of a chunked body: a chunk of one byte takes six."""

_log = structlog.stdlib.get_logger(__name__)


_PROXY_PROTOCOL: Final = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")
"""Version 1 and version 2 of the PROXY protocol begin with these bytes."""


class RequestRejected(Exception):
    """Carries an error out of the parser's callbacks."""

    def __init__(self, error: ApiError) -> None:
        self.error = error
        super().__init__(error.code)


def is_proxy_protocol(data: bytes) -> bool:
    """Whether the first data of a connection are a header of the PROXY protocol."""
    return data.startswith(_PROXY_PROTOCOL)


def head_size(url: bytes, headers: Sequence[Header]) -> int:
    """The size of a head in bytes, without the method and the HTTP version."""
    return len(url) + sum(len(name) + len(value) + _SEPARATOR_BYTES for name, value in headers)


def check_head(*, version: str, url: bytes, headers: Sequence[Header], is_upgrade: bool) -> None:
    """Raises RequestRejected for a head that is well-formed but not safe to process."""
    names = [name for name, _ in headers]
    is_chunked = b"transfer-encoding" in names
    hosts = names.count(b"host")
    if is_chunked or hosts != 1:
        _check_framing(version, headers, hosts)
    if is_upgrade and (is_chunked or b"content-length" in names):
        # llhttp would take the body for the next request.
        raise RequestRejected(BadRequest("Send a request with a body without Upgrade."))
    if url[:1] != b"/":
        _check_absolute(url)


def _check_absolute(url: bytes) -> None:
    parsed = httptools.parse_url(url)
    if parsed.schema and parsed.schema.lower() not in {b"http", b"https"}:
        raise RequestRejected(BadRequest("Send a URL of http or https."))
    if not parsed.path:
        raise RequestRejected(BadRequest("Send a path."))


def _check_framing(version: str, headers: Sequence[Header], hosts: int) -> None:
    if version not in {"1.0", "1.1"}:
        raise RequestRejected(BadRequest("Speak HTTP/1.1."))
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise RequestRejected(InvalidHost("Send exactly one Host header."))
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise RequestRejected(BadRequest("Send the body with a length, or chunked."))


def replace_host(url: bytes, headers: list[Header]) -> None:
    """Let the authority of an absolute URL win over the Host header (RFC 9112, 3.2.2)."""
    if url[:1] == b"/":
        return
    authority = re.split(rb"[/?#]", url.partition(b"://")[2], maxsplit=1)[0]
    headers[:] = [header for header in headers if header[0] != b"host"]
    headers.append((b"host", authority))


def has_endless_framing(*, framed_bytes: int, content_bytes: int, allowance_bytes: int) -> bool:
    """Whether a chunked body consists mostly of chunk extensions or trailers.

    llhttp skips them however long they are (CVE-2024-22019 of Node).
    """
    return framed_bytes - content_bytes > allowance_bytes + _CHUNK_FRAMING_BYTES * content_bytes


def rejection_of(error: httptools.HttpParserError) -> ApiError:
    """The error to answer when the parser, or a callback of ours, has rejected the request."""
    cause = error.__context__
    if isinstance(cause, RequestRejected):
        return cause.error
    if cause is not None and not isinstance(cause, httptools.HttpParserError | UnicodeError):
        _log.error("protocol.failed", exc_info=cause)
    return BadRequest()
