"""Every answer is what SQL says at one state of the catalogue, and none is older than one before.

One writer changes awards one by one and asks SQL the same questions in each of its transactions.
Meanwhile an import runs, workers are killed, recycled and reloaded, and deadlines pass. Afterwards
each answer has to equal SQL's at a state between the last commit before the request and the last
one before the answer, and, on one connection, at no earlier state than the answer before.
"""

import asyncio
import bisect
import datetime as dt
import http.client
import io
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, NamedTuple

import psycopg
import pytest

from scholarship_api.catalogue.bulk.importer import import_stream
from tests.deploy.gunicorn_server import RunningServer, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

WORKERS: Final = 4
READERS: Final = 8
AWARDS: Final = 200
ANSWERS_PER_WRITE: Final = 100
MIN_WRITES: Final = 30

_CALIFORNIANS: Final = "(residency_states = '{}' OR 'CA' = ANY (residency_states))"
_NEW_YORKERS: Final = "(residency_states = '{}' OR 'NY' = ANY (residency_states))"
QUESTIONS: Final = {
    "states=CA&include_closed=true": _CALIFORNIANS,
    "states=NY&scholarship_types=need_based": f"{_NEW_YORKERS} AND scholarship_type = 'need_based'",
    "fields_of_study=nursing": "(fields_of_study = '{}' OR 'nursing' = ANY (fields_of_study))",
    "min_amount=2000&include_closed=true": "amount >= 2000",
    "q=quokka": "name LIKE '%quokka%'",
    "q=zebra&states=NY&include_closed=true": f"name LIKE '%zebra%' AND {_NEW_YORKERS}",
}
"""By the query string, the same in SQL; imported awards suit none."""

IMPORTED: Final = "states=WY&fields_of_study=law&min_amount=1&max_amount=1"
"""The query for the imported awards alone."""

_INSERT: Final = """
    INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,
        application_deadline, deadline_date, amount_min, amount_max, currency, residency_states,
        fields_of_study, status)
    VALUES (%(id)s, %(name)s, 'Trust', %(type)s, 'fixed', %(deadline)s,
        (%(deadline)s AT TIME ZONE 'UTC')::date, %(amount)s, %(amount)s, 'USD', %(states)s,
        %(fields)s, %(status)s)
    ON CONFLICT (id) DO UPDATE SET (name, scholarship_type, application_deadline, deadline_date,
        amount_min, amount_max, residency_states, fields_of_study, status, version) = ROW (
        excluded.name, excluded.scholarship_type, excluded.application_deadline,
        excluded.deadline_date, excluded.amount_min, excluded.amount_max,
        excluded.residency_states, excluded.fields_of_study, excluded.status,
        scholarships.version + 1)
"""


class State(NamedTuple):
    """The catalogue after a commit."""

    commit_began: float
    commit_ended: float
    found: dict[str, list[tuple[float, str]]]
    """By question, the published awards in the order of their deadlines, open or not."""


class Answer(NamedTuple):
    connection: object
    sent: float
    received: float
    question: str
    total: int
    ids: list[str]


