"""Sends one mail to the server of SMTP_URL."""

import ssl
from email.message import EmailMessage
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from scholarship_api.settings.settings import Settings

TIMEOUT_SECONDS: Final = 20.0
"""For each step of the conversation with the server."""

_DEFAULT_PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+insecure": 25}
_PERMANENT: Final = range(500, 600)


class Outcome(StrEnum):
    SENT = "sent"
    REFUSED = "refused"
    """The server will never take this mail, such as for an unknown mailbox."""
    FAILED = "failed"


class MailServer:
    """The server that takes the mails. A connection is opened for each."""

    def __init__(self, settings: Settings, *, tls: ssl.SSLContext | None = None) -> None:
        url = urlsplit(settings.smtp_url.get_secret_value())
        self._scheme = url.scheme
        self._host = url.hostname or ""
        self._port = url.port or _DEFAULT_PORTS.get(url.scheme, 0)
        self._username = unquote(url.username) if url.username else None
        self._password = unquote(url.password) if url.password else None
        self._sender = settings.smtp_from
        self._tls = tls

    async def send(self, message: EmailMessage, *, to: str) -> Outcome:
        """Never raises for what the server does."""
        message["From"] = self._sender
        message["To"] = to
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._scheme == "smtps",
                start_tls=self._scheme == "smtp",
                tls_context=self._tls,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            permanent = all(code in _PERMANENT for code in codes)
            return Outcome.REFUSED if permanent else Outcome.FAILED
        except aiosmtplib.SMTPDataError as error:
            return Outcome.REFUSED if error.code in _PERMANENT else Outcome.FAILED
        except (aiosmtplib.SMTPException, OSError, ValueError):
            return Outcome.FAILED
        return Outcome.SENT
