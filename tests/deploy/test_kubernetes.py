"""The manifests are valid and fit the service."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from scholarship_api.preflight.servers import CONNECTIONS_BESIDE_POOL
from scholarship_api.settings.settings import SECRETS, Settings, load_settings
from scholarship_api.worker.jobs import LISTENING
from tests.deploy.gunicorn_server import PRODUCTION, REPOSITORY
from tests.deploy.manifests import (
    KUBERNETES,
    Document,
    container,
    dockerfile,
    documents,
    pod,
    resource,
    resource_files,
    secret_keys,
    settings_file,
)

MOUNT = "/run/secrets/scholarship-api"
MIGRATE = "scholarship-api-migrate"
WORKER = "scholarship-api-worker"
PODS = [("Deployment", "scholarship-api"), ("Deployment", WORKER), ("Job", MIGRATE)]
DEFAULT_MAX_CONNECTIONS, RESERVED_CONNECTIONS, MIGRATION_CONNECTIONS = 100, 3, 2
FAKE_SECRETS = {
    "jwt_secret_key": PRODUCTION["JWT_SECRET_KEY"],
    "metrics_token": "0123456789abcdef" * 4,
    "database_url": "postgresql://scholarship_api:password@postgresql/scholarships",
    "rate_limit_backend_url": "redis://:password@redis:6379/0",
    "database_migration_url": "postgresql://scholarship_owner:password@postgresql/scholarships",
}


def all_documents() -> list[tuple[str, Document]]:
    paths = [*resource_files(), REPOSITORY / "deploy" / "proxy" / "aws-load-balancer.yaml"]
    return [
        (f"{path.name}: {document['kind']} {document['metadata']['name']}", document)
        for path in paths
        for document in documents(path)
    ]


@pytest.mark.parametrize(
    "document", [pytest.param(document, id=name) for name, document in all_documents()]
)
def test_each_document_has_the_schema_of_its_kind(document: Document) -> None:
    for version in ("1.32", kubernetes_validate.latest_version()):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_validation_notices_what_is_wrong() -> None:
    wrong = resource("Deployment")
    container(wrong["spec"]["template"]["spec"])["readyProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_no_file_is_left_out() -> None:
    mentioned = {*resource_files(), *KUBERNETES.rglob("kustomization.yaml")}
    assert set(KUBERNETES.rglob("*.yaml")) == mentioned


@pytest.mark.parametrize("folder", [".", "migration", "secrets"])
def test_kustomize_builds_it(folder: str, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    copy = tmp_path / "kubernetes"
    ignored = shutil.ignore_patterns(*FAKE_SECRETS)  # a developer may have real ones
    shutil.copytree(KUBERNETES, copy, ignore=ignored)
    for name, value in FAKE_SECRETS.items():
        (copy / "secrets" / name).write_text(value)
    done = subprocess.run(
        ["kubectl", "kustomize", str(copy / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    for document in built:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    if folder == ".":
        [settings] = [one["metadata"]["name"] for one in built if one["kind"] == "ConfigMap"]
        deployments = [one for one in built if one["kind"] == "Deployment"]
        assert len(deployments) == 2
        for deployment in deployments:
            [source] = container(deployment["spec"]["template"]["spec"])["envFrom"]
            assert source["configMapRef"]["name"] == settings != "scholarship-api"


# --- Settings --------------------------------------------------------------------------------


def migration_variables() -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(pod("Job", MIGRATE))["env"]}


@pytest.mark.parametrize("variables", [settings_file(), migration_variables()])
def test_every_variable_is_a_setting(variables: Mapping[str, str]) -> None:
    names = {name.upper() for name in Settings.model_fields}
    names |= {f"{name.upper()}_FILE" for name in SECRETS}
    assert variables.keys() <= names
    assert not variables.keys() & {name.upper() for name in SECRETS}, "a secret in plain sight"


@pytest.mark.parametrize(
    ("kind", "name", "variables"),
    [
        (*PODS[0], settings_file()),
        (*PODS[1], settings_file()),
        (*PODS[2], migration_variables()),
    ],
)
def test_each_secret_file_is_mounted(kind: str, name: str, variables: Mapping[str, str]) -> None:
    spec = pod(kind, name)
    [mount] = [one for one in container(spec)["volumeMounts"] if one["mountPath"] == MOUNT]
    assert mount["readOnly"] is True
    [volume] = [one for one in spec["volumes"] if one["name"] == mount["name"]]
    keys = secret_keys()[volume["secret"]["secretName"]]
    files = {
        name.removesuffix("_FILE"): path for name, path in variables.items() if "_FILE" in name
    }
    assert files == {key.upper(): f"{MOUNT}/{key}" for key in keys}


def load(variables: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in FAKE_SECRETS.items():
        (folder / name).write_text(value)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace(MOUNT, str(folder)))
    return load_settings()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the pods of the Deployment."""
    return load(settings_file(), tmp_path, monkeypatch)


