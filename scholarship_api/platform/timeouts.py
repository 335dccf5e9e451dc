"""Short deadlines that a busy event loop does not use up."""

import asyncio
from typing import Final, TypeVar

_Result = TypeVar("_Result")

_SLICES: Final = 4


class Patience:
    """So many seconds of waiting, in slices.

    A turn of the event loop that takes long uses up one slice at most: otherwise a busy process
    would take its own delay for the backend's, and refuse requests while the answers are there.
    """

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self._left = _SLICES

    async def wait(self, what: "asyncio.Future[_Result]") -> _Result:
        """Raises TimeoutError; leaves a task alone, but cancels any other future."""
        try:
            while self._left:
                done, _ = await asyncio.wait([what], timeout=self._slice)
                if done:
                    return what.result()
                self._left -= 1
            raise TimeoutError
        finally:
            if not isinstance(what, asyncio.Task) and not what.cancel() and not what.cancelled():
                what.exception()  # seen, also when we were cancelled meanwhile
