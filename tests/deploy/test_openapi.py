"""The running service answers what its OpenAPI document says, and no generated request a 5xx."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from tests.deploy.gunicorn_server import running_server

PASSWORD: Final = "correct horse battery staple"
UNLIMITED: Final = "1000000/minute"
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def run(
    *command: str, environment: dict[str, str], stdin: str = "", folder: Path | None = None
) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
    return finished.stdout


def test_generated_requests_meet_no_5xx_and_no_undocumented_answer(
    production: dict[str, str], tmp_path: Path
) -> None:
    environment = production | {
        f"RATE_LIMIT_{group}": UNLIMITED
        for group in ("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS")
    }
    environment["RATE_LIMIT_PER_MINUTE"] = "1000000"
    name = f"fuzzer-{os.getpid()}"
    run(
        *("scholarship_api", "users", "create", name, "--role", "admin", "--password-stdin"),
        environment=environment,
        stdin=PASSWORD,
    )
    document = tmp_path / "openapi.json"
    document.write_text(run("scholarship_api", "openapi", environment={}))
    with running_server(environment) as server:
        login = httpx.post(
            f"{server.url}/api/v1/auth/login-simple",
            json={"username": name, "password": PASSWORD},
        ).raise_for_status()
        run(
            *("schemathesis.cli", "run", str(document), "--url", server.url),
            *("--header", f"Authorization: Bearer {login.json()['access_token']}"),
            *("--checks", ",".join(CHECKS), "--max-examples", "5", "--seed", "1"),
            *("--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"),
            # They end the session that the others need, or are counted per account.
            *("--exclude-path-regex", "/auth/(logout|me|login)"),
            environment={},
            folder=tmp_path,
        )
        assert not [line for line in server.log.lines() if line.get("status", 0) >= 500]
