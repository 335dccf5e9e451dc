"""A PostgreSQL and a Valkey for one test, which can stop, freeze and come back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from scholarship_api.devserver.embedded import embedded_postgres, embedded_valkey
from tests.faults import frozen, postmaster_pid


class Postgres:
    """Without fsync: a fast shutdown writes everything; only a crash of the machine loses data."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.data_dir = folder / "postgres"
        self._durable = durable
        self._running = ExitStack()
        self.url = self._start()

    def _start(self) -> str:
        return self._running.enter_context(embedded_postgres(self.data_dir, durable=self._durable))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Shut down and start again on the same socket."""
        self._running.close()
        try:
            yield
        finally:
            self._start()

    @contextmanager
    def stopped_for_a_moment(self) -> Iterator[None]:
        with frozen(postmaster_pid(self.data_dir)):
            yield

    def close(self) -> None:
        self._running.close()


class Valkey:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "valkey"
        self._running = ExitStack()
        self.url = self._running.enter_context(embedded_valkey(self._folder))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop and start again at the same address, without data."""
        self._running.close()
        try:
            yield
        finally:
            self._running.enter_context(embedded_valkey(self._folder, again=self.url))

    @contextmanager
    def stopped_for_a_moment(self) -> Iterator[None]:
        with redis.Redis.from_url(self.url) as client:
            info: Any = client.info("server")
        with frozen(int(info["process_id"])):
            yield

    def close(self) -> None:
        self._running.close()
