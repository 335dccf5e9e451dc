"""A closed loop of connections: by `wrk` where it is installed, else by a small client of our own.

Both keep their connections and send the next request as soon as the answer is there. The server's
CPU per request hardly depends on which of them asks; wrk leaves more of the machine to the server.
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
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, Self

CONNECTIONS: Final = 32
_HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the requests of one round."""

    requests: int
    failed: int
    """Answers of status 400 and above, and connections that broke."""
    unfinished: int = 0
    """Requests that were sent, and whose answers nobody waited for."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def closed_loop(
    port: int,
    paths: Sequence[str],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    headers: Mapping[str, str] | None = None,
) -> Load:
    """GET `paths` in turn, from the first again after the last, for `seconds`."""
    if program := shutil.which("wrk"):
        return _wrk(program, port, paths, seconds=seconds, connections=connections, headers=headers)
    return _own(port, paths, seconds=seconds, connections=connections, headers=headers)


# --- wrk -----------------------------------------------------------------------------------------

_SCRIPT: Final = """
local requests, at = {}, 0
init = function(arguments)
    for path in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("GET", path)
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
    paths: Sequence[str],
    *,
    seconds: float,
    connections: int,
    headers: Mapping[str, str] | None,
) -> Load:
    with tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder:
        script, list_of_paths = Path(folder) / "turns.lua", Path(folder) / "paths"
        script.write_text(_SCRIPT)
        list_of_paths.write_text("\n".join(paths) + "\n")
        command = [
            *(program, "--threads=1", f"--connections={connections}", "--timeout=20s"),
            *(f"--duration={max(round(seconds), 1)}s", f"--script={script}"),
            *(f"--header={name}: {value}" for name, value in (headers or {}).items()),
            *(f"http://{_HOST}:{port}/", "--", str(list_of_paths)),
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
    return Load(requests=int(answered[1]), failed=failed)


# --- Our own -------------------------------------------------------------------------------------


class Connection:
    """One kept connection of raw HTTP/1.1, whose answers have a Content-Length.

    Little but the socket: what a full client does would show beside answers of half a millisecond.
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
        """`body` is sent as JSON. Raises OSError and EOFError."""
        content = b"" if body is None else json.dumps(body).encode()
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
    paths: Sequence[str],
    *,
    seconds: float,
    connections: int,
    headers: Mapping[str, str] | None,
) -> Load:
    end = time.monotonic() + seconds
    turns = itertools.count()

    def ask_until_the_end() -> Load:
        requests = failed = 0
        connection = Connection(port)
        while time.monotonic() < end:
            try:
                answer = connection.ask(paths[next(turns) % len(paths)], headers=headers)
            except (OSError, EOFError):
                failed += 1
                connection.close()
                connection = Connection(port)
            else:
                requests += 1
                failed += answer.status >= HTTPStatus.BAD_REQUEST
        connection.close()
        return Load(requests, failed)

    with ThreadPoolExecutor(connections) as pool:
        loads = [pool.submit(ask_until_the_end) for _ in range(connections)]
    done = [load.result() for load in loads]
    return Load(sum(load.requests for load in done), sum(load.failed for load in done))
