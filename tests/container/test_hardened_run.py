"""The image runs hardened and with production settings, without compose."""

import random
import secrets
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.container.engine import (
    ORIGIN,
    REPOSITORY,
    docker,
    free_port,
    inspect,
    is_healthy,
    logs,
    pinned,
    run_acceptance,
    until,
)

pytestmark = pytest.mark.server

HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
ANY_USER = "--user=1000690000:0"
"""As OpenShift assigns users: in no file of the image, in the group root."""

START_SECONDS: Final = 10.0
"""The time in which a start can be interrupted: it takes about 3 s on an idle machine."""
INTERRUPTED_STARTS: Final = 50
STARTS_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Deployment:
    """Names of containers, and the address of the service."""

    api: str
    database: str
    redis: str
    url: str
    network: str
    settings: dict[str, str]


@pytest.fixture(scope="module")
def deployment(image: str) -> Iterator[Deployment]:
    run, port = uuid.uuid4().hex[:8], free_port()
    names = {part: f"scholarship-test-{run}-{part}" for part in ("api", "database", "redis")}
    password = secrets.token_hex(24)
    settings = {
        "JWT_SECRET_KEY": secrets.token_hex(48),
        "CORS_ALLOWED_ORIGINS": ORIGIN,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"postgresql://postgres:{password}@database:5432/postgres",
        "RATE_LIMIT_BACKEND_URL": "redis://redis:6379/0",
        "SENTRY_DSN": "https://0123456789abcdef@sentry.invalid/1",
        "WEB_CONCURRENCY": "2",
    }
    with ExitStack() as stack:
        network = f"scholarship-test-{run}"
        docker("network", "create", network)
        stack.callback(docker, "network", "rm", network)

        def start(part: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
            common = ("--detach", f"--name={names[part]}", f"--network={network}")
            docker("run", *common, f"--network-alias={part}", *options, image, *command)
            stack.callback(docker, "rm", "--force", "--volumes", names[part])

        postgres = pinned("db", "POSTGRES_IMAGE")
        start("database", postgres, f"--env=POSTGRES_PASSWORD={password}")
        unsaved = ("redis-server", "--bind", "*", "--protected-mode", "no", "--save", "")
        start("redis", pinned("redis", "REDIS_IMAGE"), command=unsaved)
        variables = [f"--env={name}={value}" for name, value in settings.items()]
        # `start` itself waits for the servers, which do not answer yet.
        published = f"--publish=127.0.0.1:{port}:8000"
        start("api", image, *HARDENED, ANY_USER, *variables, published)
        deployment = Deployment(
            **names, url=f"http://127.0.0.1:{port}", network=network, settings=settings
        )
        until(
            lambda: is_healthy(names["api"]),
            seconds=90,
            what=lambda: logs(names["api"]),
        )
        yield deployment


def test_ready(deployment: Deployment) -> None:
    assert httpx.get(f"{deployment.url}/healthz").status_code == 200
    assert httpx.get(f"{deployment.url}/health/services").status_code == 200


def test_hardened_indeed(deployment: Deployment) -> None:
    container = inspect(deployment.api)
    assert container["HostConfig"]["ReadonlyRootfs"] is True
    assert not container["HostConfig"].get("Tmpfs")
    assert container["Mounts"] == []
    assert container["Config"]["User"] == ANY_USER.removeprefix("--user=")
    [status] = [
        line
        for line in Path(f"/proc/{container['State']['Pid']}/status").read_text().splitlines()
        if line.startswith("CapBnd")
    ]
    assert int(status.split()[1], 16) == 0


def test_acceptance(deployment: Deployment, tmp_path: Path) -> None:
    password = secrets.token_urlsafe(24)
    (tmp_path / "password").write_text(password)
    tool = ("exec", "--interactive", deployment.api, "scholarship-api")
    create = ("users", "create", "acceptance", "--role=admin", "--password-stdin")
    docker(*tool, *create, stdin=password.encode())
    catalogue = REPOSITORY / "scholarship_api" / "sample_data" / "catalogue.ndjson"
    docker(*tool, "import", "-", stdin=catalogue.read_bytes())
    code = f"$(docker inspect --format '{{{{.State.ExitCode}}}}' {deployment.api})"
    run_acceptance(
        deployment.url,
        {
            "ACCEPTANCE_ALLOWED_ORIGIN": ORIGIN,
            "ACCEPTANCE_USERNAME": "acceptance",
            "ACCEPTANCE_PASSWORD_FILE": str(tmp_path / "password"),
            "ACCEPTANCE_STOP_DATABASE": f"docker stop {deployment.database}",
            "ACCEPTANCE_START_DATABASE": f"docker start {deployment.database}",
            "ACCEPTANCE_STOP_REDIS": f"docker stop {deployment.redis}",
            "ACCEPTANCE_START_REDIS": f"docker start {deployment.redis}",
            "ACCEPTANCE_STOP_SERVICE": f"docker stop --time 45 {deployment.api} && exit {code}",
            "ACCEPTANCE_START_SERVICE": f"docker start {deployment.api}",
        },
    )


@pytest.mark.parametrize("example", [".env.example", ".env.production.example"])
def test_the_examples_start(deployment: Deployment, image: str, example: str) -> None:
    """The file as it stands, with the addresses of the servers and with secrets."""
    own = {
        **{name: deployment.settings[name] for name in ("DATABASE_URL", "RATE_LIMIT_BACKEND_URL")},
        "DATABASE_MIGRATION_URL": deployment.settings["DATABASE_URL"],
        "JWT_SECRET_KEY": secrets.token_hex(48),
        "METRICS_TOKEN": secrets.token_hex(48),
    }
    container = docker(
        *("run", "--detach", f"--network={deployment.network}", *HARDENED),
        f"--env-file={REPOSITORY / example}",
        *(f"--env={name}={value}" for name, value in own.items()),
        image,
    )
    try:
        until(lambda: is_healthy(container), seconds=90, what=lambda: logs(container))
        docker("stop", "--time", "45", container)
        assert inspect(container)["State"]["ExitCode"] == 0
    finally:
        docker("rm", "--force", container)


@pytest.mark.slow
def test_sigterm_ends_a_start_at_any_moment(deployment: Deployment, image: str) -> None:
    """A signal that is lost leaves a container that has to be killed, with the code 137."""
    rng = random.Random(15)  # noqa: S311 - repeatable
    moments = [rng.uniform(0, START_SECONDS) for _ in range(INTERRUPTED_STARTS)]
    with ThreadPoolExecutor(STARTS_AT_ONCE) as threads:
        codes = list(threads.map(lambda moment: _interrupted(deployment, image, moment), moments))
    ended = {0, 128 + signal.SIGTERM}
    assert [
        (moment, code) for moment, code in zip(moments, codes, strict=True) if code not in ended
    ] == []


def _interrupted(deployment: Deployment, image: str, moment: float) -> int:
    """The exit code of a container that gets SIGTERM `moment` seconds after its first line."""
    variables = [f"--env={name}={value}" for name, value in deployment.settings.items()]
    container = docker(
        *("run", "--detach", f"--network={deployment.network}", *HARDENED), *variables, image
    )
    try:
        pid = inspect(container)["State"]["Pid"]
        until(lambda: _handles_sigterm(pid), seconds=20, what=lambda: logs(container))
        time.sleep(moment)
        docker("kill", "--signal=TERM", container)
        return int(docker("wait", container, seconds=60))
    finally:
        docker("rm", "--force", container)


def _handles_sigterm(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = dict(line.split(":\t") for line in lines if line.startswith(("SigCgt", "SigBlk")))
    bit = 1 << (signal.SIGTERM - 1)
    return any(int(mask, 16) & bit for mask in masks.values())


def test_stopped_it_closes_everything(deployment: Deployment) -> None:
    docker("stop", "--time", "45", deployment.api)
    assert inspect(deployment.api)["State"]["ExitCode"] == 0
    log = logs(deployment.api)
    for event in ("Application shutdown complete.", "worker.finished"):
        assert f'"event":"{event}"' in log, log
    docker("start", deployment.api)
    until(lambda: is_healthy(deployment.api), seconds=60, what=lambda: "healthy again")
