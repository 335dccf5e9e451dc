"""Probes and metrics of a deployment."""

import httpx
import pytest

from tests.acceptance import deployment


def test_alive(client: httpx.Client) -> None:
    for path in ("/healthz", "/health"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/health/services", "/readyz"])
def test_ready_with_all_that_it_needs(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    services = answer.json()["services"]
    assert services.keys() == {"database", "rate_limiter", "migrations", "outbound"}
    states = {name: services[name]["status"] for name in services if name != "outbound"}
    assert states == dict.fromkeys(("database", "rate_limiter", "migrations"), "up")


def test_the_database_answers(client: httpx.Client) -> None:
    assert client.get("/health/database").status_code == 200


def test_probes_answer_under_the_address_of_the_pod(client: httpx.Client) -> None:
    deployment.only_without_proxy()
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_probes_are_not_counted(client: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert not [name for name in client.get(path).headers if name.startswith("x-ratelimit")]


def test_the_root_says_active(client: httpx.Client) -> None:
    assert client.get("/").json()["status"] == "active"


def test_metrics_are_not_for_everybody(client: httpx.Client) -> None:
    assert client.get("/metrics").status_code in {401, 404}