def test_production_accepts_the_settings(settings: Settings) -> None:
    assert settings.is_production
    assert settings.trusted_proxy_ips
    assert not settings.enable_docs
    for name in FAKE_SECRETS.keys() - {"database_migration_url"}:
        assert getattr(settings, name).get_secret_value()


def test_a_migration_knows_the_owner_of_the_schema_and_no_other_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(migration_variables(), tmp_path, monkeypatch)
    assert "scholarship_owner" in settings.database_migration_url.get_secret_value()
    lists = {"database_read_url", "jwt_previous_secret_keys"}
    others = SECRETS - {"database_migration_url"} - lists
    assert {getattr(settings, name).get_secret_value() for name in others} == {""}
    assert {getattr(settings, name) for name in lists} == {()}


@pytest.mark.slow
def test_the_migration_migrates(tmp_path: Path, scratch_database_url: str) -> None:
    """The Job's own arguments and variables, on an empty database."""
    (tmp_path / "database_migration_url").write_text(scratch_database_url)
    variables = {
        name: value.replace(MOUNT, str(tmp_path)) for name, value in migration_variables().items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "scholarship_api", *container(pod("Job", MIGRATE))["args"]],
        env={"PATH": os.environ["PATH"], **variables},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The schema is at ")


# --- Arithmetic ------------------------------------------------------------------------------


def test_the_grace_period_holds_the_sleep_and_the_drain(settings: Settings) -> None:
    spec = pod("Deployment")
    sleep = container(spec)["lifecycle"]["preStop"]["sleep"]["seconds"]
    granted = spec["terminationGracePeriodSeconds"]
    assert granted - sleep == settings.termination_grace_period
    assert settings.graceful_timeout < settings.termination_grace_period
    assert settings.shutdown_delay == 0, "the sleep has done that already"


