"""gunicorn's configuration, as gunicorn reads it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from scholarship_api.platform.server import gunicorn_options as options_module
from scholarship_api.platform.server.gunicorn_logger import PropagatingLogger
from scholarship_api.platform.server.gunicorn_options import gunicorn_options
from scholarship_api.platform.server.worker import GracefulWorker
from scholarship_api.settings.settings import Settings

ARBITER = """
import sys
from types import SimpleNamespace
from scholarship_api.platform.server.gunicorn_options import gunicorn_options
from scholarship_api.settings.settings import Settings
options = gunicorn_options(Settings(environment="test", sentry_dsn=sys.argv[1]))
app = SimpleNamespace(app_uri="scholarship_api.app:create_app()")
options["on_starting"](SimpleNamespace(app=app))
options["on_exit"](None)
print("fastapi" in sys.modules, "sentry_sdk" in sys.modules)
"""


def read_by_gunicorn(**settings: Any) -> Any:  # noqa: ANN401 - gunicorn has no types
    config = Config()
    for name, value in gunicorn_options(Settings(environment="test", **settings)).items():
        config.set(name, value)
    return config


def test_the_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options_module, "available_cpus", lambda: 4)
    config = read_by_gunicorn()
    assert config.address == [("0.0.0.0", 8000)]  # noqa: S104
    assert config.workers == 9
    assert (config.timeout, config.graceful_timeout, config.keepalive) == (60, 30, 5)
    assert (config.max_requests, config.max_requests_jitter) == (2000, 200)
    assert config.control_socket_disable is True
    assert config.forwarded_allow_ips == []
    assert issubclass(config.worker_class, GracefulWorker)
    assert config.logger_class is PropagatingLogger
    assert config.accesslog is None
    assert config.preload_app is False


def test_every_setting_of_the_server_has_an_effect() -> None:
    config = read_by_gunicorn(
        port=9001,
        web_concurrency=3,
        timeout=61,
        graceful_timeout=31,
        keepalive=66,
        max_requests=7,
        max_requests_jitter=3,
        trusted_proxy_ips="10.0.0.0/8,::1",
    )
    assert config.address == [("0.0.0.0", 9001)]  # noqa: S104
    assert config.workers == 3
    assert (config.timeout, config.graceful_timeout, config.keepalive) == (61, 31, 66)
    assert (config.max_requests, config.max_requests_jitter) == (7, 3)
    assert [str(network) for network in config.forwarded_allow_networks()] == [
        "10.0.0.0/8",
        "::1/128",
    ]


def test_the_heartbeat_is_in_shared_memory_if_there_is_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(options_module, "_SHARED_MEMORY", tmp_path)
    assert read_by_gunicorn().worker_tmp_dir == str(tmp_path)
    monkeypatch.setattr(options_module, "_SHARED_MEMORY", tmp_path / "missing")
    assert read_by_gunicorn().worker_tmp_dir is None


def test_the_workers_of_two_configurations_have_their_own_settings() -> None:
    first = read_by_gunicorn(port=9001).worker_class
    second = read_by_gunicorn(port=9002).worker_class
    assert (first.settings.port, second.settings.port) == (9001, 9002)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dsn", "imported"), [("", "True False"), ("https://key@sentry.example.org/1", "True True")]
)
def test_the_arbiter_imports_the_modules_of_its_workers(dsn: str, imported: str) -> None:
    arbiter = subprocess.run(
        [sys.executable, "-c", ARBITER, dsn], capture_output=True, text=True, check=True
    )
    assert arbiter.stdout.strip() == imported
