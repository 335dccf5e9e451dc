"""Attempts to send mails, and mails that wait."""

from typing import Final

from scholarship_api.mail.sending import Outcome
from scholarship_api.platform.observability.metrics import DurationMetric, GaugeMetric

_attempts: Final = DurationMetric(
    "mail_attempt_duration_seconds", "Attempts to send a mail, by their outcome.", label="outcome"
)
_messages: Final = GaugeMetric("mail_messages", "Mails that wait, or were given up.", label="state")


def declare() -> None:
    """Show the attempts from the start, with zeros."""
    _attempts.declare(outcome.value for outcome in Outcome)


def observe_attempt(outcome: Outcome, seconds: float) -> None:
    _attempts.observe(outcome.value, seconds)


def set_messages(state: str, number: int) -> None:
    _messages.set(number, state)
