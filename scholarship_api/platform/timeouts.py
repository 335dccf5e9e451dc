"""Short timeouts that a busy event loop does not use up."""

import asyncio
from typing import Final, TypeVar

_Result = TypeVar("_Result")

_SLICES: Final = 4


class SlicedTimeout:
    """A number of seconds for waiting, spent in four slices.

    A turn of the event loop that takes long uses up one slice at most. Otherwise a busy process
    would take its own delay for the backend's, and refuse requests whose answers have arrived.
    """

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self._left = _SLICES

    async def wait(self, future: "asyncio.Future[_Result]") -> _Result:
        """The future's result. At a TimeoutError a task goes on, and a bare future is cancelled."""
        try:
            while self._left:
                done, _ = await asyncio.wait([future], timeout=self._slice)
                if done:
                    return future.result()
                self._left -= 1
            raise TimeoutError
        finally:
            is_task = isinstance(future, asyncio.Task)
            if not is_task and not future.cancel() and not future.cancelled():
                future.exception()  # marked as seen, also when this wait was cancelled
