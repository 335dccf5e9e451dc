"""The steps of the VM tests pass in network namespaces."""

from collections.abc import Iterator

import pytest

from nix.tests import vm_steps
from nix.tests.vm_steps.machine import API, control
from nix.tests.vm_steps.probes import MIGRATION_LOCK
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from tests.nix.deployment import SUITE, forget_limits, running_cluster
from tests.nix.namespaces import Machine, why_impossible

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Machine, Machine, Machine]]:
    if reason := why_impossible():
        pytest.skip(reason)
    with running_cluster(tmp_path_factory.mktemp("machines") / "cluster") as machines:
        yield machines


@pytest.fixture
def cluster(machines: tuple[Machine, Machine, Machine]) -> vm_steps.Cluster:
    forget_limits(machines[0])
    return vm_steps.Cluster(*machines, suite=SUITE)


# The steps run in this order on one cluster, because the race needs an empty database.


def test_probes(cluster: vm_steps.Cluster) -> None:
    vm_steps.probes.check(cluster)


def test_cors(cluster: vm_steps.Cluster) -> None:
    vm_steps.cors.check(cluster)


def test_shutdown(cluster: vm_steps.Cluster) -> None:
    control(cluster.server, "stop", API)
    vm_steps.shutdown.check(cluster.server, cluster.client, cluster.suite)


def test_the_lock_is_that_of_the_migrations() -> None:
    assert AdvisoryLock.SCHEMA_MIGRATION.value == MIGRATION_LOCK
