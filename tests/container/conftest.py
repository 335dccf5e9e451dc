"""Fixtures for tests of the image and its compose stack: `make test-container`.

| Variable | Meaning |
|---|---|
| POSTGRES_IMAGE, REDIS_IMAGE | Replace the images that docker-compose.yml pins |
| EXPERIMENTAL_BUILDKIT_SOURCE_POLICY | A variable of BuildKit: the source of base images |
| BUILD_CA_FILE | Certificates to trust during the build, behind a proxy that ends TLS |
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.engine import CANARY, Checkout, docker, new_checkout, why_no_engine


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Skip these tests in `make test`, because they take minutes."""
    if "CONTAINER_TESTS" not in os.environ and collection_path.name.startswith("test_"):
        return True
    return None


@pytest.fixture(scope="session")
def engine() -> None:
    if reason := why_no_engine():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def checkouts(engine: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Checkout]:
    """Two copies of the working tree, made at the same moment.

    The first one also contains secrets that must not get into the image.
    """
    first = new_checkout(tmp_path_factory.mktemp("one") / "checkout")
    second = new_checkout(tmp_path_factory.mktemp("two") / "a" / "longer" / "way")
    for place in (".env", "scholarship_api/.env", "deploy/compose/secrets/jwt_secret_key"):
        path = first.path / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(CANARY)
    return first, second


@pytest.fixture(scope="session")
def image(checkouts: tuple[Checkout, Checkout]) -> Iterator[str]:
    """The id of the image, built without the cache."""
    tag = f"scholarship-api-test:{uuid.uuid4().hex[:12]}"
    checkouts[0].make("image", IMAGE=tag, ARGS="--no-cache")
    try:
        yield docker("image", "inspect", "--format", "{{.Id}}", tag)
    finally:
        docker("image", "rm", "--force", tag)
