"""The service with production's settings, and its own PostgreSQL and Valkey."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from scholarship_api.platform.database import migrations
from tests.deploy.dependencies import Postgres, Valkey
from tests.deploy.gunicorn_server import (
    PRODUCTION,
    REPOSITORY,
    RunningServer,
    environment,
    running_server,
)

APPLICATION: Final = "soak.small_caches:create_app()"
SERVING_ROLE: Final = "scholarship_api"
WORKER_ROLE: Final = "scholarship_worker"
"""The job workers' own, so that the connections of the API can be counted."""

CATALOGUE: Final = REPOSITORY / "scholarship_api" / "sample_data" / "catalogue.ndjson"
UNREACHED_LIMIT: Final = "1000000/minute"
"""A rate limit that is counted and never reached."""

# The serving role is not a superuser, so it gets none of the connections that PostgreSQL reserves.
_ROLE: Final = """
CREATE ROLE {role} LOGIN;
GRANT CONNECT, TEMPORARY ON DATABASE scholarships TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
"""


@dataclass
class Service:
    server: RunningServer
    postgres: Postgres
    valkey: Valkey
    workers: int
    metrics_token: str
    admin: str
    student: str
    """Account names."""
    password: str
    settings: dict[str, str]

    @property
    def worker_database_url(self) -> str:
        url = make_url(self.postgres.url).set(username=WORKER_ROLE)
        return url.render_as_string(hide_password=False)

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of the superuser, for whom the last connections are reserved."""
        return connect(self.postgres.url)


def connect(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True, connect_timeout=5)


@contextmanager
def running_service(folder: Path, *, workers: int, max_requests: int) -> Iterator[Service]:
    """Start the service. Use it in a thread that outlives the block: the servers end with it."""
    with ExitStack() as stack:
        # Durable, because acknowledged writes have to survive a crash of the server.
        postgres = Postgres(folder, durable=True)
        stack.callback(postgres.close)
        valkey = Valkey(folder)
        stack.callback(valkey.close)
        migrations.upgrade(postgres.url)
        with connect(postgres.url) as connection:
            for role in (SERVING_ROLE, WORKER_ROLE):
                connection.execute(_ROLE.format(role=role).encode())
        settings = _settings(postgres, valkey, workers=workers, max_requests=max_requests)
        owner = settings | {"DATABASE_URL": postgres.url}
        _command("import", str(CATALOGUE), settings=owner)
        password = secrets.token_urlsafe(16)
        for name, role in (("soak-admin", "admin"), ("soak-student", "student")):
            create = ("users", "create", name, "--role", role, "--password-stdin")
            _command(*create, settings=owner, stdin=password)
        server = stack.enter_context(
            running_server(settings, application=APPLICATION, ready_path="/readyz")
        )
        yield Service(
            server,
            postgres,
            valkey,
            workers,
            settings["METRICS_TOKEN"],
            "soak-admin",
            "soak-student",
            password,
            settings,
        )


def _settings(
    postgres: Postgres, valkey: Valkey, *, workers: int, max_requests: int
) -> dict[str, str]:
    serving = make_url(postgres.url).set(username=SERVING_ROLE)
    return PRODUCTION | {
        "DATABASE_URL": serving.render_as_string(hide_password=False),
        "DATABASE_MIGRATION_URL": postgres.url,
        "RATE_LIMIT_BACKEND_URL": valkey.url,
        "METRICS_TOKEN": secrets.token_hex(24),
        "WEB_CONCURRENCY": str(workers),
        "MAX_REQUESTS": str(max_requests),
        "MAX_REQUESTS_JITTER": str(max_requests // 5),
        "ACCESS_TOKEN_EXPIRE_MINUTES": "600",
        "RATE_LIMIT_PER_MINUTE": "1000000",
        **{
            f"RATE_LIMIT_{group}": UNREACHED_LIMIT
            for group in (
                *("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS"),
                *("LOGIN_ACCOUNT", "LOGIN_ADDRESS"),
            )
        },
    }


def _command(*arguments: str, settings: dict[str, str], stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=REPOSITORY,
        env=environment(settings, port=8000),
        input=stdin,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
