import io
import json

from rich.console import Console

from scholarship_api.preflight.results import (
    CheckResult,
    all_passed,
    as_json,
    print_table,
    with_allowed,
)

RESULTS = [
    CheckResult("database", "passed", "PostgreSQL answers"),
    CheckResult("docs", "failed", "ENABLE_DOCS is on"),
]


def test_the_table_is_for_people() -> None:
    output = io.StringIO()
    print_table(RESULTS, Console(file=output, width=100))
    for word in ("database", "passed", "docs", "failed", "ENABLE_DOCS is on"):
        assert word in output.getvalue()


def test_json_is_for_machines() -> None:
    assert json.loads(as_json(RESULTS)) == {
        "passed": False,
        "checks": [
            {"name": "database", "outcome": "passed", "detail": "PostgreSQL answers"},
            {"name": "docs", "outcome": "failed", "detail": "ENABLE_DOCS is on"},
        ],
    }


def test_warnings_and_skipped_checks_fail_nothing() -> None:
    assert all_passed(RESULTS[:1])
    assert all_passed([CheckResult("proxies", "warning", ""), CheckResult("x", "skipped", "")])
    assert not all_passed(RESULTS)


def test_an_allowed_failure_is_still_shown() -> None:
    allowed = with_allowed(RESULTS, {"docs", "database"})
    assert [result.outcome for result in allowed] == ["passed", "allowed"]
    assert all_passed(allowed)