class Writer:
    """Changes awards one by one, and remembers each state."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self._rng = random.Random(11)  # noqa: S311 - test data
        self.states: list[State] = []

    def seed(self) -> None:
        with self._connection.transaction():
            for number in range(AWARDS):
                self._connection.execute(_INSERT, self._award(number))
            found = self._ask()
        self.states.append(State(time.time(), time.time(), found))

    def write(self) -> None:
        with self._connection.transaction():
            if self._rng.random() < 0.15:
                self._connection.execute(
                    "DELETE FROM scholarships WHERE id = %s", [self._id(self._number())]
                )
            else:
                self._connection.execute(_INSERT, self._award(self._number()))
            found = self._ask()
            began = time.time()
        self.states.append(State(began, time.time(), found))

    def _number(self) -> int:
        return self._rng.randrange(AWARDS)

    def _id(self, number: int) -> str:
        return f"award-{number:03d}"

    def _award(self, number: int) -> dict[str, Any]:
        rng = self._rng
        closes_in = rng.choice([rng.uniform(-5, 60), 86_400 * rng.randrange(1, 60)])
        return {
            "id": self._id(number),
            "name": f"{rng.choice(['quokka', 'zebra', 'ibis'])} award",
            "type": rng.choice(["merit_based", "need_based"]),
            "deadline": dt.datetime.fromtimestamp(time.time() + closes_in, dt.UTC),
            "amount": rng.choice([500, 2000, 5000]),
            "states": rng.choice([[], ["CA"], ["NY"], ["CA", "NY"]]),
            "fields": rng.choice([[], ["nursing"], ["arts"]]),
            "status": rng.choice(["published"] * 4 + ["draft", "archived"]),
        }

    def _ask(self) -> dict[str, list[tuple[float, str]]]:
        found = {}
        for question, condition in QUESTIONS.items():
            rows = self._connection.execute(
                "SELECT extract(epoch FROM closes_at)::float8, id FROM scholarships"
                f" WHERE id LIKE 'award-%' AND status = 'published' AND {condition}"
                " ORDER BY closes_at, id"
            )
            found[question] = rows.fetchall()
        return found

    def close(self) -> None:
        self._connection.close()


def read(server: RunningServer, stop: threading.Event, seed: int, answers: list[Answer]) -> None:
    """Ask on one connection until it breaks, and then on another one."""
    rng = random.Random(seed)  # noqa: S311
    questions = [*QUESTIONS, IMPORTED]
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        with suppress(OSError, http.client.HTTPException):
            while not stop.is_set():
                question = rng.choice(questions)
                sent = time.time()
                connection.request("GET", f"/api/v1/search?{question}&sort=deadline&limit=100")
                response = connection.getresponse()
                body = json.loads(response.read())
                received = time.time()
                if response.status == 503:
                    continue  # a machine that is too busy for the deadline; no answer is wrong
                assert response.status == 200, body
                assert body["total_is_exact"]
                ids = [item["id"] for item in body["items"]]
                answers.append(Answer(connection, sent, received, question, body["total"], ids))
        connection.close()
        time.sleep(0.05)


def import_awards(url: str, count: int) -> None:
    """Import awards that none of the questions is about."""
    lines = (
        {
            "id": f"imported-{number}",
            "name": f"Wombat {number % 97} award",
            "organization": "Import Trust",
            "scholarship_type": "merit_based",
            "deadline_kind": "rolling",
            "amount": 1,
            "currency": "USD",
            "eligibility_criteria": {"residency_states": ["WY"], "fields_of_study": ["law"]},
        }
        for number in range(count)
    )
    source = io.BytesIO(b"\n".join(json.dumps(line).encode() for line in lines))

    async def run() -> None:
        connection = await psycopg.AsyncConnection.connect(
            url.replace("+psycopg", ""), autocommit=True
        )
        async with connection:
            report = await import_stream(source, connection)
        assert report.created == count, report

    asyncio.run(run())


def disturb(server: RunningServer, *, seconds: float) -> None:
    """Kill a worker, reload all, and kill another one."""
    for action in ("kill", "reload", "kill"):
        time.sleep(seconds / 4)
        if action == "reload":
            server.signal(signal.SIGHUP)
        else:
            with suppress(ProcessLookupError):
                os.kill(server.workers()[0], signal.SIGKILL)


def may_be(answer: Answer, state: State) -> bool:
    """Whether it is SQL's answer at this state, at any instant while the request was under way."""
    found = state.found[answer.question]
    instants = [answer.sent, answer.received]
    if "include_closed" in answer.question:
        instants = [0.0]
    else:
        instants += [at + 1e-5 for at, _ in found if answer.sent <= at <= answer.received]
    for now in instants:
        ids = [award_id for closes_at, award_id in found if closes_at >= now]
        if answer.total == len(ids) and answer.ids == ids[:100]:
            return True
    return False


