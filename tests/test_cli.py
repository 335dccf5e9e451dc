"""The command line as a whole; a command's own tests lie beside its module."""

import inspect
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scholarship_api.cli import COMMANDS, app, load
from tests.deploy.gunicorn_server import PRODUCTION, free_port

NAMES = [command.name for command in COMMANDS]
HEAVY = ("alembic", "fastapi", "limits", "psycopg", "pydantic_settings", "redis", "sqlalchemy")


def run(
    *arguments: str, variables: Mapping[str, str], folder: Path = Path("/")
) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a process, with nothing but these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        env={**kept, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["healthcheck"]])
def test_the_help_and_the_health_check_import_nothing_of_the_application(
    arguments: list[str],
) -> None:
    program = (
        "import sys\n"
        "from scholarship_api.cli import main\n"
        f"sys.argv = ['scholarship-api', *{arguments}]\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        f"print('imported', *(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "imported"


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_list_repeats_the_first_line_of_each_command_s_help(command: tuple[str, ...]) -> None:
    name, where, summary = command
    help_text = load(name).help
    assert inspect.cleandoc(help_text).split("\n\n")[0].replace("\n", " ") == summary
    assert where


@pytest.mark.parametrize("name", NAMES)
def test_each_command_explains_itself(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0
    assert f"{name} [OPTIONS]" in done.output
    assert "install-completion" not in done.output


def test_a_misspelled_command_is_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["strat"])
    assert done.exit_code == 2
    assert "start" in done.output


WRONG = {**PRODUCTION, "PORT": "http", "SENTRY_DSN": "foo"}


@pytest.mark.slow
def test_refused_settings_are_one_json_line_where_the_logs_are_json() -> None:
    done = run("start", variables=WRONG)
    assert (done.returncode, done.stdout) == (78, "")
    [line] = done.stderr.splitlines()
    refused = json.loads(line)
    assert (refused["level"], refused["event"]) == ("critical", "settings.refused")
    assert [error["variable"] for error in refused["errors"]] == ["SENTRY_DSN", "PORT"]
    assert refused["exit_code"] == 78
    assert refused["timestamp"].endswith("Z")


@pytest.mark.slow
def test_refused_settings_are_whole_lines_for_people() -> None:
    done = run("start", variables={**WRONG, "LOG_FORMAT": "console", "COLUMNS": "20"})
    assert done.returncode == 78
    assert done.stderr.splitlines() == [
        "The settings cannot be used:",
        "  SENTRY_DSN: not a Sentry DSN, which looks like https://KEY@HOST/PROJECT",
        "  PORT: must be a whole number",
    ]


@pytest.mark.slow
def test_a_server_that_refuses_is_one_json_line_with_the_variable(
    database_url: str, redis_url: str
) -> None:
    variables = {**PRODUCTION, "DATABASE_URL": database_url, "PORT": str(free_port())}
    variables["RATE_LIMIT_BACKEND_URL"] = f"redis://:wrong@{redis_url.rpartition('@')[2]}"
    done = run("serve", variables=variables)
    assert (done.returncode, done.stdout) == (69, "")
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["event"], line["level"], line["exit_code"]) == ("prestart.failed", "critical", 69)
    assert line["variable"] == "RATE_LIMIT_BACKEND_URL"
    assert line["reason"] == "the server refuses us: it refuses the password"
    done = run("serve", variables={**variables, "LOG_FORMAT": "console", "COLUMNS": "20"})
    assert done.returncode == 69
    assert done.stderr.splitlines()[-1] == (
        "RATE_LIMIT_BACKEND_URL: the server refuses us: it refuses the password."
    )


@pytest.mark.slow
def test_an_unknown_revision_is_wrong_usage(database_url: str) -> None:
    done = run(
        "migrate",
        "no_such_revision",
        variables={"ENVIRONMENT": "test", "DATABASE_URL": database_url},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "no_such_revision" in done.stderr


@pytest.mark.slow
def test_the_openapi_document_does_not_depend_on_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ENVIRONMENT=production\n")
    variables = {"ENVIRONMENT": "nonsense", "PORT": "http", "DATABASE_URL": "nonsense"}
    done = run("openapi", folder=tmp_path, variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == CliRunner().invoke(app, ["openapi"]).stdout


@pytest.mark.slow
def test_a_dotenv_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    done = run("users", "list", folder=tmp_path, variables={})
    assert done.returncode == 78
    assert re.fullmatch(r"The settings cannot be used:\n  \.env: is not UTF-8 .*\n", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["start", "serve"])
def test_a_port_in_use_is_one_json_line(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = run(command, variables={**PRODUCTION, "PORT": port})
    assert (done.returncode, done.stdout) == (69, "")
    [line] = done.stderr.splitlines()
    refused = json.loads(line)
    assert (refused["event"], refused["variable"]) == ("prestart.failed", "PORT")
    assert refused["reason"] == "another process listens on this port already"
