"""A timeout of the event loop that can be started again at little cost."""

import asyncio
from collections.abc import Callable


class Timer:
    """Calls a function once, unless it is stopped or started again before.

    Starting it again moves the time at which it ends. The event loop's timer stays, and is set
    anew when it rings too early: to set and cancel one for every response takes 3 % of the CPU of
    a small response.
    """

    __slots__ = ("_callback", "_ends_at", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._ends_at = 0.0
        self._callback: Callable[[], None] | None = None

    @property
    def is_running(self) -> bool:
        return self._callback is not None

    def start(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call `callback` after `seconds`; a call that was planned before is dropped."""
        self._callback = callback
        self._ends_at = self._loop.time() + seconds
        if self._handle is None:
            self._set(self._ends_at)
        elif self._handle.when() > self._ends_at:
            self._handle.cancel()
            self._set(self._ends_at)

    def stop(self) -> None:
        self._callback = None

    def close(self) -> None:
        """Stop, and let go of everything that the callback refers to."""
        self.stop()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _set(self, when: float) -> None:
        self._handle = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._handle = None
        if self._callback is None:
            return
        if self._loop.time() < self._ends_at:
            self._set(self._ends_at)
            return
        callback, self._callback = self._callback, None
        callback()
