"""A timeout of the event loop that can be started again."""

import asyncio
from collections.abc import Callable


class Timer:
    """Calls a function once, unless it is stopped or started again before."""

    __slots__ = ("_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call `callback` after `seconds`; a call that was planned before is dropped."""
        self.stop()
        self._handle = self._loop.call_later(seconds, self._call, callback)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _call(self, callback: Callable[[], None]) -> None:
        self._handle = None
        callback()
