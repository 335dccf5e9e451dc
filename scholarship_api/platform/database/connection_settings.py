"""The parameters that every connection to PostgreSQL is opened with."""

from collections.abc import Mapping
from typing import Any, Final

from scholarship_api.platform.database.connection import CONNECT_SECONDS
from scholarship_api.settings.database_url import read_database_url

SESSION_TIMEOUTS: Final = {
    "statement_timeout": "6s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
}
"""The server's own limits. They are shorter than the client's deadlines, so that as a rule the
server ends the work, and the connection can be used again."""

PLANNER_SETTINGS: Final = {
    "random_page_cost": "1.1",  # as disks are now; the rows are wide, their indexes are not
    "jit": "off",  # compiling takes longer than any statement of ours gains by it
    "work_mem": "16MB",  # a bitmap of a common word, row by row
    "plan_cache_mode": "force_custom_plan",  # the plan of a rare word is bad for a common one
}

_DEFAULTS: Final[Mapping[str, Any]] = {
    "connect_timeout": int(CONNECT_SECONDS),
    "keepalives_idle": 30,  # seconds
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # milliseconds
}
"""libpq's parameters where the URL does not give them."""


def connection_arguments(
    database_url: str, *, application_name: str = "scholarship-api"
) -> dict[str, Any]:
    """The arguments of psycopg's `connect` for a URL. Raises ValueError for an unusable URL."""
    return {
        **_DEFAULTS,
        "application_name": application_name,
        **read_database_url(database_url, for_writes=False),
        "client_encoding": "UTF8",
    }


def replica_arguments(database_url: str, *, pgbouncer: bool) -> list[dict[str, Any]]:
    """The arguments for each of the hosts that a URL of read replicas names."""
    arguments = serving_arguments(database_url, pgbouncer=pgbouncer)
    arguments.pop("target_session_attrs", None)
    lists = {
        name: str(arguments[name]).split(",")
        for name in ("host", "hostaddr", "port")
        if name in arguments
    }
    hosts = max((len(entries) for entries in lists.values()), default=1)
    return [
        arguments
        | {
            # One port may stand for all hosts.
            name: entries[number] if len(entries) > 1 else entries[0]
            for name, entries in lists.items()
        }
        for number in range(hosts)
    ]


def serving_arguments(database_url: str, *, pgbouncer: bool) -> dict[str, Any]:
    """The arguments of every connection that serves requests, those of the probes included."""
    arguments = connection_arguments(database_url)
    if pgbouncer:
        # In transaction mode the next statement may meet another server connection, on which
        # nothing is prepared; and PgBouncer refuses `options` at the start of a connection.
        return {**arguments, "prepare_threshold": None}
    settings = SESSION_TIMEOUTS | PLANNER_SETTINGS
    # The URL's options come first, so that ours win.
    options = [arguments.get("options", ""), *(f"-c {k}={v}" for k, v in settings.items())]
    return {**arguments, "options": " ".join(filter(None, options))}
