"""The invariants of a soak, and whether they hold."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from soak.faults import Inflicted
from soak.load import LIVENESS, READINESS
from soak.observing import Life, Window, growth, steps
from soak.recording import HOSTILE, NO_ANSWER, Recording, Sample

RECOVERY_SECONDS: Final = 5.0
"""Time after a fault in which everything has to work again."""

NOTICED_SECONDS: Final = 1.5
"""Time after which readiness has to notice a fault. Results are shared for 1 s."""

MENDING_SECONDS: Final = 1.0
"""Time before the recorded end of a fault in which the server may already work again."""

WARM_SECONDS: Final = 60.0
"""Age of a worker from which its growth counts.

In eight minutes of load without a fault, three workers grew by 2.4 to 3.6 MiB a minute at an age of
30 to 60 s, by 1.1 to 1.7 up to 120 s, and by .3 to .4 later.
"""

GROWTH_MIB_PER_MINUTE: Final = 3.0
"""Largest growth of the median worker, apart from what it meets for the first time."""

FIRST_MEETING_MIB: Final = 5.0
"""Largest growth of the median worker while it meets a kind of fault for the first time.

Code runs for the first time then, and buffers get their size. All kinds together took 9 MiB in the
first round and 2 MiB in the second one, on a worker that lived through both. In a soak few workers
do: reloading, killing and recycling replace them, so that most faults are first ones to them.
"""

SETTLING_SECONDS: Final = 2.0
"""Time after a fault that still belongs to it. Most faults are recovered from within a second; a
longer time would leave too little of a life to tell how it grows."""

DEPENDENCIES: Final = ("database", "limiter")
RECOVERING: Final = ("searches", "writes", "eligibility", READINESS)


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    holds: bool
    detail: str


def explained(sample: Sample, inflicted: Sequence[Inflicted]) -> bool:
    """Whether a fault explains a failure."""
    for fault in inflicted:
        if sample.ended < fault.began or sample.began > fault.ended + RECOVERY_SECONDS:
            continue
        if sample.kind != LIVENESS and sample.status == 503 and fault.fault.hits in DEPENDENCIES:
            return True
        if sample.status == NO_ANSWER and fault.fault.hits == "connections":
            return not sample.cause.startswith("none in")
    return False


def unexplained(samples: Sequence[Sample], inflicted: Sequence[Inflicted]) -> Counter[str]:
    """Failures by kind and cause that no fault explains."""
    return Counter(
        f"{sample.kind}: {sample.status or ''} {sample.cause} ({_during(sample, inflicted)})"
        for sample in samples
        if sample.failed and not explained(sample, inflicted)
    )


def _during(sample: Sample, inflicted: Sequence[Inflicted]) -> str:
    earlier = [fault for fault in inflicted if fault.began <= sample.ended]
    if not earlier:
        return "before any fault"
    after = sample.began - earlier[-1].ended
    return earlier[-1].fault.name if after < 0 else f"{after:.0f} s after: {earlier[-1].fault.name}"


def recovery_seconds(
    samples: Sequence[Sample], inflicted: Sequence[Inflicted]
) -> list[float | None]:
    """For each fault, the seconds from its end to the first success after the last failure.

    None when something still failed as the next fault began.
    """
    recovered: list[float | None] = []
    following = chain((fault.began for fault in inflicted[1:]), [float("inf")])
    for fault, end in zip(inflicted, following, strict=True):
        after = [
            sample
            for sample in samples
            if fault.ended < sample.began < end
            # A request that began late and met the next fault says nothing about this one.
            and (sample.ended < end or sample.began <= fault.ended + RECOVERY_SECONDS)
        ]
        by_kind = [[sample for sample in after if sample.kind == kind] for kind in RECOVERING]
        seconds = [_first_success(some, fault.ended) for some in by_kind if some]
        known = [value for value in seconds if value is not None]
        complete = fault.complete - fault.ended
        recovered.append(max([complete, *known]) if len(known) == len(seconds) else None)
    return recovered


def _first_success(samples: Sequence[Sample], mended: float) -> float | None:
    last_failure = max((sample.began for sample in samples if sample.failed), default=mended)
    successes = (s.ended for s in samples if not s.failed and s.began >= last_failure)
    first = min(successes, default=None)
    return None if first is None else first - mended


def readiness_lies(samples: Sequence[Sample], inflicted: Sequence[Inflicted]) -> Iterator[str]:
    """Probes that said ready during a fault, or not ready without one."""
    for sample in samples:
        if sample.kind != READINESS:
            continue
        if sample.status == 200:
            for fault in inflicted:
                noticed = fault.began + NOTICED_SECONDS <= sample.began
                if (
                    fault.fault.certain
                    and noticed
                    and sample.ended <= fault.ended - MENDING_SECONDS
                ):
                    yield f"ready while {fault.fault.name}"
        elif not explained(sample, inflicted):
            yield f"{sample.status or sample.cause}, {_during(sample, inflicted)}"


def findings(
    recording: Recording, inflicted: Sequence[Inflicted], lives: dict[int, Life]
) -> Iterator[Finding]:
    """The findings from the samples."""
    samples = [sample for sample in recording.samples if sample.kind != HOSTILE]
    internal = sum(sample.status == 500 for sample in recording.samples)
    yield Finding("no 500", internal == 0, str(internal))
    broken = recording.broken
    yield Finding("every answer as OpenAPI and the error schema say", not broken, _list(broken))
    other = unexplained(samples, inflicted)
    yield Finding("nothing fails but what is broken", not other, _list(other))
    hanging = sum(sample.cause.startswith("none in") for sample in samples)
    yield Finding("nothing hangs", hanging == 0, str(hanging))
    lies = Counter(readiness_lies(samples, inflicted))
    yield Finding("readiness tells the truth", not lies, _list(lies))
    recovered = recovery_seconds(samples, inflicted)
    slow = [
        fault.fault.name
        for fault, seconds in zip(inflicted, recovered, strict=True)
        if seconds is None or seconds > RECOVERY_SECONDS
    ]
    yield Finding(f"recovery within {RECOVERY_SECONDS:.0f} s", not slow, ", ".join(slow))
    yield from memory_findings(lives, inflicted)


def memory_findings(lives: dict[int, Life], inflicted: Sequence[Inflicted]) -> Iterator[Finding]:
    slopes: list[float] = []
    costs: defaultdict[str, list[float]] = defaultdict(list)
    for life in lives.values():
        first = _first_meetings(life, inflicted)
        slope = growth(life, warm_seconds=WARM_SECONDS, without=list(first.values()))
        if slope is not None:
            slopes.append(slope)
        warm = life.memory[0][0] + WARM_SECONDS
        for (name, window), cost in zip(first.items(), steps(life, first.values()), strict=True):
            if cost is not None and window[0] >= warm:
                costs[name].append(cost)
    yield _growth_finding(sorted(slopes), lives)
    dearest = sorted(((_middle(some), name) for name, some in costs.items()), reverse=True)
    yield Finding(
        "a fault that is new to a worker costs little memory",
        all(cost <= FIRST_MEETING_MIB for cost, _ in dearest),
        "; ".join(f"{cost:+.1f} MiB {name}" for cost, name in dearest[:3]),
    )


def _first_meetings(life: Life, inflicted: Sequence[Inflicted]) -> dict[str, Window]:
    """For each kind of fault, the first one in the life of a worker, and the time just after."""
    born, died = life.memory[0][0], life.memory[-1][0]
    first: dict[str, Window] = {}
    for fault in inflicted:
        if fault.began < died and born < fault.complete:
            first.setdefault(fault.fault.name, (fault.began, fault.complete + SETTLING_SECONDS))
    return first


def _growth_finding(slopes: Sequence[float], lives: dict[int, Life]) -> Finding:
    if not slopes:
        return Finding("no worker grows", True, "no worker has lived long enough to tell")
    middle = _middle(slopes)
    most = max(size for life in lives.values() for _, size in life.memory)
    detail = (
        f"{middle:+.1f} MiB/min in the middle of {len(slopes)} workers"
        f" ({slopes[0]:+.1f} to {slopes[-1]:+.1f}); at most {most:.0f} MiB"
    )
    return Finding("no worker grows", middle <= GROWTH_MIB_PER_MINUTE, detail)


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def log_finding(text: str, *, torn_allowed: int, whose: str = "the") -> Finding:
    """Whether every line is one JSON object, except lines that a full disk has cut."""
    torn = 0
    exceptions: Counter[str] = Counter()
    for line in text.split("\n")[:-1]:
        try:
            event = json.loads(line)
        except ValueError:
            torn += 1
            continue
        if "exception" in event:
            last_line = event["exception"].strip().rpartition("\n")[2]
            exceptions[f"{event['event']}: {last_line[:120]}"] += 1
    holds = torn <= torn_allowed and not exceptions
    return Finding(
        f"{whose} log is JSON without an exception", holds, f"{torn} torn; {_list(exceptions)}"
    )


def _list(counted: Counter[str]) -> str:
    return "; ".join(f"{number} x {what}" for what, number in counted.most_common(8))
