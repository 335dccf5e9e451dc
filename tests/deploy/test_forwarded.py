"""The client's address and scheme, directly and behind a real nginx."""

import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from tests.deploy.gunicorn_server import RunningServer, running_server, until

pytestmark = pytest.mark.server

APPLICATION = "tests.deploy.who_asks:create()"
PROXY = "127.0.0.1"
CLIENT_ADDRESS = "127.99.0.7"
CHAIN = "10.1.0.0/16"

NGINX = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{http};
        listen [::1]:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


@pytest.fixture(scope="module")
def server(database_url: str, redis_url: str) -> Iterator[RunningServer]:
    settings = {
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "TRUSTED_PROXY_IPS": f"{PROXY},{CHAIN},2001:db8:aa::/48",
        "RATE_LIMIT_SEARCH": "3/minute",
        "RATE_LIMIT_PER_MINUTE": "100000",
    }
    with running_server(settings, application=APPLICATION, ready_path="/") as server:
        yield server


@dataclass
class Nginx:
    http: int
    https: int


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def nginx(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-keyout", folder / "key.pem",
         "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    ports = Nginx(free_port(), free_port())
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(folder=folder, http=ports.http, https=ports.https, upstream=server.url)
    )
    folder.chmod(0o755)
    process = subprocess.Popen(
        [program, "-p", folder, "-c", configuration, "-e", folder / "error.log"],
        stderr=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: process.poll() is None and answers(ports.http),
            reason=(folder / "error.log").read_text,
        )
        yield ports
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def ask(url: str, *, peer: str, path: str = "/", **headers: str) -> httpx.Response:
    """Send a request from the local address `peer`; header names have underscores."""
    transport = httpx.HTTPTransport(local_address=peer, verify=False)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(transport=transport, timeout=20) as client:
        return client.get(f"{url}{path}", headers={"Host": "localhost", **named})


def client_seen(server: RunningServer, response: httpx.Response) -> str:
    """The client's address, which must be the same in the application and in the log."""
    trace_id = response.headers["X-Trace-ID"]

    def logged() -> list[str]:
        return [
            line["client_ip"]
            for line in server.log.named("request.finished")
            if line["trace_id"] == trace_id
        ]

    until(logged)
    seen: str = response.json()["client"]
    assert logged() == [seen]
    return seen


DIRECT = [
    pytest.param(CLIENT_ADDRESS, {}, CLIENT_ADDRESS, id="direct"),
    pytest.param(CLIENT_ADDRESS, {"X_Forwarded_For": "203.0.113.5"}, CLIENT_ADDRESS, id="spoofed"),
    pytest.param(PROXY, {"X_Forwarded_For": "203.0.113.5"}, "203.0.113.5", id="trusted"),
    pytest.param(
        PROXY,
        {"X_Forwarded_For": "198.51.100.1, 203.0.113.5"},
        "203.0.113.5",
        id="leftmost spoofed",
    ),
    pytest.param(
        PROXY,
        {"X_Forwarded_For": "198.51.100.1, 203.0.113.5, 10.1.2.3, 10.1.9.9"},
        "203.0.113.5",
        id="several hops",
    ),
    pytest.param(
        PROXY, {"X_Forwarded_For": "203.0.113.5, 192.0.2.77"}, "192.0.2.77", id="unknown hop"
    ),
    pytest.param(PROXY, {"X_Forwarded_For": "2001:db8:1::5"}, "2001:db8:1::5", id="IPv6"),
    pytest.param(
        PROXY, {"X_Forwarded_For": "2001:db8:1::5, 2001:db8:aa::9"}, "2001:db8:1::5", id="IPv6 hops"
    ),
]


@pytest.mark.parametrize(("peer", "headers", "client"), DIRECT)
def test_headers_of_untrusted_peers_have_no_effect(
    server: RunningServer, peer: str, headers: dict[str, str], client: str
) -> None:
    assert client_seen(server, ask(server.url, peer=peer, **headers)) == client


@pytest.mark.parametrize(
    ("peer", "sent", "scheme"),
    [(PROXY, "https", "https"), (CLIENT_ADDRESS, "https", "http"), (PROXY, "http", "http")],
)
def test_only_a_trusted_proxy_reports_https(
    server: RunningServer, peer: str, sent: str, scheme: str
) -> None:
    answer = ask(server.url, peer=peer, X_Forwarded_For="203.0.113.5", X_Forwarded_Proto=sent)
    assert answer.json()["scheme"] == scheme


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        pytest.param(CLIENT_ADDRESS, {}, CLIENT_ADDRESS, id="plain"),
        pytest.param(
            CLIENT_ADDRESS, {"X_Forwarded_For": "203.0.113.5"}, CLIENT_ADDRESS, id="spoofed"
        ),
        pytest.param(PROXY, {"X_Forwarded_For": "203.0.113.5"}, "203.0.113.5", id="two proxies"),
        pytest.param(
            PROXY,
            {"X_Forwarded_For": "198.51.100.9, 203.0.113.5, 10.1.0.1"},
            "203.0.113.5",
            id="several hops",
        ),
    ],
)
def test_the_client_behind_nginx_is_found(
    server: RunningServer, nginx: Nginx, peer: str, headers: dict[str, str], client: str
) -> None:
    answer = ask(f"http://127.0.0.1:{nginx.http}", peer=peer, **headers)
    assert client_seen(server, answer) == client
    assert answer.json()["scheme"] == "http"


def test_the_client_behind_nginx_is_found_over_ipv6(server: RunningServer, nginx: Nginx) -> None:
    try:
        answer = ask(f"http://[::1]:{nginx.http}", peer="::1")
    except httpx.ConnectError:
        pytest.skip("this machine has no IPv6 loopback")
    assert client_seen(server, answer) == "::1"


def test_https_ends_at_nginx(server: RunningServer, nginx: Nginx) -> None:
    answer = ask(f"https://127.0.0.1:{nginx.https}", peer=CLIENT_ADDRESS, X_Forwarded_Proto="http")
    assert client_seen(server, answer) == CLIENT_ADDRESS
    assert answer.json()["scheme"] == "https"


def test_limits_count_by_the_resolved_client(server: RunningServer, nginx: Nginx) -> None:
    url, path = f"http://127.0.0.1:{nginx.http}", "/api/v1/search"
    # Addresses of the network for benchmarks (RFC 2544), which no other test uses.
    group = f"2001:db8:{uuid.uuid4().hex[:4]}:{int(time.time()) % 65536:x}"

    def statuses(*clients: str) -> list[int]:
        return [ask(url, peer=PROXY, path=path, X_Forwarded_For=c).status_code for c in clients]

    assert statuses(*[f"{group}::5"] * 4) == [200, 200, 200, 429]
    assert statuses(f"{group}:ffff::6") == [429], "another address of the same IPv6 site"
    assert statuses(f"198.51.100.1, {group}::5") == [429], "a spoofed entry on the left"
    other = f"2001:db8:{uuid.uuid4().hex[:4]}:1"
    assert statuses(f"{other}::5") == [200]
