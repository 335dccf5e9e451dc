"""Searches and writes at a steady pace against a running service, each answer recorded.

with observed(server, token) as load:
    standby.promote()
    load.until_good("write", after=time.monotonic())
assert load.statuses("write") <= {201, 503}
"""

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import httpx

Kind = Literal["search", "write", "ready", "alive"]

EVERY_SECONDS: Final = 0.1
TIMEOUT_SECONDS: Final = 20.0
GOOD: Final[dict[Kind, int]] = {"search": 200, "write": 201, "ready": 200, "alive": 200}


@dataclass(frozen=True, slots=True)
class Answer:
    kind: Kind
    asked_at: float
    """On the monotonic clock, like the following."""
    answered_at: float
    status: int
    """0 when there was no answer."""
    award: str = ""
    body: str = ""

    @property
    def seconds(self) -> float:
        return self.answered_at - self.asked_at


@dataclass
class Load:
    """The answers so far."""

    answers: list[Answer] = field(default_factory=list)

    def of(self, kind: Kind, *, since: float = 0.0) -> list[Answer]:
        return [each for each in self.answers if each.kind == kind and each.asked_at >= since]

    def statuses(self, kind: Kind, *, since: float = 0.0) -> Counter[int]:
        return Counter(each.status for each in self.of(kind, since=since))

    def acknowledged(self) -> set[str]:
        """The ids of the awards whose creation was answered with 201."""
        return {each.award for each in self.of("write") if each.status == GOOD["write"]}

    def longest_seconds(self, kind: Kind) -> float:
        return max(each.seconds for each in self.of(kind))

    def until(self, kind: Kind, status: int, *, after: float, seconds: float = 40.0) -> float:
        """Wait for an answer of this status to a request sent after an instant.

        Returns the seconds from the instant to the answer.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for each in self.of(kind, since=after):
                if each.status == status:
                    return each.answered_at - after
            time.sleep(0.02)
        raise AssertionError(f"no {kind} was answered with {status}: {self.statuses(kind)}")

    def until_good(self, kind: Kind, *, after: float, seconds: float = 40.0) -> float:
        return self.until(kind, GOOD[kind], after=after, seconds=seconds)


@contextmanager
def observed(base_url: str, token: str, *, clients: int = 2) -> Iterator[Load]:
    """`clients` of each kind ask until the block is left."""
    load = Load()
    ended = threading.Event()
    numbers = itertools.count()

    def ask_on(kind: Kind) -> None:
        with httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while not ended.is_set():
                load.answers.append(_ask(client, kind, token, next(numbers)))
                ended.wait(EVERY_SECONDS)

    kinds: tuple[Kind, ...] = ("search", "write")
    with ThreadPoolExecutor(2 * clients + 2) as pool:
        tasks = [pool.submit(ask_on, kind) for kind in kinds for _ in range(clients)]
        tasks += [pool.submit(ask_on, "ready"), pool.submit(ask_on, "alive")]
        try:
            yield load
        finally:
            ended.set()
        for task in tasks:
            task.result()


def _ask(client: httpx.Client, kind: Kind, token: str, number: int) -> Answer:
    award = f"load-{uuid.uuid4().hex}" if kind == "write" else ""
    requests: dict[Kind, Callable[[], httpx.Response]] = {
        # Another page each time, so that no cached answer hides the database.
        "search": lambda: client.get(
            "/api/v1/search", params={"q": "engineering", "offset": number % 1000}
        ),
        "write": lambda: client.post(
            "/api/v1/scholarships",
            json={
                "id": award,
                "name": f"Load {number}",
                "organization": "Load",
                "scholarship_type": "merit_based",
            },
            headers={"Authorization": f"Bearer {token}"},
        ),
        "ready": lambda: client.get("/readyz"),
        "alive": lambda: client.get("/healthz"),
    }
    asked_at = time.monotonic()
    try:
        response = requests[kind]()
    except httpx.TransportError as error:
        return Answer(kind, asked_at, time.monotonic(), 0, award, type(error).__name__)
    return Answer(
        kind, asked_at, time.monotonic(), response.status_code, award, response.text[:500]
    )
