"""`ACCEPTANCE_BASE_URL=https://api.example.org pytest tests/acceptance`; see deployment.py."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance import deployment

FOLDER = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    if config.rootpath == FOLDER and not deployment.variable("BASE_URL"):
        raise pytest.UsageError("ACCEPTANCE_BASE_URL has to name the deployment to be tested")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip these tests in other runs, which have no deployment."""
    if config.rootpath != FOLDER and collection_path.name.startswith("test_"):
        return True
    return None


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with deployment.new_client() as client:
        yield client


@pytest.fixture
def admin(client: httpx.Client) -> httpx.Client:
    """A client that is logged in as ACCEPTANCE_USERNAME."""
    credentials = {
        "username": deployment.required("USERNAME"),
        "password": deployment.read_password(),
    }
    answer = client.post("/api/v1/auth/login-simple", json=credentials)
    assert answer.status_code == httpx.codes.OK, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client
