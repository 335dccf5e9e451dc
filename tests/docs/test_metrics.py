"""The PromQL of the page uses metrics, labels and values that /metrics exposes."""

import json
import re
import shutil
import subprocess
from typing import Any, Final, get_args

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scholarship_api.platform.observability.metrics import LIMITER_STATES, RateLimitOutcome
from tests.deploy.gunicorn_server import RunningServer, running_server
from tests.docs.conftest import METRICS_TOKEN, UNLIMITED
from tests.docs.pages import ROOT, code, section

pytestmark = pytest.mark.server

ALERTS: Final = ROOT / "deploy/monitoring/alerts.yaml"
QUERIES: Final = [
    re.findall(r"`([^`]+)`", row[1])[0] for row in section("docs/operating.md", "Metrics").rows
]
SELECTOR: Final = re.compile(r"\b([a-z]+(?:_[a-z]+)+)(?:\{([^}]*)\})?(?=[\[)\s]|$)")
FUNCTIONS: Final = {"histogram_quantile"}
VALUES: Final = {
    "outcome": set(get_args(RateLimitOutcome)),
    "source": {"cache", "database"},
}

Labels = dict[str, set[str]]


def scraped(server: RunningServer) -> dict[str, Labels]:
    """The labels of each sample name, with their values."""
    answer = httpx.get(
        f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=20
    )
    found: dict[str, Labels] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@pytest.fixture(scope="module")
def exposed(production_server: RunningServer, redis_url: str) -> dict[str, Labels]:
    """The metrics of a healthy server and of one without PostgreSQL."""
    search = "/api/v1/search?limit=1"
    assert httpx.get(f"{production_server.url}{search}", timeout=20).status_code == 200
    settings = {
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "METRICS_TOKEN": METRICS_TOKEN,
        "DATABASE_READ_URL": "postgresql://nobody@127.0.0.1:1/none",
        **UNLIMITED,
    }
    with running_server(settings) as without_database:
        assert httpx.get(f"{without_database.url}{search}", timeout=20).status_code == 503
        return scraped(production_server) | scraped(without_database)


def selectors(query: str) -> list[tuple[str, str]]:
    return [(name, labels) for name, labels in SELECTOR.findall(query) if name not in FUNCTIONS]


def check_query(query: str, exposed: dict[str, Labels]) -> None:
    assert selectors(query), query
    for metric, matchers in selectors(query):
        assert metric in exposed, query
        for label, operator, value in re.findall(r'(\w+)(=~?)"([^"]*)"', matchers):
            assert label in exposed[metric], query
            known = VALUES.get(label, exposed[metric][label])
            if operator == "=":
                assert value in known, query
        for group in re.findall(r"by \(([^)]+)\)", query):
            assert set(group.split(", ")) <= exposed[metric].keys(), query
    assert query.count("(") == query.count(")"), query


def test_queries_find_what_they_ask_for_and_leave_no_metric_out(
    exposed: dict[str, Labels],
) -> None:
    assert len(QUERIES) >= 15
    for query in QUERIES:
        check_query(query, exposed)
    shown = {metric for query in QUERIES for metric, _ in selectors(query)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}
    assert families == {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    assert exposed["rate_limiter_state"]["state"] == set(LIMITER_STATES)


def test_the_example_of_a_log_line_is_like_a_real_one(production_server: RunningServer) -> None:
    blocks = [text for language, text in code(ROOT / "docs/operating.md") if language == "json"]
    [example] = [text for text in blocks if '"request.finished"' in text]
    shown: dict[str, Any] = json.loads(example)
    httpx.get(f"{production_server.url}/api/v1/search?q=example", timeout=20)
    [*_, real] = production_server.log.named("request.finished")
    assert list(shown) == list(real)
    assert {type(value) for value in shown.values()} <= {str, int, float, type(None)}


def test_the_dashboard_has_the_panels_of_the_page() -> None:
    dashboard = json.loads((ROOT / "deploy/monitoring/grafana-dashboard.json").read_text())
    shown = {
        (panel["title"], target["expr"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }
    rows = section("docs/operating.md", "Metrics").rows
    named = {(row[0], re.findall(r"`([^`]+)`", row[1])[0]) for row in rows}
    alerts = {rule["expr"] for rule in alert_rules()}
    assert shown == {(title, query) for title, query in named if query not in alerts}


def test_the_alert_rules_are_those_of_the_page() -> None:
    alerts = {(rule["annotations"]["summary"], rule["expr"], rule["for"]) for rule in alert_rules()}
    rows = section("docs/operating.md", "Metrics").rows
    named = {(row[0], re.findall(r"`([^`]+)`", row[1])[0], "5m") for row in rows}
    assert alerts <= named
    assert len(alerts) == len({rule["alert"] for rule in alert_rules()})


def test_prometheus_takes_the_alert_rules() -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed (apt install prometheus)")
    subprocess.run([promtool, "check", "rules", ALERTS], check=True, capture_output=True)


def alert_rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules
