"""Fixtures for tests of whole servers; `running_server` is in gunicorn_server.py."""

import pytest

from tests.deploy.gunicorn_server import PRODUCTION


@pytest.fixture
def production(database_url: str, redis_url: str) -> dict[str, str]:
    """Settings of a production server on this test worker's PostgreSQL and Valkey."""
    return {
        **PRODUCTION,
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "WEB_CONCURRENCY": "2",
    }
