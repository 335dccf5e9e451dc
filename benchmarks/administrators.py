"""Accounts of administrators, for measurements of writes."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.load import Connection
from benchmarks.servers import Server
from tests.deploy.gunicorn_server import environment


@contextmanager
def administrator(database_url: str) -> Iterator[tuple[str, str]]:
    """Name and password of an administrator's account that exists during the block."""
    name, password = f"benchmark-{os.getpid()}", secrets.token_urlsafe(24)
    command = [sys.executable, "-m", "scholarship_api", "users", "create", name]
    subprocess.run(
        [*command, "--role", "admin", "--password-stdin"],
        env=environment({"DATABASE_URL": database_url}, port=8000),
        input=password,
        text=True,
        check=True,
        capture_output=True,
    )
    try:
        yield name, password
    finally:
        conninfo = database_url.replace("+psycopg", "")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("DELETE FROM accounts WHERE username = %s", [name])


def token_of(server: Server, name: str, password: str) -> str:
    """An access token of the account."""
    with Connection(server.port) as connection:
        answer = connection.ask(
            "/api/v1/auth/login-simple",
            method="POST",
            headers={"Content-Type": "application/json"},
            body={"username": name, "password": password},
        )
    return str(json.loads(answer.body)["access_token"])
