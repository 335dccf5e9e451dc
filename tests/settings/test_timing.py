import pytest

from scholarship_api.settings.settings import Settings, SettingsError
from tests.settings.loading import reasons


def times(delay: int, graceful: int, grace_period: int) -> Settings:
    return Settings(
        shutdown_delay=delay, graceful_timeout=graceful, termination_grace_period=grace_period
    )


@pytest.mark.parametrize(
    ("delay", "graceful", "grace_period", "drain"), [(0, 30, 45, 28), (5, 8, 9, 1), (27, 30, 31, 1)]
)
def test_requests_in_flight_get_what_the_delay_and_the_closing_leave(
    delay: int, graceful: int, grace_period: int, drain: int
) -> None:
    assert times(delay, graceful, grace_period).drain_seconds == drain


@pytest.mark.parametrize(
    ("delay", "graceful", "grace_period", "variable"),
    [
        (6, 8, 9, "GRACEFUL_TIMEOUT"),
        (28, 30, 31, "GRACEFUL_TIMEOUT"),
        (5, 8, 8, "TERMINATION_GRACE_PERIOD"),
    ],
)
def test_times_that_do_not_fit_are_refused(
    delay: int, graceful: int, grace_period: int, variable: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        times(delay, graceful, grace_period)
    assert [error.variable for error in refused.value.errors] == [variable]


@pytest.mark.parametrize(
    ("variables", "name", "advice"),
    [
        ({"GRACEFUL_TIMEOUT": "60"}, "GRACEFUL_TIMEOUT", "44 or less"),
        ({"GRACEFUL_TIMEOUT": "2"}, "GRACEFUL_TIMEOUT", "3 or more"),
        ({"SHUTDOWN_DELAY": "40"}, "SHUTDOWN_DELAY", "27 or less"),
        ({"TERMINATION_GRACE_PERIOD": "30"}, "TERMINATION_GRACE_PERIOD", "31 or more"),
        (
            {"GRACEFUL_TIMEOUT": "60", "TERMINATION_GRACE_PERIOD": "50"},
            "TERMINATION_GRACE_PERIOD",
            "61 or more",
        ),
        ({"SHUTDOWN_DELAY": "20", "GRACEFUL_TIMEOUT": "20"}, "GRACEFUL_TIMEOUT", "23 or more"),
    ],
)
def test_the_variable_that_was_set_is_named_with_what_would_do(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, advice: str
) -> None:
    found = reasons(monkeypatch, variables)
    assert list(found) == [name]
    assert advice in found[name]
