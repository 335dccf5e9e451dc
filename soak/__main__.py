"""Runs mixed load on the real service while its servers fail, for a limited time, on loopback.

    python -m soak [--seconds 600] [--quick] [--seed N] [--workers 3]

It prints the plan of the faults, which follows from the seed, and ends with tables. The exit code
is 1 when an invariant does not hold; the log of the service is then kept in .cache/soak.log.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from soak import report
from soak.alerting import Alerting
from soak.faults import REST_SECONDS, Faults, Inflicted, Planned, inflict, schedule
from soak.hostile import Crowd
from soak.job_workers import JobWorkers
from soak.load import Load, wait
from soak.observing import Observer, connections, sockets
from soak.receivers import Receivers
from soak.recording import Recording
from soak.service import Service, running_service
from soak.verdict import Finding, findings, log_finding
from soak.writing import discrepancies, rows_found
from tests.api_promises import ApiPromises
from tests.deploy.gunicorn_server import PRODUCTION, REPOSITORY

SECONDS: Final = 600.0
QUICK_SECONDS: Final = 75.0

WARM_UP_SECONDS: Final = 5.0
"""Load before the first fault."""

LAST_REST_SECONDS: Final = 6.0
"""Load after the last recovery."""

REQUESTS_PER_SECOND: Final = 90
"""Approximate rate of the load, from which the number of requests until recycling is computed."""

RECYCLINGS: Final = 4
"""Approximate number of times that each worker is recycled."""

POOL_CONNECTIONS: Final = 10
"""Connections of a worker's pool with its overflow, by default."""

PROBE_CONNECTIONS: Final = 1

SOCKETS_PER_WORKER: Final = POOL_CONNECTIONS + 40
"""Sockets of a worker at rest: the pool, Redis, and clients that are still connected."""

TORN_LINES_PER_PROCESS: Final = 2
"""Log lines that a process may cut while the disk is full."""

WIDTH: Final = 130
"""Columns of the tables when the output is not a terminal."""

KEPT_LOG: Final = REPOSITORY / ".cache" / "soak.log"


def main() -> int:
    options = _options()
    # SIGTERM works like Ctrl-C, so that the servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    console.print(f"seed {options.seed}, {options.seconds:.0f} s, {options.workers} workers")
    settings = Settings(environment="test", database_url=SecretStr(PRODUCTION["DATABASE_URL"]))
    recording = Recording(ApiPromises(create_app(settings).openapi()))
    per_worker = REQUESTS_PER_SECOND * options.seconds / options.workers
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scholarship-soak-")))
        service = stack.enter_context(
            running_service(
                folder, workers=options.workers, max_requests=int(per_worker / RECYCLINGS)
            )
        )
        receivers = stack.enter_context(Receivers())
        workers = JobWorkers(service, folder, mail_port=receivers.mailbox.port)
        stack.callback(workers.end)
        alerting = Alerting(service, workers, receivers)
        crowd = Crowd(service.server.port, recording)
        faults = Faults(service, crowd, workers, receivers).all()
        resting = WARM_UP_SECONDS + LAST_REST_SECONDS
        plan = list(schedule(faults, seed=options.seed, seconds=options.seconds - resting))
        for planned in plan:
            console.print(f"  {planned.seconds:4.1f} s  {planned.fault.name}", highlight=False)
        load = Load(service, recording, seed=options.seed)
        alerting.start()
        with Observer(service) as observer:
            load.start()
            inflicted = _run(console, plan, load, recording)
            load.stop()
        alerting.stop()
        found = [
            *findings(recording, inflicted, observer.lives),
            *alerting.findings(load.ledger, faults=len(inflicted)),
            log_finding(workers.log(), torn_allowed=0, whose="the job workers'"),
            *_final_findings(service, load, observer, inflicted),
        ]
        with service.connect() as connection:
            rows = rows_found(connection)
        recycled = service.server.log.text().count('"worker.recycled"')
        report.show(
            console,
            recording=recording,
            load=load,
            inflicted=inflicted,
            found_rows=rows,
            recycled=recycled,
            findings=found,
        )
        if all(finding.holds for finding in found):
            return 0
        KEPT_LOG.parent.mkdir(exist_ok=True)
        KEPT_LOG.write_text(service.server.log.text() + workers.log())
    console.print(f"Again: make soak ARGS='--seed {options.seed} --seconds {options.seconds:.0f}'")
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:.0f} seconds")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--workers", type=int, default=3)
    options = parser.parse_args()
    if options.quick:
        options.seconds = QUICK_SECONDS
    return options


def _run(
    console: Console, plan: Sequence[Planned], load: Load, recording: Recording
) -> list[Inflicted]:
    inflicted: list[Inflicted] = []
    columns = (
        TextColumn("{task.description:<36}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} faults"),
        TextColumn("{task.fields[requests]} requests"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("warming up", total=len(plan), requests=0)

        def rest(seconds: float) -> None:
            progress.update(task, requests=len(recording.samples))
            wait(seconds, load)

        rest(WARM_UP_SECONDS)
        for planned in plan:
            progress.update(task, description=planned.fault.name)
            inflicted.append(inflict(planned))
            progress.update(task, description="recovering", advance=1)
            rest(REST_SECONDS)
        rest(LAST_REST_SECONDS)
    return inflicted


def _final_findings(
    service: Service, load: Load, observer: Observer, inflicted: Sequence[Inflicted]
) -> Iterator[Finding]:
    """Findings after the end of the load, and after the end of the service."""
    server = service.server
    limit = service.workers * (POOL_CONNECTIONS + PROBE_CONNECTIONS)
    held = connections(service)
    yield Finding(
        "no connection to PostgreSQL leaks",
        observer.most_connections <= 2 * limit and held <= limit,
        f"{held} at rest, {observer.most_connections} at most (limit {limit} and,"
        " while workers are replaced, twice that)",
    )
    open_sockets = [sockets(pid) for pid in server.workers()]
    yield Finding(
        "no socket leaks",
        max(open_sockets) <= SOCKETS_PER_WORKER,
        f"{open_sockets} of {SOCKETS_PER_WORKER}",
    )
    yield Finding(
        "counters never fall", not observer.fallen_counters, "; ".join(observer.fallen_counters)
    )
    server.signal(signal.SIGTERM)
    code = server.wait()
    left = connections(service)
    yield Finding(
        "the service ends in order", (code, left) == (0, 0), f"exit {code}, {left} connections left"
    )
    with service.connect() as connection:
        wrong = list(discrepancies(connection, load.ledger))
    yield Finding(
        "no write lost, none doubled", not wrong, f"{len(wrong)} wrong: {'; '.join(wrong[:5])}"
    )
    full = sum("log" in fault.fault.name for fault in inflicted)
    torn_allowed = TORN_LINES_PER_PROCESS * full * (service.workers + 1)
    yield log_finding(server.log.text(), torn_allowed=torn_allowed)


if __name__ == "__main__":
    sys.exit(main())
