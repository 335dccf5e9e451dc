"""The image refuses settings that it cannot use with an exit code and one JSON line.

tests/deploy/test_environments.py has many more wrong settings, without a container.
"""

import json
import secrets
import subprocess

import pytest

from tests.container.test_hardened_run import ANY_USER, HARDENED

pytestmark = pytest.mark.server

PRODUCTION = {
    "JWT_SECRET_KEY": secrets.token_hex(48),
    "CORS_ALLOWED_ORIGINS": "https://app.example.org",
    "ALLOWED_HOSTS": "api.example.org",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "RATE_LIMIT_BACKEND_URL": "redis://127.0.0.1:1/0",
}
WRONG = [
    ("ENVIRONMENT", "prod"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL_FILE", "/run/secrets/missing"),
    ("METRICS_TOKEN", "abc"),
    ("SENTRY_DSN", "foo"),
    ("WEB_CONCURRENCY", "auto"),
    ("GRACEFUL_TIMEOUT", "60"),
    # The image has not been built with the extra.
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
]


def run(image: str, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    return subprocess.run(
        ["docker", "run", "--rm", *HARDENED, *options, *variables, image],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_one_line_names_the_variable(image: str, name: str, value: str) -> None:
    settings = {**PRODUCTION, name: value}
    if name.endswith("_FILE"):
        del settings[name.removesuffix("_FILE")]
    done = run(image, ANY_USER, **settings)
    assert (done.returncode, done.stdout) == (78, "")
    [line] = done.stderr.splitlines()
    assert [error["variable"] for error in json.loads(line)["errors"]] == [name]


def test_without_any_setting_what_is_required_is_listed(image: str) -> None:
    done = run(image)
    assert done.returncode == 78
    errors = json.loads(done.stderr)["errors"]
    assert {error["variable"] for error in errors} == PRODUCTION.keys()


def test_people_are_told_in_whole_lines(image: str) -> None:
    done = run(image, LOG_FORMAT="console", COLUMNS="20")
    assert done.returncode == 78
    [heading, *lines] = done.stderr.splitlines()
    assert heading == "The settings cannot be used:"
    assert [line.strip().partition(":")[0] for line in lines] == [
        "DATABASE_URL",
        "RATE_LIMIT_BACKEND_URL",
        "JWT_SECRET_KEY",
        "ALLOWED_HOSTS",
        "CORS_ALLOWED_ORIGINS",
    ]
