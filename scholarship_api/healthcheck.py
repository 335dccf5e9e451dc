"""`python -m scholarship_api.healthcheck`: exit code 0 while the local process answers /healthz.

For container health checks, which start it every few seconds: the standard library only.
"""

import http.client
import os
import sys
from typing import Final

TIMEOUT_SECONDS: Final = 3


def main() -> int:
    """0 when healthy, else 1 with the reason on standard error."""
    port = os.environ.get("PORT") or "8000"
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"unhealthy: no answer on port {port} ({type(error).__name__})\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"unhealthy: /healthz answered {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
