"""Environments that nobody would write: each one starts, or its variables are named.

In this process, up to the moment in which the service becomes gunicorn; that needs no server.
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from scholarship_api.command_errors import report
from scholarship_api.platform.server import start
from scholarship_api.preflight import configuration
from scholarship_api.settings.production import production_errors
from scholarship_api.settings.settings import SECRETS, Settings, SettingsError
from tests.fuzz.amount import factor, seed

EXAMPLES: Final = 300
FUZZ: Final = settings(
    max_examples=EXAMPLES * factor(),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
NAMES: Final = [name.upper() for name in Settings.model_fields]
FILES: Final = [f"{name.upper()}_FILE" for name in SECRETS]
REPOSITORY: Final = Path(__file__).parents[2]

# A system call accepts every character but NUL in an environment.
TEXT: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)
LIKELY: Final = st.sampled_from(
    (
        *("", " ", "\t", "0", "1", "-1", "2.0", "1e9", "9" * 30, "٣", "+8000", " 8000 ", "0x1F40"),
        *("true", "False", "on", "off", "yes", "None", "null", "[]", "{}", "$HOME", "*", ",", ",,"),
        *("production", "Staging", "local", "prod", "json", "console", "INFO", "debug"),
        *("30/minute", "0/minute", "1/0", "5 per 2 hours", "30/minute;5/second", "1/century"),
        *("10.0.0.0/8", "10.0.0.1/8", "::/0", "fd00::/8", "127.0.0.1", "fe80::1%eth0", "0.0.0.0/0"),
        *("https://a.example", "https://a.example:443", "http://localhost:3000", "https://*"),
        *("https://[::1]:8443", "https://a@b", "null", "a.example,b.example", "*.example", "a b"),
        *(
            "postgresql://u:p@h/d",
            "postgres://h",
            "postgresql://",
            "postgresql://h:0/d",
            "sqlite:///",
        ),
        *("postgresql://u:p@ss@h/d", "postgresql://h/d?host=/tmp", "postgresql://[::1/d"),
        *(
            "redis://h:6379/0",
            "rediss://:p@h",
            "valkey://h",
            "redis://",
            "redis://h:x/0",
            "memory://",
        ),
        *(
            "https://key@sentry.example/1",
            "https://sentry.example",
            "foo",
            "x" * 64,
            "changeme" * 8,
        ),
        *("9f2c4e8a1b7d3f6055aa0e9c8d7b6a5f4e3d2c1b0a99887766f5e4d3c2b1a0f9", "/", "/etc/hostname"),
        *("/no/such/file", "/proc/self/mem", str(REPOSITORY), "-", "../.env"),
    )
)
VALUES: Final = st.one_of(LIKELY, LIKELY, TEXT)
ENVIRONMENTS: Final = st.dictionaries(
    st.sampled_from((*NAMES, *NAMES, *FILES, "UNKNOWN_SETTING", "PYTHONUNKNOWN")),
    VALUES,
    max_size=14,
)


class BecameGunicorn(Exception):
    pass


def refusal(environment: Mapping[str, str]) -> SettingsError | None:
    """Load the settings, and what follows before gunicorn; the error, if they are refused."""
    with mock.patch.dict(os.environ, environment, clear=True):
        try:
            loaded = Settings()
        except SettingsError as error:
            return error
        # Whatever is accepted can be judged, shown and passed on.
        rows = configuration.rows_of(loaded, tuple(production_errors(loaded)))
        assert {row.name for row in rows} == set(configuration.NAMES)
        assert loaded.drain_seconds >= 1
        with mock.patch("os.execv", side_effect=BecameGunicorn), pytest.raises(BecameGunicorn):
            start._become_gunicorn(loaded)
        assert int(os.environ["PORT"]) == loaded.port
        assert int(os.environ.get("WEB_CONCURRENCY", "1")) >= 1
    return None


def reported(error: SettingsError) -> str:
    output = StringIO()
    with redirect_stderr(output):
        report(error)
    return output.getvalue()


@hypothesis_seed(seed())
@FUZZ
@given(environment=ENVIRONMENTS)
def test_any_environment_is_taken_or_its_variables_are_named(environment: dict[str, str]) -> None:
    error = refusal(environment)
    if error is None:
        return
    set_variables = {name for name, value in environment.items() if value.strip()}
    assert error.errors
    for variable, reason in error.errors:
        required = "required in production" in reason
        assert variable in set_variables or required, f"{variable} was not set: {reason}"
        assert reason
        assert reason[-1] not in ".\n"
    text = reported(error)
    assert "Traceback" not in text
    for name in set_variables & {field.upper() for field in SECRETS}:
        value = environment[name]
        assert len(value) < 16 or value not in text, f"the value of {name} is shown"
    if error.log_format == "json":
        [line] = text.splitlines()
        assert json.loads(line)["exit_code"] == 78
    else:
        heading, *lines = text.split("\n")[:-1]
        assert heading == "The settings cannot be used:"
        assert len(lines) == len(error.errors)
        assert all(re.fullmatch(r"  [A-Z_.env]+: .+", line) for line in lines)


def test_a_very_long_value_is_judged_in_time() -> None:
    """The time to judge a setting is linear in its length: a quadratic rule would take minutes."""
    for text in ("a" * 100_000, "1" * 100_000, "," * 100_000, "10.0.0.1," * 10_000, "*." * 50_000):
        for name in NAMES:
            refusal({name: text})
