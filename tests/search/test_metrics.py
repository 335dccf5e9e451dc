import pytest

from scholarship_api.search import metrics
from tests.platform.observability.samples import value


def test_searches_are_timed_by_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    before = value("search_duration_seconds_count", source="cache") or 0
    metrics.observe_search(source="cache", seconds=0.001)
    assert value("search_duration_seconds_count", source="cache") == before + 1
