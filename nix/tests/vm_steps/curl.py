"""Requests by curl, each on a new connection."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .machine import Machine

SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


def ask(machine: Machine, url: str, *options: str) -> Answer:
    """Send a request from `machine`; `options` are arguments of curl."""
    text = machine.succeed(f"{_curl('--include', *options)} {shlex.quote(url)}")
    head, _, body = text.partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    pairs = [field.partition(":") for field in fields]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Answer(int(status.split()[1]), headers, body)


def statuses(machine: Machine, urls: list[str], *options: str) -> list[int]:
    """The statuses of many requests, eight at a time, in the order of the answers."""
    curl = _curl("--output", "/dev/null", "--write-out", r"%{http_code}\n", *options)
    lines = machine.succeed(f"printf '%s\\n' {shlex.join(urls)} | xargs -n 1 -P 8 {curl}")
    return [int(line) for line in lines.split()]


def _curl(*options: str) -> str:
    return shlex.join(["curl", "--silent", "--show-error", "--max-time", str(SECONDS), *options])
