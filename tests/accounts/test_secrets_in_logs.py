"""A real server at its most verbose log level writes no secret."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.accounts.conftest import PASSWORD, MakeAccount

pytestmark = pytest.mark.anyio

SECRET_KEY = "kX9f" + os.urandom(40).hex()
OTHER_PASSWORD = "tr0ub4dor&3 is not mine"


class Server:
    """The application under uvicorn at its most verbose log level; all output goes to `log`."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", "scholarship_api.app:create_app"),
                    *("--factory", "--port", str(port), "--log-level", "trace"),
                ],
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz").is_success:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> str:
        """End the server; its output."""
        self.process.terminate()
        self.process.wait(timeout=30)
        return self.log.read_text()


@pytest.fixture
def server(module_database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Server]:
    environment = {
        "ENVIRONMENT": "test",
        "DEBUG": "true",
        "LOG_FORMAT": "json",
        "DATABASE_URL": module_database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "RATE_LIMIT_LOGIN_ACCOUNT": "1000/minute",
        "RATE_LIMIT_LOGIN_ADDRESS": "1000/minute",
        "JWT_SECRET_KEY": SECRET_KEY,
    }
    server = Server(tmp_path / "log", environment)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.mark.slow
async def test_no_password_token_hash_or_key_is_logged(
    server: Server, make_account: MakeAccount
) -> None:
    account = await make_account(email="somebody@example.org")
    async with httpx.AsyncClient(base_url=server.url) as client:
        # The password where the name belongs is an everyday mistake.
        for name, password in (
            (account.username, OTHER_PASSWORD),
            (OTHER_PASSWORD, account.username),
        ):
            sent = {"username": name, "password": password}
            assert (await client.post("/api/v1/auth/login", data=sent)).status_code == 401
            assert (await client.post("/api/v1/auth/login-simple", json=sent)).status_code == 401
        broken = b'{"username": "u", "password": "' + OTHER_PASSWORD.encode() + b'"'
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/api/v1/auth/login-simple", content=broken, headers=headers)
        assert answer.status_code == 422
        right = {"username": account.username, "password": PASSWORD}
        answer = await client.post("/api/v1/auth/login", data=right)
        token = answer.json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/api/v1/auth/me", headers=bearer)).status_code == 200
        assert (await client.post("/api/v1/auth/logout", headers=bearer)).status_code == 204
        assert (await client.get("/api/v1/auth/me", headers=bearer)).status_code == 401
        answer = await client.get("/api/v1/auth/check", params={"access_token": token})
        assert answer.json() == {"authenticated": False}
    written = server.stop()
    assert "/api/v1/auth/logout" in written
    assert "login.refused" in written
    for secret in (PASSWORD, OTHER_PASSWORD, SECRET_KEY, account.password_hash, *token.split(".")):
        assert secret not in written
    for personal in (account.username, "somebody@example.org"):
        assert personal not in written
    assert not re.search(r"\$argon2|eyJ", written)
