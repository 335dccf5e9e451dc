"""Receivers of webhooks and mails, which fail when they are told to."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Final, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.webhooks.receiver import Message, Receiver, status

SLOW_SECONDS: Final = 4.0
"""The time of a slow answer: just within the 5 s that the worker waits."""

START_SECONDS: Final = 10.0

Trouble = Literal["slow", "500"]


@dataclass(slots=True)
class Hook:
    """A receiver of webhooks, and what it has accepted."""

    name: str
    receiver: Receiver = field(default_factory=Receiver)
    accepted: list[str] = field(default_factory=list)
    """The ids of the accepted messages, in their order, repeats included."""
    trouble: Trouble | None = None
    server: asyncio.Server | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.trouble == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        await self.receiver.serve(reader, writer)

    def answer(self, message: Message) -> bytes:
        if self.trouble == "500":
            return status(500)(message)
        self.accepted.append(message.headers["webhook-id"])
        return status(204)(message)


@dataclass(slots=True)
class Mailbox:
    """A mail server, and the Message-IDs of the mails that it has taken."""

    port: int = 0
    taken: list[str] = field(default_factory=list)
    server: asyncio.Server | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        assert isinstance(envelope.content, bytes)
        self.taken.append(str(message_from_bytes(envelope.content)["Message-ID"]))
        return "250 OK"


class Receivers:
    """All receivers, in a thread of their own."""

    def __init__(self) -> None:
        self.steady, self.troubled = Hook("the steady receiver"), Hook("the troubled receiver")
        self.mailbox = Mailbox()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="receivers")

    @property
    def hooks(self) -> tuple[Hook, Hook]:
        return self.steady, self.troubled

    def __enter__(self) -> "Receivers":
        self._thread.start()
        for hook in self.hooks:
            hook.receiver.answer = hook.answer
            self._run(self._open(hook))
        self._run(self._open_mailbox())
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (*self.hooks, self.mailbox):
            self._run(_close(opened))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def troubled_by(self, trouble: Trouble) -> Iterator[None]:
        self.troubled.trouble = trouble
        try:
            yield
        finally:
            self.troubled.trouble = None

    @contextmanager
    def dead(self) -> Iterator[None]:
        """The troubled receiver refuses connections."""
        self._run(_close(self.troubled))
        try:
            yield
        finally:
            self._run(self._open(self.troubled))

    @contextmanager
    def without_mail(self) -> Iterator[None]:
        """The mail server refuses connections."""
        self._run(_close(self.mailbox))
        try:
            yield
        finally:
            self._run(self._open_mailbox())

    def _run(self, step: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(START_SECONDS)

    async def _open(self, hook: Hook) -> None:
        hook.server = await asyncio.start_server(hook.serve, "127.0.0.1", hook.receiver.port)
        hook.receiver.port = hook.server.sockets[0].getsockname()[1]
        hook.receiver.url = f"http://127.0.0.1:{hook.receiver.port}/hook"

    async def _open_mailbox(self) -> None:
        box = self.mailbox
        box.server = await self._loop.create_server(
            lambda: SMTP(box, hostname="mail.test"), "127.0.0.1", box.port
        )
        box.port = box.server.sockets[0].getsockname()[1]


async def _close(opened: Hook | Mailbox) -> None:
    assert opened.server is not None
    opened.server.close()
