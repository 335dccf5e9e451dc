"""Sends raw messages to the server, and finds faults in the answers."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from tests.api_promises import ApiPromises
from tests.fuzz.messages import Message, Messages
from tests.wire import Answer, BrokenAnswerError, parse_answers

QUIET_SECONDS: Final = 1.5
"""Seconds of silence after which the sending half of the connection is closed."""
HANG_SECONDS: Final = 8.0
AT_ONCE: Final = 48


@dataclass
class Findings:
    messages: int = 0
    requests: int = 0
    """Messages that were answered, and those after which the server closed the connection."""
    statuses: Counter[int] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, message: Message, answers: list[Answer], faults: Iterable[str]) -> None:
        self.messages += 1
        self.requests += max(len(answers), 1)
        self.shapes[message.shape] += 1
        self.statuses.update(answer.status for answer in answers)
        for fault in faults:
            self.faults[fault] += 1
            if len(self.examples) < 20:
                self.examples.append(f"{fault}: {message.shape} {message.raw[:600]!r}")


class Received(NamedTuple):
    data: bytes
    closed: bool
    """Whether the server closed in time."""
    ended: bool = False
    """Whether we closed our sending half; the server then need not answer."""


async def receive(port: int, raw: bytes) -> Received:
    """Everything that the server sends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    ended = False
    try:
        # The server may refuse a message before its end.
        with suppress(OSError):
            writer.write(raw)
            async with asyncio.timeout(HANG_SECONDS):
                while True:
                    try:
                        async with asyncio.timeout(None if ended else QUIET_SECONDS):
                            data = await reader.read(65_536)
                    except TimeoutError:
                        if ended:
                            raise
                        writer.write_eof()
                        ended = True
                        continue
                    if not data:
                        break
                    received += data
    except TimeoutError:
        return Received(received, closed=False)
    finally:
        writer.transport.abort()
    return Received(received, closed=True, ended=ended)


def judge(
    promises: ApiPromises, message: Message, received: Received
) -> tuple[list[Answer], list[str]]:
    """The answers and their faults."""
    methods = ["HEAD", "GET"] if message.is_head else ["GET", "HEAD"]
    try:
        answers, rest = parse_answers(received.data, methods[:1])
        if rest:
            # The server cannot know that a request it could not parse was HEAD, and
            # randomly changed bytes may have turned it into HEAD.
            answers, rest = parse_answers(received.data, methods[1:])
    except BrokenAnswerError as error:
        return [], [f"broken answer: {error}"]
    faults = list(_faults(promises, message, answers, rest))
    if answers and not received.ended and not rest and not _is_last(message, answers[-1]):
        faults.append("neither the next request is answered nor the connection closed")
    return answers, faults if received.closed else [*faults, "hangs"]


def _is_last(message: Message, answer: Answer) -> bool:
    canary = answer.headers.get("x-request-id") == message.canary
    return canary or answer.closes or not message.whole


def _faults(
    promises: ApiPromises, message: Message, answers: list[Answer], rest: bytes
) -> Iterator[str]:
    if rest:
        yield "an answer that does not end"
    for answer in answers:
        if answer.status >= 500:
            yield f"{answer.status}"
        if answer.status >= 400:
            # Only the length tells whether this is an answer to HEAD, without a body.
            yield from promises.faults("GET" if answer.body else "HEAD", "/", answer)
    if message.whole:
        yield from _mixed_up(message, answers)


def _mixed_up(message: Message, answers: list[Answer]) -> Iterator[str]:
    """Whether server and client could disagree about where a request ends."""
    ids = [answer.headers.get("x-request-id", "") for answer in answers]
    if message.stowaway in ids:
        yield "a body was taken for a request"
    if message.canary in ids:
        canary = answers[ids.index(message.canary)]
        if (canary.status, canary.body) != (200, b'{"status":"ok"}'):
            yield "the canary has another's answer"
        if ids.index(message.canary) != len(ids) - 1:
            yield "an answer after the last one"


async def fuzz(port: int, promises: ApiPromises, messages: Messages, count: int) -> Findings:
    """Send `count` messages, some at a time."""
    findings = Findings()
    supply = islice(messages, count)

    async def client() -> None:
        for message in supply:
            received = await receive(port, message.raw)
            findings.add(message, *judge(promises, message, received))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(client())
    return findings
