"""Faults that are inflicted on the service one after another, in an order given by the seed."""

import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psycopg
import redis

from soak.hostile import Crowd
from soak.job_workers import JobWorkers
from soak.receivers import Receivers
from soak.service import SERVING_ROLE, WORKER_ROLE, Service
from tests.deploy.gunicorn_server import until

SHORTEST_SECONDS: Final = 3.0
LONGEST_SECONDS: Final = 5.0
"""Bounds of the duration of a fault."""

REST_SECONDS: Final = 8.0
"""Pause between two faults: 5 s for the service to recover, 3 s for the last requests to end."""

COMPLETE_SECONDS: Final = 15.0
"""Deadline for the service to be complete again after a fault."""

Hits = Literal["database", "limiter", "connections", "nothing"]


@dataclass(frozen=True)
class Fault:
    name: str
    inflict: Callable[[float, random.Random], None]
    """Causes the fault for about so many seconds, and returns when it is over."""
    hits: Hits = "nothing"
    """The part of the service that may fail during the fault."""
    certain: bool = False
    """Whether readiness must notice the fault."""
    complete: Callable[[], bool] = field(default=lambda: True)
    """Whether the service is complete again."""


@dataclass(frozen=True, slots=True)
class Planned:
    fault: Fault
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Inflicted:
    fault: Fault
    began: float
    """Time of the beginning, in seconds of `time.monotonic`."""
    ended: float
    """Time of the end."""
    complete: float
    """Time when the service was complete again."""


def schedule(faults: list[Fault], *, seed: int, seconds: float) -> Iterator[Planned]:
    """Rounds of all faults, each round in another order, until the time is used up."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    left = seconds
    while True:
        for fault in rng.sample(faults, len(faults)):
            lasting = rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
            left -= lasting + REST_SECONDS
            if left < 0:
                return
            yield Planned(fault, lasting, rng.randrange(1_000_000))


def inflict(planned: Planned) -> Inflicted:
    """Inflict one fault. Call it in the thread that owns the servers."""
    began = time.monotonic()
    planned.fault.inflict(planned.seconds, random.Random(planned.seed))  # noqa: S311
    ended = time.monotonic()
    until(planned.fault.complete, seconds=COMPLETE_SECONDS, reason=lambda: planned.fault.name)
    return Inflicted(planned.fault, began, ended, time.monotonic())


class Faults:
    """All faults of a service."""

    def __init__(
        self, service: Service, crowd: Crowd, workers: JobWorkers, receivers: Receivers
    ) -> None:
        self._service = service
        self._crowd = crowd
        self._workers = workers
        self._receivers = receivers

    def all(self) -> list[Fault]:
        crowd, receivers = self._crowd, self._receivers
        return [
            Fault("PostgreSQL restarts", self._restart_postgres, "database", certain=True),
            Fault("PostgreSQL is paused", self._pause_postgres, "database", certain=True),
            Fault("PostgreSQL crashes", self._crash_postgres, "database"),
            Fault("PostgreSQL has no connection left", self._exhaust_postgres, "database"),
            Fault("Redis restarts", self._restart_valkey, "limiter", certain=True),
            Fault("Redis is paused", self._pause_valkey, "limiter", certain=True),
            Fault("Redis is flushed", self._flush_valkey),
            Fault("a worker is killed", self._kill_worker, "connections", complete=self._complete),
            Fault("all workers are reloaded", self._reload),
            Fault("the disk of the log is full", self._fill_log),
            Fault("a job worker is killed", self._kill_job_worker),
            Fault("a receiver is slow", lasting(lambda: receivers.troubled_by("slow"))),
            Fault("a receiver answers 500", lasting(lambda: receivers.troubled_by("500"))),
            Fault("a receiver is dead", lasting(receivers.dead)),
            Fault("the mail server is away", lasting(receivers.without_mail)),
            Fault("100 slow heads", crowd.slow_heads),
            Fault("100 slow bodies", crowd.slow_bodies),
            Fault("half-closed connections", crowd.half_closed),
            Fault("400 connections at once", crowd.flood),
            Fault("huge requests", crowd.huge),
            Fault("malformed requests", crowd.malformed),
        ]

    # --- PostgreSQL -------------------------------------------------------------------------------

    def _restart_postgres(self, seconds: float, _: random.Random) -> None:
        with self._service.postgres.stopped():
            time.sleep(seconds)

    def _pause_postgres(self, seconds: float, _: random.Random) -> None:
        with self._service.postgres.stopped_for_a_moment():
            time.sleep(seconds)

    def _crash_postgres(self, _: float, __: random.Random) -> None:
        """Kill a backend: PostgreSQL ends all others and recovers from its log."""
        with self._service.connect() as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row
            os.kill(row[0], signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(10)")
        until(self._postgres_answers, reason=lambda: "PostgreSQL does not recover")

    def _postgres_answers(self) -> bool:
        with suppress(psycopg.OperationalError), self._service.connect():
            return True
        return False

    def _exhaust_postgres(self, seconds: float, _: random.Random) -> None:
        """Take every connection, those of the service included."""
        end = time.monotonic() + seconds
        with ExitStack() as stack:
            first = stack.enter_context(self._service.connect())
            while time.monotonic() < end:
                try:
                    stack.enter_context(self._service.connect())
                except psycopg.OperationalError:
                    first.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE usename = ANY (%s)",
                        [[SERVING_ROLE, WORKER_ROLE]],
                    )
                    time.sleep(0.02)

    # --- Redis ------------------------------------------------------------------------------------

    def _restart_valkey(self, seconds: float, _: random.Random) -> None:
        with self._service.valkey.stopped():
            time.sleep(seconds)

    def _pause_valkey(self, seconds: float, _: random.Random) -> None:
        with self._service.valkey.stopped_for_a_moment():
            time.sleep(seconds)

    def _flush_valkey(self, _: float, __: random.Random) -> None:
        """Remove all counters and the script that counts."""
        with redis.Redis.from_url(self._service.valkey.url) as client:
            client.flushall()
            client.script_flush()

    # --- The service ------------------------------------------------------------------------------

    def _kill_worker(self, _: float, rng: random.Random) -> None:
        os.kill(rng.choice(self._service.server.workers()), signal.SIGKILL)

    def _complete(self) -> bool:
        """Whether every worker lives; a killed one stays listed until it is reaped."""
        workers = self._service.server.workers()
        return len(workers) >= self._service.workers and not any(map(_is_dead, workers))

    def _kill_job_worker(self, _: float, rng: random.Random) -> None:
        self._workers.kill_one(rng.randrange(1_000))

    def _reload(self, _: float, __: random.Random) -> None:
        before = set(self._service.server.workers())
        self._service.server.signal(signal.SIGHUP)
        until(lambda: before.isdisjoint(self._service.server.workers()), seconds=40)

    def _fill_log(self, seconds: float, _: random.Random) -> None:
        """Forbid the files of the service to grow: writes fail with EFBIG instead of ENOSPC."""
        server = self._service.server
        size = server.log.size()
        processes = [server.pid, *server.workers()]
        for pid in processes:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        time.sleep(seconds)
        for pid in {*processes, *server.workers()}:
            with suppress(ProcessLookupError):
                limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


def lasting(
    trouble: Callable[[], AbstractContextManager[None]],
) -> Callable[[float, random.Random], None]:
    """A fault that lasts as long as a context."""

    def inflict_it(seconds: float, _: random.Random) -> None:
        with trouble():
            time.sleep(seconds)

    return inflict_it


def _is_dead(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
