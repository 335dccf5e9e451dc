"""All users of the load, in a thread with its own event loop."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from soak.deadlines import Midnights
from soak.reading import Searcher, Student, Visitor
from soak.recording import Recording
from soak.service import Service
from soak.user import User, repeat
from soak.writing import Importer, Ledger, Saver, Writer

SEARCHERS: Final = 6
STUDENTS: Final = 2
WRITERS: Final = 4
MIDNIGHTS: Final = 2
LAST_SECONDS: Final = 60.0
"""Time for the users to finish their last steps when the load stops."""

READINESS: Final = "readiness"
LIVENESS: Final = "liveness"

Step = Callable[[], Awaitable[None]]


class Load:
    def __init__(self, service: Service, recording: Recording, *, seed: int) -> None:
        self._service = service
        self._recording = recording
        self._rng = random.Random(seed)  # noqa: S311 - repeatable
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._users: list[User] = []
        self._failure: BaseException | None = None
        self.ledger = Ledger()
        self.midnights: list[Midnights] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the users finish. Raises the error that ended the load early, if there was one."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(LAST_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(f"a user was not done after {LAST_SECONDS:.0f} s")
        if self._failure is not None:
            raise self._failure

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._all())
        except BaseException as error:  # noqa: BLE001 - raised by the thread that calls stop
            self._failure = error
        finally:
            self._loop.close()

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for step, pause_seconds in self._steps():
                rng = random.Random(self._rng.random())  # noqa: S311 - repeatable
                group.create_task(
                    repeat(step, stopping=self._stopping, pause_seconds=pause_seconds, rng=rng)
                )
        for user in self._users:
            user.close()

    def _steps(self) -> list[tuple[Step, float]]:
        """The step of each user, and the approximate pause after it in seconds."""
        service, recording, ledger = self._service, self._recording, self.ledger
        admin, _ = self._log_in(service.admin)
        student, student_id = self._log_in(service.student)
        awards = self._awards()
        self.midnights = [
            Midnights(self._user("deadlines", admin), recording, self._new_rng())
            for _ in range(MIDNIGHTS)
        ]
        saver = Saver(
            self._user("interactions", student), ledger, self._new_rng(), awards, student_id
        )
        visitor = Visitor(
            self._user("logins"),
            recording,
            self._new_rng(),
            name=service.student,
            password=service.password,
        )
        return [
            *(
                (Searcher(self._user("searches"), self._new_rng()).step, 0.1)
                for _ in range(SEARCHERS)
            ),
            *(
                (Student(self._user("eligibility"), self._new_rng(), awards).step, 0.2)
                for _ in range(STUDENTS)
            ),
            *(
                (Writer(self._user("writes", admin), recording, ledger, self._new_rng()).step, 0.2)
                for _ in range(WRITERS)
            ),
            (Importer(self._user("imports", admin), recording, ledger, self._new_rng()).step, 1.0),
            (saver.step, 0.3),
            (visitor.step, 0.5),
            *((midnights.step, 2.0) for midnights in self.midnights),
            (self._probe(READINESS, "/readyz"), 0.25),
            (self._probe(LIVENESS, "/healthz"), 0.25),
        ]

    def _new_rng(self) -> random.Random:
        return random.Random(self._rng.random())  # noqa: S311 - repeatable

    def _user(self, kind: str, token: str = "") -> User:
        user = User(self._recording, port=self._service.server.port, kind=kind, token=token)
        self._users.append(user)
        return user

    def _probe(self, kind: str, path: str) -> Step:
        user = self._user(kind)

        async def step() -> None:
            user.close()  # a new connection each time, like the kubelet: any worker may answer
            await user.ask("GET", path)

        return step

    def _log_in(self, name: str) -> tuple[str, str]:
        """A token, and the id of the account."""
        credentials = {"username": name, "password": self._service.password}
        api = f"{self._service.server.url}/api/v1/auth"
        answer = httpx.post(f"{api}/login-simple", json=credentials).raise_for_status().json()
        token: str = answer["access_token"]
        me = httpx.get(f"{api}/me", headers={"Authorization": f"Bearer {token}"})
        return token, me.raise_for_status().json()["id"]

    def _awards(self) -> list[str]:
        answer = httpx.get(f"{self._service.server.url}/api/v1/search?limit=100")
        return [item["id"] for item in answer.raise_for_status().json()["items"]]


def wait(seconds: float, load: Load) -> None:
    """Wait while the load runs. Raises when the load ends early."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not load.is_running:
            load.stop()
        time.sleep(min(0.2, left))
