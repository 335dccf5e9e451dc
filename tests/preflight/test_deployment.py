"""`scholarship-api check --base-url` on real servers, good and bad ones."""

import pytest

from scholarship_api.preflight import deployment
from tests.deploy.gunicorn_server import running_server

pytestmark = pytest.mark.server


@pytest.fixture
def servers(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "RATE_LIMIT_BACKEND_URL": redis_url}


def test_a_deployment_as_it_should_be_passes(servers: dict[str, str]) -> None:
    with running_server(servers) as server:
        rows = {name: (outcome, detail) for name, outcome, detail in deployment.run(server.url)}
    assert tuple(rows) == deployment.NAMES
    assert {outcome for outcome, _ in rows.values()} == {"passed"}
    assert len({detail for _, detail in rows.values()}) == len(rows)


def test_each_weakness_of_a_deployment_is_seen(servers: dict[str, str]) -> None:
    weak = {
        **servers,
        "ENVIRONMENT": "test",
        "ALLOWED_HOSTS": "*",
        "CORS_ALLOWED_ORIGINS": "*",
        "ENABLE_DOCS": "true",
        "RATE_LIMIT_ENABLED": "false",
    }
    with running_server(weak) as server:
        rows = {name: (outcome, detail) for name, outcome, detail in deployment.run(server.url)}
    failed = {name: detail for name, (outcome, detail) in rows.items() if outcome == "failed"}
    assert failed.keys() == {"hosts", "docs", "security headers", "cors", "rate limits"}
    assert "foreign.invalid is answered with 200" in failed["hosts"]
