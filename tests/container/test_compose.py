"""docker-compose.yml with `make up` and `make down`."""

import json
import secrets
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.container.engine import (
    Checkout,
    docker,
    free_port,
    inspect,
    new_checkout,
    pinned,
    run_acceptance,
)

pytestmark = pytest.mark.server


@dataclass(frozen=True, slots=True)
class Stack:
    checkout: Checkout
    project: str
    url: str

    def command(self, *arguments: str) -> list[str]:
        file = str(self.checkout.path / "docker-compose.yml")
        return ["compose", "--project-name", self.project, "--file", file, *arguments]

    def container(self, service: str) -> str:
        return docker(*self.command("ps", "--all", "--quiet", service))


@pytest.fixture(scope="module")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # The checkout without secrets, because `make up` has to create them.
    checkout = new_checkout(tmp_path_factory.mktemp("compose") / "checkout")
    port = free_port()
    stack = Stack(checkout, f"scholarship-test-{uuid.uuid4().hex[:8]}", f"http://127.0.0.1:{port}")
    variables = {
        "IMAGE": "scholarship-api-test:compose",
        "COMPOSE_PROJECT_NAME": stack.project,
        "API_PORT": str(port),
        "POSTGRES_IMAGE": pinned("db", "POSTGRES_IMAGE"),
        "REDIS_IMAGE": pinned("redis", "REDIS_IMAGE"),
    }
    try:
        checkout.make("up", **variables)
        yield stack
    finally:
        checkout.make("down", **variables, ARGS="--volumes")
        left = docker("ps", "--all", "--quiet", "--filter", f"name={stack.project}")
        docker("image", "rm", "--force", "scholarship-api-test:compose")
        assert left == ""


def test_all_are_hardened(stack: Stack) -> None:
    for service in ("api", "worker", "migrate", "db", "redis"):
        container = inspect(stack.container(service))
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] is True, service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert host["Memory"] > 0, service
        assert host["NanoCpus"] > 0, service
        assert host["PidsLimit"] > 0, service
        assert container["Config"]["User"] not in {"", "root", "0"}, service
    assert inspect(stack.container("migrate"))["State"]["ExitCode"] == 0
    for service in ("api", "worker"):
        health = inspect(stack.container(service))["State"]["Health"]
        assert health["Status"] == "healthy", service
    api = inspect(stack.container("api"))
    assert not api["HostConfig"].get("Tmpfs")


def test_only_the_service_is_published_and_on_loopback(stack: Stack) -> None:
    published = {
        service: inspect(stack.container(service))["NetworkSettings"]["Ports"]
        for service in ("api", "worker", "db", "redis")
    }
    assert not any(published["worker"].values())
    assert [binding["HostIp"] for binding in published["api"]["8000/tcp"]] == ["127.0.0.1"]
    for service in ("db", "redis"):
        assert not any(published[service].values())
        networks = inspect(stack.container(service))["NetworkSettings"]["Networks"]
        [network] = networks
        assert inspect(network)["Internal"] is True


def test_the_secrets_are_files_of_whom_they_are_for(stack: Stack) -> None:
    folder = stack.checkout.path / "deploy" / "compose" / "secrets"
    assert folder.stat().st_mode & 0o077 == 0
    values = [path.read_text().strip() for path in folder.iterdir()]
    assert min(map(len, values)) >= 32
    for service in ("api", "worker", "migrate", "db", "redis"):
        described = json.dumps(inspect(stack.container(service)))
        assert not [value for value in values if value in described], service
    mounted = {mount["Destination"] for mount in inspect(stack.container("api"))["Mounts"]}
    assert "/run/secrets/database_url" in mounted
    assert "/run/secrets/database_migration_url" not in mounted


