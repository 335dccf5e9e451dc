"""The pods of sentinel.yaml, as processes: their script configures them, and they fail over."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.gunicorn_server import REPOSITORY
from tests.deploy.manifests import Document, documents
from tests.deploy.redis_nodes import PASSWORD, SERVICE, RedisNode, Sentinel

MANIFEST: Final = REPOSITORY / "deploy" / "kubernetes-high-availability" / "sentinel.yaml"
PODS: Final = 3


def manifest(kind: str) -> Document:
    [found] = [document for document in documents(MANIFEST) if document["kind"] == kind]
    return found


def pod_spec() -> Document:
    spec: Document = manifest("StatefulSet")["spec"]["template"]["spec"]
    return spec


class Pod:
    """A Valkey and a Sentinel at an address of their own, with the ports of all pods."""

    def __init__(self, folder: Path, host: str, first: "Pod | None" = None) -> None:
        self.host = host
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.valkey = RedisNode(folder / "valkey")
        self.sentinel = Sentinel(folder / "sentinel", self.valkey)
        self._first = first or self
        for node, own in ((self.valkey, self._first.valkey), (self.sentinel, self._first.sentinel)):
            node.host, node.port = host, own.port
            (node.folder / "server.conf").unlink(missing_ok=True)
        for node, file in ((self.valkey, "valkey.conf"), (self.sentinel, "sentinel.conf")):
            (node.folder / "server.conf").symlink_to(self.data / file)
        (folder / "password").write_text(PASSWORD)
        self._environment = {
            "PATH": os.environ["PATH"],
            "SELF": host,
            "FIRST": self._first.host,
            "BIND": host,
            "PORT": str(self.valkey.port),
            "SENTINEL_PORT": str(self.sentinel.port),
            "DATA": str(self.data),
            "PASSWORD_FILE": str(folder / "password"),
        }

    def start(self) -> None:
        script = manifest("ConfigMap")["data"]["configure.sh"]
        subprocess.run(["sh"], input=script, text=True, env=self._environment, check=True)
        self.valkey.start()
        self.sentinel.start()

    def kill(self) -> None:
        self.sentinel.kill()
        self.valkey.kill()

    def knows_others(self) -> bool:
        others = self.sentinel.execute("SENTINEL", "SENTINELS", SERVICE)
        return self.sentinel.knows_replicas(PODS - 1) and len(others) == PODS - 1

    def primary(self) -> str:
        """The host that its Sentinel names."""
        return str(self.sentinel.execute("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[0])


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[list[Pod]]:
    network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    first = Pod(tmp_path / "0", f"{network}.10")
    others = [Pod(tmp_path / str(n), f"{network}.{n + 10}", first) for n in range(1, PODS)]
    with ExitStack() as stack:
        for pod in (first, *others):
            stack.callback(pod.kill)
            pod.start()
        yield [first, *others]


@pytest.mark.server
@pytest.mark.slow
def test_the_pods_fail_over_and_a_lost_one_comes_back_as_a_replica(pods: list[Pod]) -> None:
    first, second, third = pods
    for pod in pods:
        pod.sentinel.until(pod.knows_others)
        assert pod.primary() == first.host
    for pod in (second, third):
        pod.valkey.until(pod.valkey.replicates)
    first.kill()
    second.sentinel.until(lambda: second.primary() != first.host)
    new = {pod.host: pod for pod in pods}[second.primary()]
    new.valkey.until(new.valkey.is_primary)
    first.start()
    first.valkey.until(first.valkey.replicates)
    first.sentinel.until(lambda: first.primary() == new.host)
    assert new.valkey.is_primary()


def test_the_script_has_all_its_variables() -> None:
    [configure] = pod_spec()["initContainers"]
    script = manifest("ConfigMap")["data"]["configure.sh"]
    given = {one["name"] for one in configure["env"]}
    for name in ("SELF", "FIRST", "BIND", "PORT", "SENTINEL_PORT", "DATA", "PASSWORD_FILE"):
        assert name in given
        assert f"${name}" in script
    assert f"sentinel monitor {SERVICE} " in script
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_the_pods_find_each_other_by_the_names_of_the_service() -> None:
    [configure] = pod_spec()["initContainers"]
    variables = {one["name"]: one.get("value") for one in configure["env"]}
    stateful, service = manifest("StatefulSet"), manifest("Service")
    name = stateful["metadata"]["name"]
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"] == name
    assert variables["FIRST"] == f"{name}-0.{name}"
    assert variables["SELF"] == f"$(POD_NAME).{name}"
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert stateful["spec"]["replicas"] == PODS
    ports = {each["name"]: each["ports"][0]["containerPort"] for each in pod_spec()["containers"]}
    assert ports == {
        "valkey": int(str(variables["PORT"])),
        "sentinel": int(str(variables["SENTINEL_PORT"])),
    }


def test_the_pods_are_locked_down() -> None:
    spec = pod_spec()
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*spec["initContainers"], *spec["containers"]):
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
