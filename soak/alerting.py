"""The messages that job workers deliver in a soak, and whether each has arrived."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import httpx
import psycopg

from scholarship_api.webhooks.signatures import new_secret
from soak.job_workers import JobWorkers
from soak.observing import growth
from soak.receivers import Hook, Receivers
from soak.service import Service
from soak.verdict import GROWTH_MIB_PER_MINUTE, WARM_SECONDS, Finding
from soak.writing import WRITERS, Ledger
from tests.deploy.gunicorn_server import until

EVENTS: Final = (
    *("scholarship.published", "scholarship.updated", "scholarship.deadline_changed"),
    *("scholarship.closing_soon", "scholarship.closed", "scholarship.archived"),
)
MATCHED: Final = "saved_search.matched"
WORDS: Final = WRITERS.lower()
"""The words of the saved search: every award of the writers has them."""

MAIL_EVERY_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 240.0
"""Deadline for the backlog: a receiver that has failed three times is tried again after 2 min."""

QUIET_SECONDS: Final = 3.0
"""Nothing is left to deliver when there was nothing for so long."""

REPEATS_OF_A_FAULT: Final = 32
"""Messages that a fault may repeat: two receivers, eight messages at a time each, and mails."""

_WEBHOOK: Final = "INSERT INTO webhooks (id, owner_id, url, events) VALUES (%s, %s, %s, %s)"
_SECRET: Final = "INSERT INTO webhook_secrets (webhook_id, secret) VALUES (%s, %s)"
_MAIL: Final = """
WITH subject AS (
    INSERT INTO subjects (id, client, external_id) VALUES (%(id)s, 'soak', %(id)s::text)
    RETURNING id
), address AS (
    INSERT INTO mail_addresses (subject_id, address) SELECT id, 'soak@example.org' FROM subject
)
INSERT INTO mails (subject_id, kind) SELECT id, 'confirmation' FROM subject RETURNING id
"""
_LEFT: Final = """
SELECT (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'),
    (SELECT count(*) FROM mails WHERE state = 'pending'),
    (SELECT count(*) FROM saved_search_matches WHERE told_at IS NULL),
    (SELECT count(*) FROM outbox_consumers
        WHERE position < (SELECT coalesce(max(position), 0) FROM outbox)),
    (SELECT coalesce(max(position), 0) FROM outbox)
"""


class Alerting:
    """Webhooks, a saved search, and a mail each second."""

    def __init__(self, service: Service, workers: JobWorkers, receivers: Receivers) -> None:
        self._service = service
        self._workers = workers
        self._receivers = receivers
        self._webhooks: dict[str, uuid.UUID] = {}
        self._first_position = 0
        self._mails: list[int] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_mails, name="mails")
        self._drained_seconds: float | None = None

    def start(self) -> None:
        """Let the workers follow what is there, then add what is delivered from now on."""
        self._workers.start()
        until(self._has_begun, seconds=DRAIN_SECONDS)
        self.drain()
        with self._service.connect() as connection:
            self._first_position = _left(connection)[-1]
            for hook in self._receivers.hooks:
                self._webhooks[hook.name] = self._add_webhook(connection, hook)
        self._add_saved_search()
        self._thread.start()

    def stop(self) -> None:
        """End the mails, and wait until everything is delivered."""
        self._stopping.set()
        self._thread.join()
        began = time.monotonic()
        if self.drain():
            self._drained_seconds = time.monotonic() - began

    def _has_begun(self) -> bool:
        """Whether the workers have found the awards that were imported before."""
        with self._service.connect() as connection:
            return _left(connection)[-1] > 0

    def drain(self) -> bool:
        """Wait until nothing is left to deliver. False if it takes too long."""
        end = time.monotonic() + DRAIN_SECONDS
        quiet_since, last = time.monotonic(), -1
        while time.monotonic() < end:
            self._workers.observe()
            with suppress(psycopg.Error), self._service.connect() as connection:
                *left, position = _left(connection)
                if any(left) or position != last:
                    quiet_since, last = time.monotonic(), position
            if time.monotonic() - quiet_since > QUIET_SECONDS:
                return True
            time.sleep(0.5)
        return False

    def _add_webhook(self, connection: "psycopg.Connection[Any]", hook: Hook) -> uuid.UUID:
        webhook_id = uuid.uuid4()
        query = "SELECT id FROM accounts WHERE username = %s"
        [owner_id] = connection.execute(query, [self._service.admin]).fetchone() or [None]
        events = [*EVENTS, MATCHED]
        connection.execute(_WEBHOOK, [webhook_id, owner_id, hook.receiver.url, events])
        connection.execute(_SECRET, [webhook_id, new_secret()])
        return webhook_id

    def _add_saved_search(self) -> None:
        api = f"{self._service.server.url}/api/v1"
        credentials = {"username": self._service.student, "password": self._service.password}
        answer = httpx.post(f"{api}/auth/login-simple", json=credentials).raise_for_status()
        search = {
            "name": "Soak",
            "query": {"q": WORDS},
            "notify": {"channel": "webhook", "frequency": "immediate"},
        }
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        httpx.post(f"{api}/me/saved-searches", json=search, headers=headers).raise_for_status()

    def _send_mails(self) -> None:
        while not self._stopping.wait(MAIL_EVERY_SECONDS):
            self._workers.observe()
            with suppress(psycopg.Error), self._service.connect() as connection:
                row = connection.execute(_MAIL, {"id": uuid.uuid4()}).fetchone()
                assert row
                self._mails.append(row[0])

    # --- Findings ---------------------------------------------------------------------------------

    def findings(self, ledger: Ledger, *, faults: int) -> Iterator[Finding]:
        took = self._drained_seconds
        with self._service.connect() as connection:
            detail = str(_left(connection)) if took is None else f"{took:.0f} s"
            yield Finding("the backlog of alerts drains", took is not None, detail)
            for hook in self._receivers.hooks:
                yield from self._hook_findings(connection, hook, faults=faults)
            yield self._matches_finding(connection, ledger)
            yield self._mail_finding(connection, faults=faults)
        yield from self._worker_findings()

    def _hook_findings(
        self, connection: "psycopg.Connection[Any]", hook: Hook, *, faults: int
    ) -> Iterator[Finding]:
        rows = connection.execute(
            "SELECT id, key, subject, event, state FROM webhook_deliveries WHERE webhook_id = %s",
            [self._webhooks[hook.name]],
        ).fetchall()
        [events] = connection.execute(
            "SELECT count(*) FROM outbox WHERE position > %s AND event = ANY (%s)",
            [self._first_position, list(EVENTS)],
        ).fetchone() or [0]
        messages = sum(event != MATCHED for _, _, _, event, _ in rows)
        accepted = Counter(hook.accepted)
        missing = [key for _, key, _, _, _ in rows if key not in accepted]
        undelivered = Counter(state for *_, state in rows if state != "delivered")
        yield Finding(
            f"every event reaches {hook.name}",
            messages == events and not missing and not undelivered,
            f"{events} events, {len(rows)} messages, {len(missing)} missing, {dict(undelivered)}",
        )
        unknown = accepted.keys() - {key for _, key, _, _, _ in rows}
        repeats = accepted.total() - len(accepted)
        yield Finding(
            f"{hook.name} can tell every repeat",
            not unknown and repeats <= REPEATS_OF_A_FAULT * faults,
            f"{repeats} repeated with the same id, {len(unknown)} unknown ids",
        )
        place = {key: number for number, key in reversed(list(enumerate(hook.accepted)))}
        last: dict[str, int] = {}
        disordered = 0
        for _, key, subject, _, _ in sorted(rows):
            if key in place:
                disordered += place[key] < last.get(subject, -1)
                last[subject] = max(place[key], last.get(subject, -1))
        yield Finding(f"{hook.name} gets events in order", not disordered, f"{disordered} late")

    def _matches_finding(self, connection: "psycopg.Connection[Any]", ledger: Ledger) -> Finding:
        expected = {kept.id for kept in ledger.created.values() if kept.status == "published"}
        wrong = 0
        for webhook_id in self._webhooks.values():
            rows = connection.execute(
                "SELECT jsonb_array_elements_text(data -> 'scholarship_ids')"
                " FROM webhook_deliveries WHERE webhook_id = %s AND event = %s",
                [webhook_id, MATCHED],
            ).fetchall()
            told = Counter(row[0] for row in rows)
            wrong += len(expected - told.keys()) + (told.total() - len(told))
        detail = f"{len(expected)} awards, {wrong} not told once"
        return Finding("a new result is told once", not wrong, detail)

    def _mail_finding(self, connection: "psycopg.Connection[Any]", *, faults: int) -> Finding:
        states = dict(
            connection.execute("SELECT state, count(*) FROM mails GROUP BY state").fetchall()
        )
        taken = Counter(self._receivers.mailbox.taken)
        missing = [
            each for each in self._mails if not any(f"-{each}@" in taken_id for taken_id in taken)
        ]
        repeats = taken.total() - len(taken)
        return Finding(
            "every mail arrives",
            not missing and set(states) <= {"sent"} and repeats <= REPEATS_OF_A_FAULT * faults,
            f"{len(self._mails)} mails, {len(missing)} missing, {repeats} repeated, {states}",
        )

    def _worker_findings(self) -> Iterator[Finding]:
        sizes = self._workers.proportional_sizes()
        slopes = [
            slope
            for life in self._workers.lives.values()
            if (slope := growth(life, warm_seconds=WARM_SECONDS)) is not None
        ]
        middle = sorted(slopes)[len(slopes) // 2] if slopes else 0.0
        yield Finding(
            "no job worker grows",
            middle <= GROWTH_MIB_PER_MINUTE,
            f"{middle:+.1f} MiB/min in the middle of {len(slopes)} workers;"
            f" PSS {', '.join(f'{size:.0f}' for size in sizes)} MB; {self._workers.killed} killed",
        )
        codes = self._workers.stop()
        yield Finding("the job workers end in order", not any(codes), f"exit {codes}")


def _left(connection: "psycopg.Connection[Any]") -> tuple[int, ...]:
    row = connection.execute(_LEFT).fetchone()
    assert row
    return tuple(row)
