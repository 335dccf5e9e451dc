"""The use of API keys equals the requests sent: over workers, and over a restart of Redis."""

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.deploy.gunicorn_server import RunningServer, environment, running_server, until
from tests.deploy.redis_nodes import RedisNode

pytestmark = [pytest.mark.server, pytest.mark.slow]

SEARCH = "/api/v1/search"
VOCABULARIES = "/api/v1/vocabularies"
AT_ONCE = 8


def new_key(settings: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scholarship_api", "keys", "create", "portal"),
            *("--scope", "scholarships:read", "--json"),
        ],
        env=environment(settings, port=8000),
        capture_output=True,
        check=True,
        timeout=60,
    )
    key: dict[str, Any] = json.loads(done.stdout)
    return key


def send(server: RunningServer, key: dict[str, Any], path: str, count: int) -> set[int]:
    """The statuses of requests, each on a connection of its own, so that both workers get some."""
    headers = {"X-API-Key": key["secret"]} if key else {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return set(
            threads.map(
                lambda _: httpx.get(server.url + path, headers=headers, timeout=30).status_code,
                range(count),
            )
        )


def used(server: RunningServer, key: dict[str, Any]) -> dict[str, int]:
    """The key's own use by group of routes; this request counts among `other`."""
    answer = httpx.get(
        f"{server.url}/api/v1/usage", headers={"X-API-Key": key["secret"]}, timeout=30
    )
    return {
        row["route_group"]: row["requests"] for row in answer.raise_for_status().json()["items"]
    }


def stored(database_url: str, key: dict[str, Any]) -> dict[str, int]:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT route_group, sum(requests)::integer FROM api_key_uses WHERE key_id = %s"
            " GROUP BY route_group",
            [key["id"]],
        ).fetchall()
    return dict(rows)


def test_every_request_counts_once(
    production: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    with RedisNode(tmp_path / "redis") as redis:
        settings = production | {
            "RATE_LIMIT_BACKEND_URL": redis.url,
            "RATE_LIMIT_PER_MINUTE": "100000",
            "RATE_LIMIT_SEARCH": "50/day",
        }
        key = new_key(settings)
        with running_server(settings) as server:
            assert send(server, key, SEARCH, 60) == {200, 429}  # refused ones count too
            redis.kill()
            assert send(server, key, VOCABULARIES, 30) == {200}
            redis.start()
            # Each worker notices for itself that Redis counts again.
            until(lambda: 503 not in send(server, {}, SEARCH, 100), reason=server.log.text)
            assert send(server, key, SEARCH, 25) == {200}  # Redis has lost its own counts
            looks = 0

            def shows_all_searches() -> bool:
                nonlocal looks
                looks += 1
                return used(server, key)["search"] == 60 + 25

            until(shows_all_searches)
        # The server has ended, and with it the last counts were written.
        assert stored(database_url, key) == {"search": 60 + 25, "other": 30 + looks}
