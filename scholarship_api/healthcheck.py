"""`python -m scholarship_api.healthcheck`: exit code 0 while the local process answers /healthz.

With the argument `worker` it asks the worker, on WORKER_PORT.

Container health checks start it every few seconds, so it imports the standard library only.
"""

import contextlib
import http.client
import os
import sys
from typing import Final

from scholarship_api.health.paths import LIVENESS

TIMEOUT_SECONDS: Final = 3


def main(*, worker: bool = False) -> int:
    """The exit code: 0 when healthy, else 1, with the reason on standard error."""
    port = os.environ.get("WORKER_PORT") or "8001" if worker else os.environ.get("PORT") or "8000"
    host = (os.environ.get("BIND_HOST") or "").split(",")[0].strip(" []")
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", LIVENESS)
            status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"unhealthy: no answer on port {port} ({type(error).__name__})\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"unhealthy: {LIVENESS} answered {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(worker=sys.argv[1:] == ["worker"]))
