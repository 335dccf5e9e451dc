"""The client of our own, and reading the report of wrk."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load import Connection, Load, closed_loop, parse_wrk

REPORT = """Running 1s test @ http://127.0.0.1:20798/
  1 threads and 32 connections
  12262 requests in 1.01s, 1.44MB read
{more}Requests/sec:  12170.74
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = {"/same": 304, "/refused": 429}.get(self.path, 200)
        body = b"" if status == 304 else f"{self.path} {self.headers['X-Sent']}".encode()
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_counts_and_failures_of_wrk_are_read() -> None:
    assert parse_wrk(REPORT.format(more="")) == Load(requests=12262, failed=0, seconds=0)
    refused = "  Non-2xx or 3xx responses: 12\n"
    broken = "  Socket errors: connect 1, read 2, write 0, timeout 4\n"
    assert parse_wrk(REPORT.format(more=refused + broken)).failed == 19


def test_a_report_without_a_count_is_refused() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:1 Connection refused")


def test_a_connection_is_kept_and_reads_whole_answers(port: int) -> None:
    with Connection(port) as connection:
        first = connection.ask("/a", headers={"X-Sent": "one"})
        assert (first.status, first.headers["etag"], first.body) == (200, '"1"', b"/a one")
        assert connection.ask("/same")[0] == 304
        assert connection.ask("/b", headers={"X-Sent": "two"}).body == b"/b two"


def test_without_wrk_the_own_client_asks_every_path_in_turn(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    done = closed_loop(port, ["/a", "/refused"], seconds=0.2, connections=2)
    assert done.requests >= 2
    assert 0 < done.failed < done.requests
