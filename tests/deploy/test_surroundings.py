"""Programs around the service: a prefix and gzip in nginx, HAProxy, PgBouncer, IPv6."""

import http.client
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from scholarship_api import healthcheck
from tests.deploy.gunicorn_server import RunningServer, free_port, running_server, until
from tests.deploy.postgres_nodes import (
    DATABASE,
    OWNER,
    OWNER_PASSWORD,
    ROLE,
    ROLE_PASSWORD,
    PostgresNode,
    url_of,
)
from tests.deploy.test_database_failover import ADMIN, service, settings_for
from tests.deploy.test_database_urls import run as run_command
from tests.deploy.test_forwarded import answers
from tests.deploy.test_proxies import HOST, PATH, SURROUNDINGS, run

pytestmark = pytest.mark.server

PREFIX: Final = "/scholarships-api"


def program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (apt install {name})")
    return found


@contextmanager
def folder_for_anybody() -> Iterator[Path]:
    """Programs that root starts run their workers as another user."""
    with tempfile.TemporaryDirectory(prefix="scholarship-around-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


NGINX_SITE: Final = """
server {{
    listen 127.0.0.1:{port};
    gzip on;
    gzip_proxied any;
    gzip_min_length 1;
    gzip_types application/json;
    location {prefix}/ {{
        proxy_pass http://127.0.0.1:{upstream}/;
        proxy_set_header Host {host};
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Prefix {prefix};
    }}
}}
"""


@contextmanager
def nginx(server: RunningServer) -> Iterator[str]:
    command = program("nginx")
    port = free_port()
    with folder_for_anybody() as folder:
        site = NGINX_SITE.format(port=port, prefix=PREFIX, upstream=server.port, host=HOST)
        (folder / "site.conf").write_text(site)
        (folder / "nginx.conf").write_text(SURROUNDINGS.format(folder=folder))
        arguments = ["-p", str(folder), "-c", str(folder / "nginx.conf")]
        yield from_first(
            run([command, *arguments, "-e", str(folder / "error")], log=folder / "log", port=port),
            f"http://127.0.0.1:{port}",
        )


def from_first(running: Iterator[None], url: str) -> str:
    """Start what `running` runs; it ends when it is collected."""
    next(running)
    _RUNNING.append(running)
    return url


_RUNNING: Final[list[Iterator[None]]] = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    while _RUNNING:
        with suppress(StopIteration):
            next(_RUNNING.pop())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path / "a") as node:
        owner = url_of(node.address, user=OWNER, password=OWNER_PASSWORD)
        assert run_command(owner, "migrate").returncode == 0
        yield node


def test_a_write_through_nginx_with_a_prefix_and_gzip(node: PostgresNode, redis_url: str) -> None:
    settings = settings_for(node.address, redis_url) | {"TRUSTED_PROXY_IPS": "127.0.0.1"}
    with (
        service(settings) as (server, token),
        nginx(server) as url,
        httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client,
    ):
        award = {
            "id": "behind-nginx",
            "name": "Behind nginx",
            "organization": "Nginx",
            "scholarship_type": "merit_based",
            "description": "A long text. " * 60,
        }
        created = client.post(f"{PREFIX}/api/v1/scholarships", json=award)
        assert created.status_code == 201
        assert created.headers["Location"] == f"{PREFIX}/api/v1/scholarships/behind-nginx"
        read = client.get(created.headers["Location"])
        assert read.headers["Content-Encoding"] == "gzip"
        assert read.headers["ETag"].startswith("W/")
        changed = client.patch(
            created.headers["Location"],
            json={"name": "Changed"},
            headers={"If-Match": read.headers["ETag"]},
        )
        assert changed.status_code == 200, changed.text
        again = {"If-None-Match": changed.headers["ETag"]}
        assert client.get(created.headers["Location"], headers=again).status_code == 304
        listed = client.get(f"{PREFIX}/api/v1/search?limit=100")
        again = {"If-None-Match": listed.headers["ETag"]}
        assert client.get(f"{PREFIX}/api/v1/search?limit=100", headers=again).status_code == 304


HAPROXY: Final = """
defaults
    mode tcp
    timeout connect 2s
    timeout client 30s
    timeout server 30s
listen api
    bind 127.0.0.1:{port}
    server api 127.0.0.1:{upstream} check
listen api_with_proxy_protocol
    bind 127.0.0.1:{with_protocol}
    server api 127.0.0.1:{upstream} {option}
"""


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2"])
def test_haproxy_in_tcp_mode(production: dict[str, str], option: str) -> None:
    command = program("haproxy")
    port, with_protocol = free_port(), free_port()
    with running_server(production, ready_path="/readyz") as server, folder_for_anybody() as folder:
        (folder / "haproxy.cfg").write_text(
            HAPROXY.format(
                port=port, with_protocol=with_protocol, upstream=server.port, option=option
            )
        )
        running = run([command, "-f", str(folder / "haproxy.cfg")], log=folder / "log", port=port)
        from_first(running, "")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(5):
                assert client.get("/readyz").status_code == 200
        until(lambda: answers(with_protocol))
        connection = http.client.HTTPConnection("127.0.0.1", with_protocol, timeout=10)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        assert answer.status == 400
        assert "PROXY protocol" in body


