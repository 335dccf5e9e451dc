"""A real SMTP server, and the application on a database of the module that sends mail to it."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.catalogue.api import Api, serving


@dataclass(slots=True)
class MailServer:
    """Keeps the mails that it takes."""

    port: int = 0
    answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
            self.recipients += envelope.rcpt_tos
        return self.answer

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail, to in zip(self.mails, self.recipients, strict=True) if to == address]


@pytest.fixture(scope="module")
async def mail_server() -> AsyncIterator[MailServer]:
    received = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(received, hostname="mail.test", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    async with server:
        received.port = server.sockets[0].getsockname()[1]
        yield received


@pytest.fixture(scope="module")
async def api(module_database_url: str, mail_server: MailServer) -> AsyncIterator[Api]:
    async with serving(
        module_database_url,
        smtp_url=f"smtp+insecure://127.0.0.1:{mail_server.port}",
        smtp_from="Scholarships <noreply@example.org>",
        public_base_url="https://api.example.org",
        webhook_allow_private=True,
    ) as api:
        yield api


def text_of(mail: EmailMessage) -> str:
    body: Any = mail.get_body(("plain",))
    text: str = body.get_content()
    return text


def html_of(mail: EmailMessage) -> str:
    body: Any = mail.get_body(("html",))
    html: str = body.get_content()
    return html


def link_in(mail: EmailMessage, kind: str) -> str:
    """The path of a link in a mail."""
    [path] = set(re.findall(rf"https://api\.example\.org(/api/v1/{kind}/[\w-]+)", text_of(mail)))
    return str(path)
