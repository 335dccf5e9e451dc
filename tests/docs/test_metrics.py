"""The PromQL of the page uses metrics, labels and values that /metrics exposes."""

import json
import re
import shutil
import subprocess
import time
from contextlib import suppress
from typing import Any, Final, get_args

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scholarship_api.mail.sending import Outcome as MailOutcome
from scholarship_api.platform.observability.metrics import LIMITER_STATES, RateLimitOutcome
from scholarship_api.webhooks.sending import Outcome as WebhookOutcome
from tests.deploy.gunicorn_server import RunningServer, running_server
from tests.docs.conftest import METRICS_TOKEN, UNLIMITED
from tests.docs.pages import ROOT, code, section
from tests.worker.conftest import WAIT_SECONDS, worker_process
from tests.worker.test_process import environment, free_port

pytestmark = pytest.mark.server

ALERTS: Final = ROOT / "deploy/monitoring/alerts.yaml"
QUERIES: Final = [
    re.findall(r"`([^`]+)`", row[1])[0] for row in section("docs/operating.md", "Metrics").rows
]
SELECTOR: Final = re.compile(r"\b([a-z]+(?:_[a-z]+)+)(?:\{([^}]*)\})?(?=[\[)\s]|$)")
FUNCTIONS: Final = {"histogram_quantile"}
VALUES: Final = {
    "outcome": {*get_args(RateLimitOutcome), *WebhookOutcome, *MailOutcome},
    "source": {"cache", "database"},
}

Labels = dict[str, set[str]]


def scraped(url: str) -> dict[str, Labels]:
    """The labels of each sample name, with their values."""
    answer = httpx.get(
        f"{url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=20
    )
    found: dict[str, Labels] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name.endswith("_created"):  # the time at which a series began
                continue
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
        return scraped(production_server.url) | scraped(without_database.url)


@pytest.fixture(scope="module")
def exposed_by_worker(module_database_url: str) -> dict[str, Labels]:
    """The metrics of a worker that has completed a turn, and has delivered nothing."""
    port = free_port()
    variables = environment(module_database_url, port) | {"METRICS_TOKEN": METRICS_TOKEN}
    with worker_process(variables):
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                found = scraped(f"http://127.0.0.1:{port}")
                if "worker_last_turn_timestamp_seconds" in found:
                    return found
            time.sleep(0.1)
    raise AssertionError("the worker has completed no turn")


def selectors(query: str) -> list[tuple[str, str]]:
    return [(name, labels) for name, labels in SELECTOR.findall(query) if name not in FUNCTIONS]


def check_query(query: str, exposed: dict[str, Labels]) -> None:
    assert selectors(query), query
    for metric, matchers in selectors(query):
        assert metric in exposed, query
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', matchers):
            assert label in exposed[metric], query
            known = VALUES.get(label, exposed[metric][label])
            if operator != "=~":
                assert value in known, query
        for group in re.findall(r"by \(([^)]+)\)", query):
            assert set(group.split(", ")) <= exposed[metric].keys(), query
    assert query.count("(") == query.count(")"), query


def test_queries_find_what_they_ask_for_and_leave_no_metric_out(
    exposed: dict[str, Labels], exposed_by_worker: dict[str, Labels]
) -> None:
    assert len(QUERIES) >= 15
    # The worker has some metrics of the API too, without their labels while nothing happens.
    everything = exposed_by_worker | exposed
    for query in QUERIES:
        check_query(query, everything)
    shown = {metric for query in QUERIES for metric, _ in selectors(query)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in everything}
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
