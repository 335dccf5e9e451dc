"""The server answers the probes however busy it is, and knows them by the same list."""

from scholarship_api.health.paths import PROBE_PATHS
from scholarship_api.platform.server.protocol import UNCOUNTED_PATHS


def test_the_server_exempts_exactly_the_probes_from_its_concurrency_limit() -> None:
    assert {path.encode() for path in PROBE_PATHS} == UNCOUNTED_PATHS