def test_the_serving_role_may_not_change_the_schema(stack: Stack) -> None:
    for statement in (
        "CREATE TABLE intruder ()",
        "ALTER TABLE scholarships ADD intruder text",
        "DROP TABLE scholarships",
    ):
        psql = ("psql", "--username=postgres", "--dbname=scholarships", "--command")
        sql = f"SET ROLE scholarship_api; {statement}"
        refused = subprocess.run(
            ["docker", "exec", stack.container("db"), *psql, sql],
            capture_output=True,
            check=False,
        )
        assert refused.returncode != 0
        assert b"permission denied" in refused.stderr or b"must be owner" in refused.stderr


def test_acceptance_with_servers_that_stop(stack: Stack, tmp_path: Path) -> None:
    password = secrets.token_urlsafe(24)
    (tmp_path / "password").write_text(password)
    tool = stack.command("exec", "--no-TTY", "api", "scholarship-api")
    create = ("users", "create", "acceptance", "--role=admin", "--password-stdin")
    docker(*tool, *create, stdin=password.encode())
    catalogue = stack.checkout.path / "scholarship_api" / "sample_data" / "catalogue.ndjson"
    docker(*tool, "import", "-", stdin=catalogue.read_bytes())
    api = stack.container("api")
    compose = " ".join(["docker", *stack.command()])
    code = f"$(docker inspect --format '{{{{.State.ExitCode}}}}' {api})"
    run_acceptance(
        stack.url,
        {
            "ACCEPTANCE_ALLOWED_ORIGIN": "https://localhost",
            "ACCEPTANCE_USERNAME": "acceptance",
            "ACCEPTANCE_PASSWORD_FILE": str(tmp_path / "password"),
            "ACCEPTANCE_STOP_DATABASE": f"{compose} stop db",
            "ACCEPTANCE_START_DATABASE": f"{compose} start db",
            "ACCEPTANCE_STOP_REDIS": f"{compose} stop redis",
            "ACCEPTANCE_START_REDIS": f"{compose} start redis",
            "ACCEPTANCE_STOP_SERVICE": f"{compose} stop api && exit {code}",
            "ACCEPTANCE_START_SERVICE": f"{compose} start api",
        },
    )


def test_the_pre_deploy_checklist_passes_for_two_replicas(stack: Stack) -> None:
    command = stack.command("exec", "--no-TTY", "api", "scholarship-api", "check", "--json")
    body = json.loads(docker(*command, "--replicas", "2"))
    assert body["passed"] is True
    checks = {check["name"]: check["detail"] for check in body["checks"]}
    assert "2 replicas x" in checks["connections"]


def test_the_checklist_compares_the_trusted_networks_with_its_peers(stack: Stack) -> None:
    httpx.get(f"{stack.url}/healthz")  # by the published port, as a proxy on the host does
    command = stack.command("exec", "--no-TTY", "--env=TRUSTED_PROXY_IPS=127.0.0.1", "api")
    body = json.loads(docker(*command, "scholarship-api", "check", "--json"))
    [row] = [check for check in body["checks"] if check["name"] == "proxies"]
    assert row["outcome"] == "warning"
    api = inspect(stack.container("api"))["NetworkSettings"]["Networks"]
    gateways = [network["Gateway"] for network in api.values() if network["Gateway"]]
    assert any(gateway in row["detail"] for gateway in gateways), row["detail"]


def test_settings_of_the_optional_file_arrive(stack: Stack) -> None:
    file = stack.checkout.path / "deploy/compose/api.env"
    file.write_text("LOG_LEVEL=WARNING\nALLOWED_HOSTS=api.example.org\n")
    try:
        service = json.loads(docker(*stack.command("config", "--format=json")))["services"]["api"]
    finally:
        file.unlink()
    settings = service["environment"]
    assert (settings["LOG_LEVEL"], settings["ALLOWED_HOSTS"]) == ("WARNING", "api.example.org")
    assert settings["CORS_ALLOWED_ORIGINS"] == "https://localhost"


def test_without_secrets_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    checkout = new_checkout(tmp_path / "checkout")
    done = subprocess.run(
        ["docker", "compose", "up", "--no-build"],
        cwd=checkout.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    [sentence] = done.stderr.splitlines()
    assert "made-by-deploy-compose-make-secrets not found" in sentence