def test_the_connections_of_all_replicas_fit_into_a_default_postgresql(settings: Settings) -> None:
    most = resource("HorizontalPodAutoscaler")["spec"]["maxReplicas"]
    surge = resource("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    assert settings.web_concurrency is not None
    pool = settings.database_pool_size + settings.database_max_overflow + CONNECTIONS_BESIDE_POOL
    needed = (most + surge) * settings.web_concurrency * pool
    assert (
        needed + worker_connections() + MIGRATION_CONNECTIONS
        <= DEFAULT_MAX_CONNECTIONS - RESERVED_CONNECTIONS
    )
    assert f"= {needed}," in (KUBERNETES / "settings.env").read_text()


def worker_connections() -> int:
    """Count the worker's connections: two pools, one for each queue that it listens to, and one
    that notices changes of the catalogue."""
    spec = resource("Deployment", WORKER)["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxSurge"] == 0
    own = {each["name"]: int(each["value"]) for each in container(pod("Deployment", WORKER))["env"]}
    size, overflow = own["DATABASE_POOL_SIZE"], own["DATABASE_MAX_OVERFLOW"]
    one: int = spec["replicas"] * (size + overflow + size + len(LISTENING) + 1)
    return one


def test_no_replica_can_leave_too_few() -> None:
    deployment = resource("Deployment")["spec"]
    assert "replicas" not in deployment, "an apply would undo the autoscaler's work"
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    autoscaler = resource("HorizontalPodAutoscaler")["spec"]
    budget = resource("PodDisruptionBudget")["spec"]
    assert autoscaler["scaleTargetRef"]["kind"] == "Deployment"
    assert autoscaler["minReplicas"] - budget["maxUnavailable"] >= 1
    # Utilization is of the request.
    assert "cpu" in container(pod("Deployment"))["resources"]["requests"]


# --- Agreement -------------------------------------------------------------------------------


def test_ports_agree(settings: Settings) -> None:
    [port] = container(pod("Deployment"))["ports"]
    assert str(port["containerPort"]) == str(settings.port) == dockerfile("EXPOSE")
    [service] = resource("Service")["spec"]["ports"]
    probes = [
        container(pod("Deployment"))[f"{kind}Probe"]["httpGet"]["port"]
        for kind in ("startup", "liveness", "readiness")
    ]
    [ingress] = resource("NetworkPolicy")["spec"]["ingress"]
    allowed = [one["port"] for one in ingress["ports"]]
    assert {service["targetPort"], *probes, *allowed} == {port["name"]}


def test_the_port_of_the_worker_is_that_of_its_probes(settings: Settings) -> None:
    worker = container(pod("Deployment", WORKER))
    [port] = worker["ports"]
    assert port["containerPort"] == settings.worker_port
    probes = {worker[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "readiness")}
    [ingress] = resource("NetworkPolicy", WORKER)["spec"]["ingress"]
    assert probes == {one["port"] for one in ingress["ports"]} == {port["name"]}
    assert "livenessProbe" not in worker, "a restart does not repair a database"


def test_the_worker_reaches_the_internet_and_no_private_network() -> None:
    *_, last = resource("NetworkPolicy", WORKER)["spec"]["egress"]
    [peer] = last["to"]
    assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(peer["ipBlock"]["except"])
    assert last["ports"] == [{"protocol": "TCP", "port": 443}]


def test_labels_select_their_pods() -> None:
    for kind, name in PODS:
        labels = resource(kind, name)["spec"]["template"]["metadata"]["labels"]
        policy = resource("NetworkPolicy", name)["spec"]
        assert policy["podSelector"]["matchLabels"] == labels
        assert policy["policyTypes"] == ["Ingress", "Egress"]
    labels = resource("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert resource("Service")["spec"]["selector"] == labels
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert resource(kind)["spec"]["selector"]["matchLabels"] == labels


def test_probes_ask_what_is_meant_for_them() -> None:
    api = container(pod("Deployment"))
    paths = {kind: api[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness")}
    # A restart does not repair a database, so only readiness may check it.
    assert paths == {"startup": "/healthz", "liveness": "/healthz"}
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert api["readinessProbe"]["timeoutSeconds"] > 2


@pytest.mark.parametrize(("kind", "name"), PODS)
def test_pods_are_locked_down(kind: str, name: str) -> None:
    spec = pod(kind, name)
    user, group = dockerfile("USER").split(":")
    security: dict[str, Any] = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security["runAsGroup"]) == (int(user), int(group))
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container(spec)["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert "memory" in container(spec)["resources"]["limits"]
    for volume in spec["volumes"]:
        if "secret" in volume:
            # Readable for the group of the pod, which is not root.
            assert volume["secret"]["defaultMode"] == 0o440
            assert security["fsGroup"] == int(group)


def test_the_one_place_to_write_to_is_the_image_s() -> None:
    [memory] = [one for one in pod("Deployment")["volumes"] if "emptyDir" in one]
    assert memory["emptyDir"]["medium"] == "Memory"
    mounts = container(pod("Deployment"))["volumeMounts"]
    [place] = [one["mountPath"] for one in mounts if one["name"] == memory["name"]]
    assert f"TMPDIR={place}" in (REPOSITORY / "Dockerfile").read_text()


def test_nothing_but_what_is_needed_is_reached() -> None:
    def ports(name: str) -> set[tuple[str, int]]:
        rules = resource("NetworkPolicy", name)["spec"]["egress"]
        assert all(rule["to"] for rule in rules)
        return {(one["protocol"], one["port"]) for rule in rules for one in rule["ports"]}

    dns, postgresql, redis = {("UDP", 53), ("TCP", 53)}, {("TCP", 5432)}, {("TCP", 6379)}
    assert ports("scholarship-api") == dns | postgresql | redis
    assert ports(MIGRATE) == dns | postgresql
    assert "ingress" not in resource("NetworkPolicy", MIGRATE)["spec"]
    [ingress] = resource("NetworkPolicy")["spec"]["ingress"]
    for peer in ingress["from"]:
        assert peer["namespaceSelector"]["matchLabels"]
        assert peer["podSelector"]["matchLabels"], "no namespace as a whole"


@pytest.mark.parametrize(("server", "port"), [("postgresql", 5432), ("redis", 6379)])
def test_the_servers_let_in_nobody_but_the_service_and_their_own(server: str, port: int) -> None:
    spec = resource("NetworkPolicy", f"scholarship-api-{server}")["spec"]
    assert spec["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": server}
    assert spec["policyTypes"] == ["Ingress"]
    [ingress] = spec["ingress"]
    names = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in ingress["from"]
    }
    assert names == {"scholarship-api", server}
    assert [(one["protocol"], one["port"]) for one in ingress["ports"]] == [("TCP", port)]


def test_no_pod_network_as_a_whole_is_trusted(settings: Settings) -> None:
    """A trusted peer chooses the address that a client is counted by."""
    assert settings.trusted_proxy_ips
    assert all(network.prefixlen >= 24 for network in settings.trusted_proxy_ips)


def test_git_ignores_the_secrets() -> None:
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("no checkout of git")
    files = [str(KUBERNETES / "secrets" / name) for name in FAKE_SECRETS]
    done = subprocess.run(
        ["git", "check-ignore", *files], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert len(done.stdout.splitlines()) == len(files)
    assert sorted(FAKE_SECRETS) == sorted(key for keys in secret_keys().values() for key in keys)


def test_the_image_is_the_same_everywhere() -> None:
    """The manifests use one image name, and each kustomization replaces it."""
    names = {container(pod(kind, name))["image"] for kind, name in PODS}
    [name] = names
    images = [documents(KUBERNETES / folder / "kustomization.yaml")[0]["images"]
              for folder in (".", "migration")]  # fmt: skip
    assert images[0] == images[1]
    assert [image["name"] for image in images[0]] == [name]
    assert re.fullmatch(r"[a-z-]+", name)
