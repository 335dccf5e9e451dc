"""What every connection to PostgreSQL is opened with."""

from typing import Any, Final

from scholarship_api.platform.database.connection import CONNECT_SECONDS

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
}

CONNECTION_ARGUMENTS: Final[dict[str, Any]] = {
    "connect_timeout": int(CONNECT_SECONDS),
    "application_name": "scholarship-api",
    "client_encoding": "UTF8",
    "keepalives_idle": 30,  # seconds
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # milliseconds
}


def session_options(given: str = "") -> str:
    """libpq's `options`: the ones of DATABASE_URL first, so that ours win."""
    settings = SESSION_TIMEOUTS | PLANNER_SETTINGS
    return " ".join([*([given] if given else ()), *(f"-c {k}={v}" for k, v in settings.items())])
