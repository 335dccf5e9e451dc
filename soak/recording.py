"""Records one sample for each request, and every broken promise of the API."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.api_promises import ApiPromises
from tests.wire import Answer

EXAMPLES: Final = 10

HOSTILE: Final = "hostile"
NO_ANSWER: Final = 0
"""The status of a request without an answer."""


@dataclass(frozen=True, slots=True)
class Sample:
    kind: str
    began: float
    """Seconds of `time.monotonic`, like `ended`."""
    ended: float
    status: int
    cause: str = ""
    """The code of an error, or the reason why there was no answer."""

    @property
    def failed(self) -> bool:
        """Whether the service failed, from the client's point of view."""
        return self.status == NO_ANSWER or self.status >= 500


@dataclass
class Recording:
    """Filled by several threads, which only append."""

    promises: ApiPromises
    samples: list[Sample] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    """Number of violations of each promise."""
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, began: float, method: str, target: str, answer: Answer | str) -> None:
        """Record an answer, or the reason why there was none."""
        ended = time.monotonic()
        if isinstance(answer, str):
            self.samples.append(Sample(kind, began, ended, NO_ANSWER, answer))
            return
        cause = ""
        faults = self.promises.faults(method, target, answer)
        if answer.status >= 400 and not faults and method != "HEAD":
            cause = answer.json()["code"]
        self.samples.append(Sample(kind, began, ended, answer.status, cause))
        for fault in faults:
            self.complain(f"{answer.status}: {fault}", f"{method} {target}: {answer.body[:300]!r}")

    def add_hostile(self, began: float, status: int) -> None:
        """Record an answer to a hostile client."""
        self.samples.append(Sample(HOSTILE, began, time.monotonic(), status))

    def complain(self, what: str, example: str) -> None:
        self.broken[what] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{what} - {example}")

    def expect(self, condition: object, what: str, example: Callable[[], str] = str) -> None:
        if not condition:
            self.complain(what, example())
