"""How far the worker has come."""

import time
from typing import Final

from scholarship_api.changes.consumers import Backlog
from scholarship_api.platform.observability.metrics import GaugeMetric

_last_turn: Final = GaugeMetric(
    "worker_last_turn_timestamp_seconds",
    "Unix time at which the worker had last found and enqueued its work.",
)
_waiting_events: Final = GaugeMetric(
    "outbox_events_waiting",
    "Events of the outbox that a part of the worker has not acted on yet.",
    label="consumer",
)
_oldest_event: Final = GaugeMetric(
    "outbox_oldest_event_age_seconds",
    "Age of the oldest event that a part of the worker has not acted on yet; 0 without one.",
    label="consumer",
)
_oldest_message: Final = GaugeMetric(
    "oldest_waiting_message_age_seconds",
    "Age of the oldest message that waits to be delivered; 0 without one.",
    label="channel",
)


def set_last_turn() -> None:
    _last_turn.set(time.time())


def set_backlog(backlog: Backlog) -> None:
    _waiting_events.set(backlog.events, backlog.consumer)
    _oldest_event.set(backlog.oldest_seconds, backlog.consumer)


def set_oldest_message(channel: str, seconds: float) -> None:
    _oldest_message.set(seconds, channel)
