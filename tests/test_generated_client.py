"""openapi-python-client makes a client from the document, and the client works."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import anyio.to_thread
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.settings.settings import Settings
from tests.exchange.serving import served

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.server]

ROOT: Final = Path(__file__).parents[1]
CONFIGURATION: Final = ROOT / "docs" / "openapi-python-client.yaml"
TOUR: Final = Path(__file__).parent / "generated_client_tour.py"


def run(*arguments: str | Path, path: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def app(module_database_url: str) -> FastAPI:
    load_bundled(module_database_url)
    return create_app(
        Settings(
            environment="test",
            database_url=SecretStr(module_database_url),
            rate_limit_enabled=False,
        )
    )


@pytest.fixture(scope="module")
def client_folder(app: FastAPI, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated client. The generator has no warning about the document."""
    folder = tmp_path_factory.mktemp("generated")
    file = folder / "openapi.json"
    file.write_text(json.dumps(app.openapi()), encoding="utf-8")
    output = folder / "client"
    made = run(
        "-m",
        "openapi_python_client",
        "generate",
        "--config",
        CONFIGURATION,
        "--path",
        file,
        "--output-path",
        output,
        "--meta",
        "none",
    )
    assert made.returncode == 0, made.stdout
    assert "warning" not in made.stdout.lower(), made.stdout
    output.rename(folder / "scholarship_client")
    return folder


@pytest.fixture(scope="module")
async def base_url(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


async def test_the_generated_client_runs_the_tour(client_folder: Path, base_url: str) -> None:
    done = await anyio.to_thread.run_sync(lambda: run(TOUR, base_url, path=str(client_folder)))
    assert done.returncode == 0, done.stdout
    assert done.stdout.split() == ["search", "lists", "eligibility", "opportunities", "errors"]
