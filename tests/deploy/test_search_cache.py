"""An acknowledged write is seen by the next request, in every worker, under load."""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.deploy.gunicorn_server import RunningServer, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

METRICS_TOKEN = secrets.token_hex(32)
WORKERS = 3
WRITERS = 3
READERS = 6
SECONDS = 8.0

INSERT = """
    INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)
    VALUES (%s, %s, 'Cache Trust', 'merit_based', 'rolling')
"""


@pytest.fixture(scope="module")
def server(module_database_url: str, redis_url: str) -> Iterator[RunningServer]:
    settings = {
        "DATABASE_URL": module_database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "RATE_LIMIT_SEARCH": "1000000/minute",
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "WEB_CONCURRENCY": str(WORKERS),
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    with running_server(settings) as server:
        yield server


class Award:
    """A row that a writer renames again and again, and its last acknowledged name."""

    def __init__(self, number: int) -> None:
        self.word = "abcdefgh"[number] * 3 + "cache"
        self.acknowledged = -1

    def name(self, count: int) -> str:
        return f"{self.word} {count}"


def write(url: str, award: Award, end: float) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(INSERT, [award.word, award.name(0)])
        count = award.acknowledged = 0
        while time.monotonic() < end:
            count += 1
            connection.execute(
                "UPDATE scholarships SET name = %s, version = version + 1 WHERE id = %s",
                [award.name(count), award.word],
            )
            award.acknowledged = count
            time.sleep(0.2)  # most answers in between come from memory
    return count


def read(server: RunningServer, awards: list[Award], end: float, stop: threading.Event) -> int:
    """Read on a new connection each time; the number of responses."""
    limits = httpx.Limits(max_keepalive_connections=0)
    seen = 0
    with httpx.Client(base_url=server.url, limits=limits, timeout=20) as client:
        while time.monotonic() < end and not stop.is_set():
            award = awards[seen % len(awards)]
            before = award.acknowledged
            response = client.get("/api/v1/search", params={"q": award.word})
            assert response.status_code == 200, response.text
            names = [item["name"] for item in response.json()["items"]]
            counts = [int(name.rpartition(" ")[2]) for name in names]
            assert max(counts, default=-1) >= before, (names, before)
            seen += 1
    return seen


def test_no_worker_answers_with_the_state_before_an_acknowledged_write(
    server: RunningServer, module_database_url: str
) -> None:
    url = module_database_url.replace("+psycopg", "")
    awards = [Award(number) for number in range(WRITERS)]
    end = time.monotonic() + SECONDS
    stop = threading.Event()
    with ThreadPoolExecutor(WRITERS + READERS) as threads:
        writers = [threads.submit(write, url, award, end) for award in awards]
        readers = [threads.submit(read, server, awards, end, stop) for _ in range(READERS)]
        try:
            seen = sum(reader.result() for reader in readers)
        finally:
            stop.set()
        written = sum(writer.result() for writer in writers)
    assert written > 10
    assert seen > 0 < written
    assert _searches(server, "cache") > 0
    assert not server.log.at_least("warning")


def _searches(server: RunningServer, source: str) -> float:
    """How many responses of all workers came from `source`."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    text = httpx.get(f"{server.url}/metrics", headers=headers).text
    [line] = [
        line
        for line in text.splitlines()
        if line.startswith(f'search_duration_seconds_count{{source="{source}"}}')
    ]
    return float(line.split()[-1])
