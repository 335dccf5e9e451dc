"""A token that one worker has revoked is refused by all of them."""

import os
import subprocess
import sys

import httpx
import pytest

from tests.deploy.gunicorn_server import environment, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

PASSWORD = "correct horse battery staple"


def test_a_revoked_token_is_refused_by_every_worker(production: dict[str, str]) -> None:
    name = f"leaver-{os.getpid()}"
    subprocess.run(
        [
            *(sys.executable, "-m", "scholarship_api", "users", "create", name),
            *("--role", "student", "--password-stdin"),
        ],
        env=environment(production, port=8000),
        input=PASSWORD,
        text=True,
        check=True,
        timeout=60,
    )
    with running_server(production) as server:
        api = f"{server.url}/api/v1/auth"
        login = httpx.post(f"{api}/login-simple", json={"username": name, "password": PASSWORD})
        bearer = {"Authorization": f"Bearer {login.raise_for_status().json()['access_token']}"}
        assert {httpx.get(f"{api}/me", headers=bearer).status_code for _ in range(20)} == {200}
        assert httpx.post(f"{api}/logout", headers=bearer).status_code == 204
        # Each on a connection of its own, so that both workers are asked.
        assert {httpx.get(f"{api}/me", headers=bearer).status_code for _ in range(40)} == {401}
