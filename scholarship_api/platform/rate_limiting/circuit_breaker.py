"""Stops asking a dependency that keeps failing, and finds out by one request when it is back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

State = Literal["closed", "open", "half_open"]

FAILURES_TO_OPEN: Final = 3
"""Failures in a row after which the dependency is no longer asked."""

RETRY_AFTER_SECONDS: Final = 2.0
"""How long an open circuit stays open before one request tries the dependency again."""


class CircuitOpenError(Exception):
    """The dependency was not asked, as it failed a moment ago."""


class CircuitBreaker:
    """For one event loop. `on_change` is called with each new state."""

    def __init__(
        self,
        *,
        on_change: Callable[[State], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state: State = "closed"
        self.last_failure: Exception | None = None
        self._on_change = on_change
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    @contextmanager
    def guard(self, *failures: type[Exception]) -> Iterator[None]:
        """Surround one use of the dependency. Raises CircuitOpenError while the circuit is open.

        Exceptions of the types `failures` count as failures. Any other exception, cancellation
        included, says nothing about the dependency.
        """
        trial = self._admit()
        try:
            yield
        except failures as error:
            self.last_failure = error
            self._failed(trial=trial)
            raise
        except BaseException:
            if trial and self.state == "half_open":
                self._change("open")  # the next request is the trial
            raise
        else:
            self.close()

    def close(self) -> None:
        """Let requests through again: the dependency was found to work."""
        self._failures = 0
        self._change("closed")

    def _admit(self) -> bool:
        if self.state == "closed":
            return False
        if self.state == "half_open" or self._clock() < self._retry_at:
            raise CircuitOpenError
        self._change("half_open")
        return True

    def _failed(self, *, trial: bool) -> None:
        self._failures += 1
        # A failure that was in flight when the circuit opened changes nothing.
        if trial or (self.state == "closed" and self._failures >= FAILURES_TO_OPEN):
            self._retry_at = self._clock() + RETRY_AFTER_SECONDS
            self._change("open")

    def _change(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)
