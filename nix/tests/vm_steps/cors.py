"""Behind the proxy: origins, documentation, rate limits and client addresses."""

import time
import uuid

from . import acceptance, curl
from .cluster import PASSWORD, USERNAME, Cluster, fill, start
from .deployment import ORIGIN
from .machine import Machine, named, read_log

SEARCH = "/api/v1/search"
ENTRANCES = ("http://server", "http://other")
LOG_ATTEMPTS = 50


def check(cluster: Cluster) -> None:
    start(cluster)
    fill(cluster)
    ignore_spoofed_addresses(cluster)
    share_limits(cluster)
    run_suite(cluster)


def ignore_spoofed_addresses(cluster: Cluster) -> None:
    """Forged headers about the client's address change neither the log nor its limit."""
    address = cluster.server.succeed("getent ahostsv4 client").split()[0]
    lies = [
        (),
        ("X-Forwarded-For: 203.0.113.7",),
        ("X-Forwarded-For: 203.0.113.8, 127.0.0.1",),
        ("Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"),
    ]
    left = []
    # Through the proxy and directly: the client itself is not a trusted proxy.
    for base in ("http://server", "http://server:8000"):
        for lie in lies:
            request_id = uuid.uuid4().hex
            headers = [f"X-Request-ID: {request_id}", *lie]
            options = [option for header in headers for option in ("--header", header)]
            answer = curl.ask(cluster.client, f"{base}/", "--ipv4", *options)
            assert answer.status == 200, answer.body
            assert seen(cluster.server, request_id) == [address], (base, lie)
            left.append(int(answer.headers["x-ratelimit-remaining"]))
    assert left == sorted(left, reverse=True), left
    assert len(set(left)) == len(left), left


def seen(server: Machine, request_id: str) -> list[str]:
    """The client addresses in the access log for one request; the line follows the answer."""
    for _ in range(LOG_ATTEMPTS):
        lines = named(read_log(server), "request.finished")
        if found := [line["client_ip"] for line in lines if line["request_id"] == request_id]:
            return found
        time.sleep(0.1)
    return []


def share_limits(cluster: Cluster) -> None:
    """All workers of both machines share one count.

    This uses IPv4. The acceptance suite uses IPv6 and so is another client with its own count.
    """
    first = curl.ask(cluster.client, f"http://server{SEARCH}", "--ipv4")
    assert first.status == 200, first.body
    left = int(first.headers["x-ratelimit-remaining"])
    urls = [f"{entrance}{SEARCH}" for entrance in ENTRANCES for _ in range(left)]
    answers = curl.statuses(cluster.client, urls, "--ipv4")
    assert answers.count(200) == left, answers
    assert answers.count(429) == len(urls) - left, answers


def run_suite(cluster: Cluster) -> None:
    password = cluster.client.succeed("mktemp --tmpdir password-XXXXXX").strip()
    cluster.client.succeed(f"echo '{PASSWORD}' > {password}")
    acceptance.run(
        cluster.client,
        cluster.suite,
        only="test_protection or test_search or test_accounts",
        variables={
            "BASE_URL": "http://server",
            "BEHIND_PROXY": "true",
            "ALLOWED_ORIGIN": ORIGIN,
            "USERNAME": USERNAME,
            "PASSWORD_FILE": password,
        },
    )
