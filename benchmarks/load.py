"""A closed loop of connections, by `wrk` where it is installed, else by a client of our own.

Both keep their connections and send the next request as soon as the answer has arrived. The CPU of
the server for each request hardly depends on the client; wrk leaves more of the machine to the
server.
"""

import itertools
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, Self

CONNECTIONS: Final = 32
"""Connections of a closed loop, enough to keep some workers busy."""

_HOST: Final = "127.0.0.1"


class Request(NamedTuple):
    """A GET, or with a body a POST of JSON."""

    path: str
    body: str = ""

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of one round."""

    requests: int
    failed: int
    """Answers with status 400 or above, and connections that broke."""
    seconds: float
    """Duration of the round."""
    unfinished: int = 0
    """Requests that were sent and not answered before the end of the round."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def closed_loop(
    port: int,
    requests: Sequence[str | Request],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    headers: Mapping[str, str] | None = None,
) -> Load:
    """Send the requests in turn for `seconds`, from the first again after the last.

    A text is the path of a GET.
    """
    all_requests = [Request(one) if isinstance(one, str) else one for one in requests]
    program = shutil.which("wrk")
    began = time.monotonic()
    send = partial(_own, port) if program is None else partial(_wrk, program, port)
    load = send(all_requests, seconds=seconds, connections=connections, headers=headers or {})
    return replace(load, seconds=time.monotonic() - began)


# --- wrk -----------------------------------------------------------------------------------------

_SCRIPT: Final = """
local requests, at = {}, 0
init = function(arguments)
    for line in io.lines(arguments[1]) do
        local path, body = line:match("^([^\\t]*)\\t(.*)$")
        if body == "" then
            requests[#requests + 1] = wrk.format("GET", path)
        else
            local headers = {["Content-Type"] = "application/json"}
            requests[#requests + 1] = wrk.format("POST", path, headers, body)
        end
    end
end
request = function()
    at = at % #requests + 1
    return requests[at]
end
"""


def _wrk(
    program: str,
    port: int,
    requests: Sequence[Request],
    *,
    seconds: float,
    connections: int,
    headers: Mapping[str, str],
) -> Load:
    with tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder:
        script, lines = Path(folder) / "turns.lua", Path(folder) / "requests"
        script.write_text(_SCRIPT)
        lines.write_text("".join(f"{path}\t{body}\n" for path, body in requests))
        command = [
            *(program, "--threads=1", f"--connections={connections}", "--timeout=20s"),
            *(f"--duration={round(seconds)}s", f"--script={script}"),
            *(f"--header={name}: {value}" for name, value in headers.items()),
            *(f"http://{_HOST}:{port}/", "--", str(lines)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return replace(parse_wrk(done.stdout), unfinished=connections)


def parse_wrk(text: str) -> Load:
    """The counts in the report that wrk prints."""
    answered = re.search(r"(\d+) requests in ", text)
    if answered is None:
        raise ValueError(f"wrk printed no count: {text}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    return Load(requests=int(answered[1]), failed=failed, seconds=0.0)


# --- Our own client ------------------------------------------------------------------------------


class Connection:
    """One kept connection of raw HTTP/1.1, for answers with a Content-Length.

    It does little more than the socket needs: the work of a full HTTP client would be visible
    beside answers of half a millisecond.
    """

    def __init__(self, port: int, *, timeout: float = 20.0) -> None:
        self._socket = socket.create_connection((_HOST, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """Send a request and read its answer. `body` is sent as JSON, a text as it is.

        Raises OSError and EOFError.
        """
        content = b""
        if body is not None:
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {_HOST}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(content)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        status = self._line().split(b" ", 2)[1]
        received: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(b":")
            received[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        size = (
            int(received.get("content-length", 0)) if int(status) != HTTPStatus.NOT_MODIFIED else 0
        )
        answer = self._answers.read(size)
        if len(answer) < size:
            raise EOFError
        return Answer(int(status), received, answer)

    def send(self, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET, or a POST of JSON, and read its answer."""
        if not request.body:
            return self.ask(request.path, headers=headers)
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self.ask(request.path, method="POST", headers=headers, body=request.body)

    def _line(self) -> bytes:
        line = self._answers.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n")

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def _own(
    port: int,
    requests: Sequence[Request],
    *,
    seconds: float,
    connections: int,
    headers: Mapping[str, str],
) -> Load:
    end = time.monotonic() + seconds
    turns = itertools.count()

    def ask_until_the_end() -> tuple[int, int]:
        answered = failed = 0
        connection = Connection(port)
        while time.monotonic() < end:
            try:
                answer = connection.send(requests[next(turns) % len(requests)], headers)
            except (OSError, EOFError):
                failed += 1
                connection.close()
                connection = Connection(port)
            else:
                answered += 1
                failed += answer.status >= HTTPStatus.BAD_REQUEST
        connection.close()
        return answered, failed

    with ThreadPoolExecutor(connections) as pool:
        loops = [pool.submit(ask_until_the_end) for _ in range(connections)]
    done = [loop.result() for loop in loops]
    return Load(sum(answered for answered, _ in done), sum(failed for _, failed in done), 0.0)
