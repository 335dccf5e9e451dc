"""The service sees exactly the requests that a real nginx forwards."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from tests.deploy.gunicorn_server import until
from tests.fuzz.amount import factor, seed
from tests.fuzz.conftest import FuzzedService
from tests.fuzz.exchange import receive
from tests.fuzz.messages import Messages

pytestmark = [pytest.mark.server, pytest.mark.slow]

MESSAGES = 600
AT_ONCE = 8
REFUSED = ("400", "502")
"""Statuses of requests that the service refuses before parsing; nginx may turn one into 502."""

# nginx filters as little as possible: bodies pass unbuffered, odd headers too, and all clients
# share few connections to the service, where a smuggled request would disturb another client.
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
    log_format forwarded escape=json '{{"id":"$request_id","upstream":"$upstream_status",'
        '"request":"$request"}}';
    access_log {folder}/access.log forwarded;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream service {{
        server 127.0.0.1:{upstream};
        keepalive 2;
        keepalive_timeout 3s;
    }}
    server {{
        listen 127.0.0.1:{port};
        ignore_invalid_headers off;
        underscores_in_headers on;
        merge_slashes off;
        client_max_body_size 8m;
        large_client_header_buffers 8 64k;
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_next_upstream off;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Request-ID $request_id;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    port: int
    folder: Path

    def log(self) -> list[dict[str, str]]:
        # splitlines() would also split at U+0085 and U+2028, which nginx writes unchanged.
        *lines, _ = (self.folder / "access.log").read_text(errors="replace").split("\n")
        return [json.loads(line) for line in lines]


@pytest.fixture
def nginx(fuzzed: FuzzedService, tmp_path: Path) -> Iterator[Nginx]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=tmp_path, port=port, upstream=fuzzed.server.port)
    )
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        [program, "-p", tmp_path, "-c", configuration, "-e", tmp_path / "error.log"],
        stderr=subprocess.DEVNULL,
    )

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    try:
        until(lambda: process.poll() is None and listens())
        yield Nginx(port, tmp_path)
    finally:
        process.terminate()
        process.wait(10)


async def send(port: int, messages: Messages, count: int) -> int:
    """The number of connections that did not end."""
    supply = islice(messages, count)
    hanging = 0

    async def client() -> None:
        nonlocal hanging
        for message in supply:
            hanging += not (await receive(port, message.raw)).closed

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(client())
    return hanging


def test_the_service_sees_the_requests_that_nginx_forwards(
    fuzzed: FuzzedService, nginx: Nginx
) -> None:
    before = len(fuzzed.server.log.named("request.finished"))
    messages = Messages(seed())
    assert asyncio.run(send(nginx.port, messages, MESSAGES * factor())) == 0

    def forwarded() -> dict[str, dict[str, str]]:
        return {line["id"]: line for line in nginx.log() if line["upstream"].isdigit()}

    def seen() -> Counter[str]:
        lines = fuzzed.server.log.named("request.finished")[before:]
        known = forwarded()
        return Counter(
            line["trace_id"]
            for line in lines
            # The refusal of an unparsed head has no id and ends the connection.
            if line["trace_id"] in known or line["status"] != 400
        )

    def unlike() -> str:
        """Wait for the last log lines, which both servers write after the answer."""
        known, served = forwarded(), seen()
        answered = {id_ for id_, line in known.items() if line["upstream"] not in REFUSED}
        unknown = served.keys() - {line["id"] for line in nginx.log()}
        return f"not served: {answered - served.keys()}, not forwarded: {unknown}" * bool(
            unknown or answered - served.keys()
        )

    until(lambda: not unlike(), reason=unlike)
    served = seen()
    assert [id_ for id_, times in served.items() if times > 1] == []
    upstreams = [line["upstream"] for line in forwarded().values()]
    assert len(served) > MESSAGES / 4
    assert set(upstreams) <= {
        *("200", "400", "401", "403", "404", "405", "413", "414", "415", "422", "428", "431"),
        "502",
    }
