"""The overlay for several machines builds on the manifests, and fits the service."""

import re
import shutil
import subprocess
from typing import Final

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from scholarship_api.settings.database_url import read_database_url
from scholarship_api.settings.redis_url import read_redis_url
from scholarship_api.settings.settings import SECRETS, Settings
from tests.deploy.gunicorn_server import REPOSITORY
from tests.deploy.manifests import Document, documents

FOLDER: Final = REPOSITORY / "deploy" / "kubernetes-high-availability"
DATABASE_CLIENTS: Final = ("scholarship-api", "scholarship-api-migrate", "scholarship-api-worker")
[CLUSTER] = documents(FOLDER / "cluster.yaml")
[SENTINELS] = [one for one in documents(FOLDER / "sentinel.yaml") if one["kind"] == "StatefulSet"]


@pytest.fixture(scope="module")
def built() -> list[Document]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(built: list[Document], kind: str) -> list[Document]:
    return [document for document in built if document["kind"] == kind]


def test_each_document_has_the_schema_of_its_kind(built: list[Document]) -> None:
    known = [document for document in built if document["kind"] != "Cluster"]
    assert len(known) > 5
    for document in known:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_every_variable_is_a_setting(built: list[Document]) -> None:
    [settings] = [
        one
        for one in of_kind(built, "ConfigMap")
        if one["metadata"]["name"].startswith("scholarship-api")
    ]
    names = {name.upper() for name in Settings.model_fields}
    names |= {f"{name.upper()}_FILE" for name in SECRETS}
    assert settings["data"].keys() <= names
    assert "DATABASE_READ_URL_FILE" in settings["data"]


def test_the_policies_let_the_pods_of_the_cluster_in(built: list[Document]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(built, "NetworkPolicy")}
    label = {"cnpg.io/cluster": CLUSTER["metadata"]["name"]}
    databases = [
        rule
        for policy in policies.values()
        for rule in policy.get("egress", [])
        if {"protocol": "TCP", "port": 5432} in rule["ports"]
    ]
    assert len(databases) == len(DATABASE_CLIENTS)
    for rule in databases:
        assert rule["to"][0]["podSelector"]["matchLabels"] == label
    assert policies["scholarship-api-postgresql"]["podSelector"]["matchLabels"] == label
    ports = [one["port"] for rule in policies["scholarship-api"]["egress"] for one in rule["ports"]]
    assert 26379 in ports


def test_the_policies_let_the_api_and_the_sentinels_ask_the_sentinels(
    built: list[Document],
) -> None:
    [stateful] = of_kind(built, "StatefulSet")
    labels = stateful["spec"]["template"]["metadata"]["labels"]
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(built, "NetworkPolicy")}
    inwards = policies["scholarship-api-redis"]
    assert inwards["podSelector"]["matchLabels"].items() <= labels.items()
    [rule] = inwards["ingress"]
    assert {one["port"] for one in rule["ports"]} == {6379, 26379}
    assert any(
        peer["podSelector"]["matchLabels"].items() <= labels.items() for peer in rule["from"]
    )
    images = {one["image"] for one in stateful["spec"]["template"]["spec"]["containers"]}
    assert not images & {"valkey"}, "the kustomization replaces the name"


def test_the_addresses_of_the_comments_can_be_used() -> None:
    text = (FOLDER / "kustomization.yaml").read_text()
    urls = dict(re.findall(r"^#   (\w+_url) +(\S+)$", text, re.MULTILINE))
    name = CLUSTER["metadata"]["name"]
    assert read_database_url(urls["database_url"])["host"] == f"{name}-rw"
    assert read_database_url(urls["database_migration_url"])["host"] == f"{name}-rw"
    assert read_database_url(urls["database_read_url"], for_writes=False)["host"] == f"{name}-ro"
    assert read_redis_url(urls["rate_limit_backend_url"]).kind == "sentinel"
    pods = f"{SENTINELS['metadata']['name']}-{{}}.{SENTINELS['spec']['serviceName']}"
    hosts = ",".join(pods.format(number) for number in range(SENTINELS["spec"]["replicas"]))
    assert f"@{hosts}/limits" in urls["rate_limit_backend_url"]
    owner = CLUSTER["spec"]["bootstrap"]["initdb"]["owner"]
    [role] = CLUSTER["spec"]["managed"]["roles"]
    assert read_database_url(urls["database_migration_url"])["user"] == owner
    assert read_database_url(urls["database_url"])["user"] == role["name"]
