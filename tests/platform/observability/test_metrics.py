import pytest

from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessRecord
from tests.platform.observability.samples import value


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics stay in memory, without a folder."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def test_unknown_methods_share_one_label() -> None:
    before = value("http_requests_total", method="OTHER", route="/x", status="405") or 0
    for method in ("BREW", "SPAM1", "SPAM2"):
        metrics.observe_request(AccessRecord(method, "/x", 405, 0.1, 0, "t", "r", None, None, 0.0))
    after = value("http_requests_total", method="OTHER", route="/x", status="405")
    assert after == before + 3


def test_a_duration_metric_is_a_histogram_by_label() -> None:
    duration = metrics.DurationMetric("example_seconds", "For this test.", label="kind")
    for seconds in (0.002, 0.3):
        duration.observe("one", seconds)
    duration.observe("other", 7)
    assert value("example_seconds_count", kind="one") == 2
    assert value("example_seconds_sum", kind="one") == 0.302
    assert value("example_seconds_bucket", kind="one", le="0.0025") == 1
    assert value("example_seconds_count", kind="other") == 1


@pytest.mark.slow
def test_the_limiter_is_in_one_state() -> None:
    for state in metrics.LIMITER_STATES:
        metrics.set_limiter_state(state)
        counts = {
            other: value("rate_limiter_state", state=other) for other in metrics.LIMITER_STATES
        }
        assert counts == {other: int(other == state) for other in metrics.LIMITER_STATES}
