"""The state of PostgreSQL that a read model has reached."""

from typing import NamedTuple


class Position(NamedTuple):
    """Everything that the transactions of `snapshot` have written has been read."""

    state: bytes
    """PostgreSQL's name for the state of the catalogue, see `versions`."""
    snapshot: bytes
    """A pg_snapshot."""
    history: bytes
    """The cluster, its timeline and the database; see `statements`."""

    @property
    def next_transaction(self) -> int:
        return int(self.snapshot.split(b":")[1])