def differences(answer: Answer, state: State) -> str:
    """For a message: the state, and where the answer is another one."""
    found = state.found[answer.question]
    ids = [award_id for closes_at, award_id in found if closes_at >= answer.sent]
    near = {each: at for at, each in found if each in {*ids} ^ {*answer.ids}}
    missing = [(each, near.get(each)) for each in ids if each not in answer.ids]
    further = [(each, near.get(each)) for each in answer.ids if each not in ids]
    return (
        f"committed from {state.commit_began} to {state.commit_ended}: {len(ids)} awards,"
        f" missing {missing}, further {further}"
    )


def assert_each_is_sqls(answers: Sequence[Answer], states: Sequence[State]) -> None:
    ended = [state.commit_ended for state in states]
    began = [state.commit_began for state in states]
    oldest: dict[object, int] = {}
    for answer in answers:
        first = bisect.bisect_right(ended, answer.sent) - 1
        last = bisect.bisect_right(began, answer.received) - 1
        first = max(first, oldest.get(answer.connection, 0))
        suited = (at for at in range(first, last + 1) if may_be(answer, states[at]))
        at = next(suited, None)
        assert at is not None, "\n".join(
            [
                f"{answer.question}: {answer.total}, from {answer.sent} to {answer.received}",
                *(differences(answer, states[at]) for at in range(first, last + 1)),
            ]
        )
        oldest[answer.connection] = at


def assert_imported_only_grow(answers: Sequence[Answer]) -> None:
    totals: dict[object, int] = {}
    for answer in answers:
        assert answer.total >= totals.get(answer.connection, 0)
        totals[answer.connection] = answer.total


@pytest.fixture(scope="module")
def server(module_database_url: str, redis_url: str) -> Iterator[RunningServer]:
    settings = {
        "DATABASE_URL": module_database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "RATE_LIMIT_SEARCH": "10000000/minute",
        "RATE_LIMIT_PER_MINUTE": "10000000",
        "WEB_CONCURRENCY": str(WORKERS),
        "MAX_REQUESTS": "400",
        "MAX_REQUESTS_JITTER": "100",
    }
    with running_server(settings) as server:
        yield server


@pytest.mark.parametrize(
    ("seconds", "imported"),
    [(10, 1_000), pytest.param(90, 20_000, marks=pytest.mark.slow)],
)
def test_each_answer_is_that_of_sql_at_one_state(
    seconds: float, imported: int, server: RunningServer, module_database_url: str
) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute("DELETE FROM scholarships")
    writer = Writer(module_database_url)
    writer.seed()
    stop = threading.Event()
    answers: list[list[Answer]] = [[] for _ in range(READERS)]
    with ThreadPoolExecutor(READERS + 2) as threads:
        readers = [
            threads.submit(read, server, stop, seed, of_reader)
            for seed, of_reader in enumerate(answers)
        ]
        others = [
            threads.submit(import_awards, module_database_url, imported),
            threads.submit(disturb, server, seconds=seconds),
        ]
        try:
            end = time.monotonic() + seconds
            while (
                time.monotonic() < end
                or len(writer.states) < MIN_WRITES
                or not all(each.done() for each in others)
            ):
                writer.write()
                wanted = sum(map(len, answers)) + ANSWERS_PER_WRITE
                while sum(map(len, answers)) < wanted and not any(map(Future.done, readers)):
                    time.sleep(0.01)
        finally:
            stop.set()
            writer.close()
        for each in others:
            each.result()
        for reader in readers:
            reader.result()
    assert all(answers)
    assert not server.log.named("read_model.rows_differ"), "writes must not starve the readers"
    for of_reader in answers:
        asked = [answer for answer in of_reader if answer.question != IMPORTED]
        assert_each_is_sqls(asked, writer.states)
        assert_imported_only_grow([answer for answer in of_reader if answer.question == IMPORTED])
    status, body = server.get(f"/api/v1/search?{IMPORTED}", timeout=60)
    assert (status, json.loads(body)["total"]) == (200, imported)
