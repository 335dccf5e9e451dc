"""Attempts to deliver messages, and messages that wait."""

from typing import Final

from scholarship_api.platform.observability.metrics import DurationMetric, GaugeMetric
from scholarship_api.webhooks.sending import Outcome

_attempts: Final = DurationMetric(
    "webhook_attempt_duration_seconds",
    "Attempts to deliver a message of a webhook, by their outcome.",
    label="outcome",
)
_messages: Final = GaugeMetric(
    "webhook_messages", "Messages of webhooks that wait, or were given up.", label="state"
)


def declare() -> None:
    """Show the attempts from the start, with zeros."""
    _attempts.declare(outcome.value for outcome in Outcome)


def observe_attempt(outcome: Outcome, seconds: float) -> None:
    _attempts.observe(outcome.value, seconds)


def set_messages(state: str, number: int) -> None:
    _messages.set(number, state)
