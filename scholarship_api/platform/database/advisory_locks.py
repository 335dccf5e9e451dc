"""The PostgreSQL advisory locks that this service takes, with their keys.

All advisory locks of a database share one space of keys: two jobs with the same key exclude each
other, and one of them is silently skipped. Therefore every key stands in this enumeration, and
every statement that takes such a lock is made here.
"""

import enum


@enum.unique
class AdvisoryLock(enum.IntEnum):
    """A job that only one session of the database may do at a time, and the key of its lock.

    The values are arbitrary 64-bit numbers. They never change: while replicas are replaced, old
    and new ones must exclude each other.
    """

    SCHEMA_MIGRATION = 7_203_114_001
    RETENTION = 7_203_114_002
    STATISTICS_REFRESH = 7_203_114_003

    @property
    def try_for_session(self) -> str:
        """The statement that takes the lock until the session ends; false: another one has it."""
        return f"SELECT pg_try_advisory_lock({self.value})"

    @property
    def try_for_transaction(self) -> str:
        """The statement that takes the lock until the transaction ends; false: another one has it.

        Locks of a session do not work behind a pooler such as PgBouncer, which gives each
        transaction another session; locks of a transaction do.
        """
        return f"SELECT pg_try_advisory_xact_lock({self.value})"
