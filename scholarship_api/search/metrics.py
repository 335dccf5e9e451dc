"""How long searches take."""

from typing import Final, Literal

from scholarship_api.platform.observability.metrics import DurationMetric

_duration: Final = DurationMetric(
    "search_duration_seconds",
    "Time spent on a search, by where its answer came from.",
    label="source",
)


def observe_search(*, source: Literal["cache", "database"], seconds: float) -> None:
    _duration.observe(source, seconds)
