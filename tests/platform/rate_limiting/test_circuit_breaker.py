"""The circuit opens after failures, and one request finds out when the dependency is back."""

import asyncio
from contextlib import suppress

import pytest

from scholarship_api.platform.rate_limiting.circuit_breaker import (
    CircuitBreaker,
    CircuitOpenError,
    State,
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[State]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[State]) -> CircuitBreaker:
    return CircuitBreaker(clock=clock, on_change=changes.append)


def state(breaker: CircuitBreaker) -> str:
    return breaker.state


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="down"), breaker.guard(OSError):
            raise OSError("down")


def test_three_failures_in_a_row_open_the_circuit(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    with breaker.guard(OSError):
        pass
    fail(breaker, 2)
    assert state(breaker) == "closed"

    fail(breaker)

    assert state(breaker) == "open"
    with pytest.raises(CircuitOpenError), breaker.guard(OSError):
        pytest.fail("entered")


def test_after_two_seconds_one_request_tries(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.9
    with pytest.raises(CircuitOpenError), breaker.guard(OSError):
        pytest.fail("entered")

    clock.now += 0.2
    with breaker.guard(OSError):
        assert state(breaker) == "half_open"
        with pytest.raises(CircuitOpenError), breaker.guard(OSError):
            pytest.fail("a second request entered")

    assert state(breaker) == "closed"


def test_a_failed_trial_opens_the_circuit_for_two_seconds(
    breaker: CircuitBreaker, clock: Clock, changes: list[State]
) -> None:
    fail(breaker, 3)
    clock.now += 2
    fail(breaker)
    clock.now += 1.9
    with pytest.raises(CircuitOpenError), breaker.guard(OSError):
        pytest.fail("entered")
    assert changes == ["open", "half_open", "open"]


def test_a_cancelled_trial_leaves_the_trial_to_the_next_request(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now += 2
    with suppress(asyncio.CancelledError), breaker.guard(OSError):
        raise asyncio.CancelledError
    with breaker.guard(OSError):
        assert state(breaker) == "half_open"
    assert state(breaker) == "closed"


def test_other_exceptions_say_nothing_about_the_dependency(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        with pytest.raises(KeyError), breaker.guard(OSError):
            raise KeyError
    assert state(breaker) == "closed"
