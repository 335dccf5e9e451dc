"""The present and an earlier revision of the application, with one PostgreSQL and one Redis."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.catalogues import Catalogue, catalogue
from benchmarks.revisions import checkout
from benchmarks.servers import Server, api, postgres_pid, redis_pid, valkey

OURS: Final = "now"
BEFORE: Final = "before"


@dataclass(frozen=True, slots=True)
class Stack:
    """Servers that share one PostgreSQL with its memory, and one Redis."""

    awards: Catalogue
    servers: dict[str, Server]
    """The application by revision: OURS and BEFORE."""
    postgres: int
    """Process id of the postmaster."""
    redis: int
    """Process id of the Redis server."""

    @property
    def others(self) -> tuple[int, int]:
        """The servers whose CPU counts besides that of the application."""
        return self.postgres, self.redis


@contextmanager
def stack(rows: int, *, workers: int = 1, before: bool = True) -> Iterator[Stack]:
    """The application over a catalogue, with the Redis limiter; with `before` both revisions.

    The earlier revision works on the present schema, because migrations only expand.
    """
    with ExitStack() as stacked:
        revision = checkout() if before else None
        awards = stacked.enter_context(catalogue(rows))
        redis_url = stacked.enter_context(valkey())
        servers = {
            OURS: stacked.enter_context(api(awards.url, redis_url=redis_url, workers=workers))
        }
        if revision is not None:
            servers[BEFORE] = stacked.enter_context(
                api(awards.url, redis_url=redis_url, workers=workers, revision=revision)
            )
        yield Stack(awards, servers, postgres_pid(awards.conninfo), redis_pid(redis_url))
