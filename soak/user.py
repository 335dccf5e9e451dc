"""A user of the service with one connection at a time. Every answer is recorded."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from soak.recording import Recording
from tests.wire import Answer, BrokenAnswerError, Connection

ANSWER_SECONDS: Final = 15.0
"""Seconds after which a request counts as hanging. The deadline of the database is 8 s."""

REQUESTS_PER_CONNECTION: Final = 10
"""Requests after which a user connects anew, and may reach another worker.

With connections that were kept for good, a worker met some kinds of requests only when the worker
of their users had ended. Its memory then rose in steps of 2 to 5 MiB, at any age.
"""

RETRY_SECONDS: Final = 0.3
UNSETTLED: Final = frozenset({409, 429, 500, 503})
"""Answers after which the same request is sent again."""


class User:
    def __init__(self, recording: Recording, *, port: int, kind: str, token: str = "") -> None:
        self._recording = recording
        self._port = port
        self._kind = kind
        self.token = token
        self._connection: Connection | None = None
        self._asked = 0
        """Requests on this connection."""

    async def ask(
        self,
        method: str,
        target: str,
        *,
        document: object = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer | None:
        """Send a request; None when there is no answer. `token` replaces the user's own."""
        sent = dict(headers or {})
        if document is not None:
            body = json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        if bearer := self.token if token is None else token:
            sent["Authorization"] = f"Bearer {bearer}"
        began = time.monotonic()
        outcome = await self._exchange(method, target, sent, body)
        self._recording.add(self._kind, began, method, target, outcome)
        return outcome if isinstance(outcome, Answer) else None

    async def settle(self, ask: Callable[[], Awaitable[Answer | None]]) -> Answer:
        """Repeat a request until its outcome is known."""
        while True:
            answer = await ask()
            if answer is not None and answer.status not in UNSETTLED:
                return answer
            await asyncio.sleep(RETRY_SECONDS)

    async def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer | str:
        connection = self._connection
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if connection is None or not connection.usable:
                    self.close()
                    connection = self._connection = await Connection.open(self._port)
                    self._asked = 0
                self._asked += 1
                answer = await connection.ask(method, target, headers, body)
        except TimeoutError:
            self.close()
            return f"none in {ANSWER_SECONDS:.0f} s"
        except BrokenAnswerError as error:
            self.close()
            self._recording.complain("not HTTP/1.1", str(error))
            return "not HTTP/1.1"
        except (OSError, EOFError) as error:
            self.close()
            return type(error).__name__
        if answer.closes or self._asked >= REQUESTS_PER_CONNECTION:
            self.close()
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def repeat(
    step: Callable[[], Awaitable[Any]],
    *,
    stopping: asyncio.Event,
    pause_seconds: float,
    rng: random.Random,
) -> None:
    """Repeat the step with pauses of about `pause_seconds` until the load stops."""
    while not stopping.is_set():
        await step()
        await asyncio.sleep(rng.uniform(0.5, 1.5) * pause_seconds)
