"""The verdict of a soak notices failures, lies, growth and slow recovery."""

import random
from dataclasses import replace

from soak.faults import REST_SECONDS, Fault, Hits, Inflicted, schedule
from soak.load import READINESS
from soak.observing import Life, growth
from soak.recording import Recording, Sample
from soak.verdict import (
    findings,
    log_finding,
    memory_findings,
    readiness_lies,
    recovery_seconds,
    unexplained,
)
from tests.api_promises import ApiPromises

BEGAN, ENDED = 100.0, 104.0


def nothing(_: float, __: random.Random) -> None:
    pass


def fault(hits: Hits = "database", *, certain: bool = True) -> Inflicted:
    return Inflicted(Fault("it breaks", nothing, hits, certain=certain), BEGAN, ENDED, ENDED)


def sample(at: float, status: int, *, kind: str = "searches", cause: str = "") -> Sample:
    return Sample(kind, at, at + 0.1, status, cause)


def test_a_failure_is_explained_only_by_a_fault_that_causes_it() -> None:
    broken = [sample(BEGAN + 1, 503), sample(ENDED + 4, 503)]
    assert not unexplained(broken, [fault()])
    assert unexplained(broken, [fault("connections")]).total() == 2
    assert unexplained([sample(BEGAN - 1, 503), sample(ENDED + 6, 503)], [fault()]).total() == 2
    assert unexplained([sample(BEGAN + 1, 500)], [fault()]).total() == 1
    lost = [sample(BEGAN + 1, 0, cause="ConnectionResetError")]
    assert unexplained(lost, [fault()]).total() == 1
    assert not unexplained(lost, [fault("connections")])
    assert unexplained([sample(BEGAN + 1, 0, cause="none in 15 s")], [fault("connections")])


def test_recovery_ends_with_the_success_after_the_last_failure() -> None:
    samples = [
        *(sample(ENDED + 0.5, 200), sample(ENDED + 1, 503), sample(ENDED + 2, 200)),
        *(sample(ENDED + 0.1, 200, kind="writes"), sample(ENDED + 3, 200)),
    ]
    (seconds,) = recovery_seconds(samples, [fault()])
    assert seconds is not None
    assert round(seconds, 3) == 2.1
    assert recovery_seconds([*samples, sample(ENDED + 4, 503)], [fault()]) == [None]


def test_requests_that_meet_the_next_fault_do_not_delay_the_recovery() -> None:
    faults = [fault(), replace(fault(), began=ENDED + 7, ended=ENDED + 9, complete=ENDED + 9)]
    recovered = sample(ENDED + 1, 200)
    hit = Sample("searches", ENDED + 6.9, ENDED + 7.1, 503)
    assert recovery_seconds([recovered, hit], faults)[0] is not None
    hung = Sample("searches", ENDED + 2, ENDED + 7.1, 503)
    assert recovery_seconds([recovered, hung], faults)[0] is None


def test_readiness_that_lies_is_noticed() -> None:
    def lies(at: float, status: int, *, certain: bool = True) -> int:
        probe = sample(at, status, kind=READINESS)
        return len(list(readiness_lies([probe], [fault(certain=certain)])))

    assert lies(BEGAN + 2, 200) == 1
    assert lies(BEGAN + 2, 200, certain=False) == 0
    assert lies(BEGAN + 2, 503) == 0
    assert lies(BEGAN + 0.5, 200) == 0
    assert lies(BEGAN - 1, 503) == 1
    assert lies(ENDED + 6, 503) == 1


def test_growth_counts_after_the_warm_up() -> None:
    warming = [(float(second), min(100.0 + second, 125.0)) for second in range(200)]
    assert growth(Life(warming), warm_seconds=30) == 0
    leaking = [(float(second), 100.0 + second / 6) for second in range(200)]
    slope = growth(Life(leaking), warm_seconds=30)
    assert slope is not None
    assert round(slope, 6) == 10
    assert growth(Life(leaking[:40]), warm_seconds=30) is None


def test_what_a_worker_meets_for_the_first_time_is_no_growth() -> None:
    inflicted = [fault(), replace(fault(), began=ENDED + 20, ended=ENDED + 22, complete=ENDED + 22)]

    def found(first_mib: float, again_mib: float) -> list[bool]:
        life = Life(
            [
                (at, 100.0 + first_mib * (at > BEGAN + 1) + again_mib * (at > ENDED + 21))
                for at in map(float, range(200))
            ]
        )
        return [finding.holds for finding in memory_findings({1: life}, inflicted)]

    assert found(first_mib=4, again_mib=0) == [True, True]
    assert found(first_mib=6, again_mib=0) == [True, False]
    assert found(first_mib=4, again_mib=8) == [False, True]


def test_memory_that_is_used_for_a_moment_is_no_growth() -> None:
    spikes = [(float(second), 100.0 + 19 * (second % 60 > 57)) for second in range(200)]
    assert growth(Life(spikes), warm_seconds=30) == 0


def test_findings_of_a_good_and_of_a_bad_soak() -> None:
    recording = Recording(ApiPromises({"paths": {}, "components": {}}))
    recording.samples += [sample(BEGAN - 5, 200), sample(ENDED + 1, 200)]
    assert all(finding.holds for finding in findings(recording, [fault()], {}))
    recording.samples.append(sample(BEGAN - 4, 500))
    recording.complain("a write was lost", "example")
    broken = [finding.what for finding in findings(recording, [fault()], {}) if not finding.holds]
    assert len(broken) == 3
    assert not log_finding('{"event":"x"}\ntorn\n', torn_allowed=0).holds
    assert not log_finding('{"event":"x","exception":"E: y"}\n', torn_allowed=0).holds


def test_a_seed_gives_one_schedule_within_the_time() -> None:
    faults = [Fault(str(number), nothing) for number in range(5)]
    plan = list(schedule(faults, seed=3, seconds=200))
    assert plan == list(schedule(faults, seed=3, seconds=200))
    assert plan != list(schedule(faults, seed=4, seconds=200))
    assert {planned.fault.name for planned in plan[:5]} == {"0", "1", "2", "3", "4"}
    assert sum(planned.seconds + REST_SECONDS for planned in plan) <= 200
