"""Nothing that a student says about themselves leaves the process but in the answer itself.

A real server at its most verbose log level, with an error tracker, gets profiles and sensitive
filters on every route, also where they are refused and where PostgreSQL fails. Then everything
that left it is searched for the values.
"""

import asyncio
import gzip
import http.server
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# Values that nothing else would contain.
METRICS_TOKEN = secrets.token_hex(32)
PLANTED: dict[str, Any] = {
    "gpa": 3.1415926,
    "annual_income": 31337,
    "sai": -1337,
    "birth_date": "2001-09-17",
    "heritages": ["asian.planted_heritage"],
    "religions": ["planted_religion"],
    "activities": ["planted_activity"],
    "interests": ["planted_interest"],
    "professions": ["planted_profession"],
    "genders": ["nonbinary", "transgender"],
    "lgbtq": True,
    "immigration_statuses": ["vawa_self_petitioner"],
    "military": [{"statuses": ["killed_or_missing"], "relations": ["surviving_child"]}],
    "conditions": [{"condition": "cystic_fibrosis"}],
    "circumstances": ["domestic_violence_survivor"],
    "affiliations": [{"name": "Planted Lodge", "kind": "club"}],
    "current_institutions": [{"name": "Planted College"}],
    "residence": {"zip": "90012", "place": "Plantedville"},
}
TEXTS = (
    "1415926", "31337", "-1337", "2001-09-17", "planted", "Planted", "nonbinary", "transgender",
    "vawa_self_petitioner", "killed_or_missing", "surviving_child", "cystic_fibrosis",
    "domestic_violence_survivor", "90012",
)  # fmt: skip
FILTERS = {
    name: PLANTED[name]
    for name in (
        "heritages", "religions", "genders", "lgbtq", "immigration_statuses", "military",
        "conditions", "circumstances",
    )
}  # fmt: skip


class Sink:
    """Takes what the error tracker is sent."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.received.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


class Server:
    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", "scholarship_api.app:create_app"),
                    *("--factory", "--port", str(port), "--log-level", "trace"),
                ],
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        for _ in range(1200):
            assert self.process.poll() is None, log.read_text()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").is_success:
                    return
            time.sleep(0.05)
        raise AssertionError(log.read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def requests() -> list[tuple[str, str, dict[str, Any]]]:
    """Each route that takes answers, with the answers where they belong and where they do not."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for path in ("/api/v1/eligibility/check", "/eligibility/check"):
        found += [
            ("POST", path, {"json": PLANTED}),
            ("POST", path, {"json": {**PLANTED, "gpa": "planted"}}),
            ("GET", path, {"params": {"gpa": "3.1415926", "annual_income": 31337}}),
            ("GET", path, {"params": {"gpa": 3, "genders": "nonbinary"}}),
        ]
    for path, more in (
        ("/api/v1/scholarships/eligibility-check", {"scholarship_id": "a"}),
        ("/api/v1/scholarships/bulk-eligibility-check", {"scholarship_ids": ["a"]}),
        ("/api/v1/scholarships/recommendations", {}),
    ):
        found += [
            ("POST", path, {"json": {"user_profile": PLANTED, **more}}),
            ("POST", path, {"json": {"user_profile": {**PLANTED, "genders": ["planted"]}, **more}}),
        ]
    found += [
        ("POST", "/api/v1/eligibility/questions", {"json": {"profile": PLANTED}}),
        ("POST", "/api/v1/eligibility/questions", {"json": {"profile": {"x": "planted"}}}),
    ]
    for path in ("/api/v1/search", "/search"):
        found += [
            ("POST", path, {"json": {"profile": PLANTED, "sort": "match"}}),
            ("POST", path, {"json": {"profile": PLANTED, "q": "nursing"}}),
            ("POST", path, {"json": FILTERS}),
            ("POST", path, {"json": {**FILTERS, "genders": ["planted"]}}),
            *(("GET", path, {"params": {name: str(FILTERS[name])}}) for name in FILTERS),
        ]
    event = {"search_id": "planted", "type": "click", "scholarship_id": "planted"}
    for refused in (event, {**event, "profile": PLANTED}, {**event, "type": "planted"}):
        found.append(("POST", "/api/v1/events", {"json": refused}))
    for path in ("/api/v1/scholarships", "/api/v1/scholarships/smart-search"):
        found.append(("GET", path, {"params": {"heritages": "asian.planted_heritage"}}))
    return found


async def test_no_answer_of_a_student_leaves_the_process(
    module_database_url: str, redis_url: str, sink: Sink, tmp_path: Path
) -> None:
    server = Server(
        tmp_path / "log",
        {
            "ENVIRONMENT": "test",
            "DEBUG": "true",
            "LOG_FORMAT": "json",
            "DATABASE_URL": module_database_url,
            "RATE_LIMIT_BACKEND_URL": redis_url,
            "RATE_LIMIT_SEARCH": "10000/minute",
            "RATE_LIMIT_ELIGIBILITY": "10000/minute",
            "RATE_LIMIT_SCHOLARSHIPS": "10000/minute",
            "METRICS_TOKEN": METRICS_TOKEN,
            "SENTRY_DSN": f"http://key@127.0.0.1:{sink.port}/1",
        },
    )
    left: dict[str, str] = {}
    cursors = []
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            for _ in range(2):  # the second time, a cache would answer
                for method, path, sent in requests():
                    answer = await client.request(method, path, **sent)
                    assert answer.status_code < 500 or answer.status_code == 503, answer.text
                    if answer.is_success and isinstance(body := answer.json(), dict):
                        cursors.append(str(body.get("next_cursor")))
                    assert "set-cookie" not in answer.headers
            # A failure in the middle of a request is what an error tracker is told of.
            await _break(module_database_url)
            for method, path, sent in requests():
                await client.request(method, path, **sent)
            await asyncio.sleep(1)
            left["metrics"] = (
                await client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
            ).text
    finally:
        server.stop()
    written = server.log.read_text()
    left["log"] = "\n".join(line for line in written.splitlines())
    left["tracker"] = b"\n".join(sink.received).decode(errors="replace")
    left["redis"] = _redis_contents(redis_url)
    left["database"] = _database_contents(module_database_url)
    left["cursors"] = "\n".join(cursors)
    assert "request.finished" in left["log"]
    assert "/api/v1/eligibility/check" in left["metrics"]
    for place, content in left.items():
        found = [text for text in TEXTS if text in content]
        assert not found, (place, found, _around(content, found[0]))


async def _break(database_url: str) -> None:
    """Take the table of awards away."""
    async with await psycopg.AsyncConnection.connect(
        database_url.replace("+psycopg", ""), autocommit=True
    ) as connection:
        await connection.execute("ALTER TABLE scholarships RENAME TO hidden_scholarships")


def _redis_contents(url: str) -> str:
    client = redis.Redis.from_url(url)
    try:
        return "\n".join(f"{key!r} {client.dump(key)!r}" for key in client.scan_iter(count=1000))
    finally:
        client.close()


def _database_contents(database_url: str) -> str:
    """Every table, and the statements that PostgreSQL has run last."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        tables = connection.execute(
            "SELECT quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema = 'public'"
        ).fetchall()
        rows = [
            str(row)
            for (table,) in tables
            for row in connection.execute(f"SELECT t::text FROM {table} AS t").fetchall()
        ]
        rows += [str(row) for row in connection.execute("SELECT query FROM pg_stat_activity")]
    return "\n".join(rows)


def _around(content: str, text: str) -> str:
    at = content.index(text)
    return content[max(0, at - 200) : at + 100]
