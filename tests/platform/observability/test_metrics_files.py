"""The metrics files of a worker work while its disk is full."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import pathlib
import resource
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessRecord

def observe(route):
    metrics.observe_request(AccessRecord("GET", route, 200, 0.1, 0, "t", "r", None, None, 0.0))

observe("/first")
# No file may grow any more, as on a full disk.
size = max(file.stat().st_size for file in pathlib.Path(".").glob("*.db"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for number in range(300):
    observe(f"/api/v1/a-route-with-a-usual-name/{number}")
text = metrics.render().decode()
assert text.count("http_requests_total{") == 301, text.count("http_requests_total{")
"""


def test_new_labels_are_counted_while_the_disk_is_full(tmp_path: Path) -> None:
    variables = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