PGBOUNCER: Final = """
[databases]
{database} = host={host} port={port} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
logfile = {folder}/pgbouncer.log
unix_socket_dir =
"""


@contextmanager
def pgbouncer(node: PostgresNode) -> Iterator[str]:
    """A PgBouncer in transaction mode; its address."""
    command = program("pgbouncer")
    port = free_port()
    with folder_for_anybody() as folder:
        users = {ROLE: ROLE_PASSWORD, OWNER: OWNER_PASSWORD}
        (folder / "users").write_text("".join(f'"{u}" "{p}"\n' for u, p in users.items()))
        (folder / "ini").write_text(
            PGBOUNCER.format(
                database=DATABASE, host=node.host, port=node.port, own_port=port, folder=folder
            )
        )
        for path in (folder, folder / "users", folder / "ini"):
            shutil.chown(path, "nobody")
        run_as = ["setpriv", "--reuid=65534", "--clear-groups", "--", command, str(folder / "ini")]
        yield from_first(run(run_as, log=folder / "log", port=port), f"127.0.0.1:{port}")


def test_pgbouncer_in_transaction_mode(node: PostgresNode, redis_url: str) -> None:
    direct = settings_for(node.address, redis_url)
    with pgbouncer(node) as address:
        pooled = direct | {"DATABASE_URL": url_of(address), "DATABASE_PGBOUNCER": "true"}
        with (
            service(pooled) as (server, token),
            httpx.Client(base_url=f"{server.url}/api/v1", timeout=60) as client,
        ):
            for number in range(20):
                assert client.get(f"/search?q=engineering&offset={number}").status_code == 200
            created = client.post(
                "/scholarships",
                json={
                    "name": "Pooled",
                    "organization": secrets.token_hex(4),
                    "scholarship_type": "merit_based",
                },
                headers={"Authorization": f"Bearer {token}"},
            )
            assert created.status_code == 201, ADMIN


def test_a_pgbouncer_that_the_settings_do_not_name(node: PostgresNode, redis_url: str) -> None:
    """Readiness must not be well while requests fail: a roll-out would take the old replicas."""
    with pgbouncer(node) as address:
        forgotten = settings_for(node.address, redis_url) | {"DATABASE_URL": url_of(address)}
        with running_server(forgotten) as server:
            status, body = server.get("/readyz")
            assert status == 503
            assert b"pgbouncer_not_configured" in body


@pytest.mark.parametrize(
    ("bind_host", "addresses"),
    [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"]), ("127.0.0.1,::1", ["[::1]", "127.0.0.1"])],
)
def test_ipv6(
    production: dict[str, str],
    bind_host: str,
    addresses: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = production | {
        "BIND_HOST": bind_host,
        "ALLOWED_HOSTS": "127.0.0.1,[::1]",
        "WEB_CONCURRENCY": "1",
    }
    with running_server(settings, wait_until_ready=False) as server:

        def statuses() -> list[int]:
            with suppress(httpx.TransportError):
                return [
                    httpx.get(f"http://{address}:{server.port}/readyz", timeout=5).status_code
                    for address in addresses
                ]
            return []

        until(lambda: statuses() == [200] * len(addresses), seconds=180, reason=server.log.text)
        monkeypatch.setenv("PORT", str(server.port))
        monkeypatch.setenv("BIND_HOST", bind_host)
        assert healthcheck.main() == 0


def test_an_address_that_the_machine_does_not_have_is_refused(production: dict[str, str]) -> None:
    settings = production | {"BIND_HOST": "203.0.113.77"}
    command = ["python", "-m", "scholarship_api", "serve"]
    with running_server(settings, command=command, wait_until_ready=False) as server:
        assert server.wait(180) == 78
        assert "BIND_HOST" in server.log.text()


def test_probes_can_be_left_out_of_the_log(production: dict[str, str]) -> None:
    with running_server(production | {"ACCESS_LOG_PROBES": "false"}) as server:
        server.get("/readyz")
        server.get("/status")
        until(lambda: server.log.named("request.finished"))
        paths = {line["path"] for line in server.log.named("request.finished")}
        assert paths == {"/status"}
