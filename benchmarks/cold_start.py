"""How long the image takes from its start to its first answer, beside debian:trixie-slim.

    python benchmarks/cold_start.py [--image scholarship-api:local] [--rounds 10]

The other image has the same packages and bytecode, on the base that the Dockerfile builds with and
Debian's Python. The two are started in turn, so that whatever else the machine does meets both.
Exits with 1 when ours is slower, with 2 when there is no container engine.
"""

import argparse
import http.client
import re
import socket
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]
HARDENED: Final = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
# It needs no server to answer /healthz.
SETTINGS: Final = (
    "--env=ENVIRONMENT=test",
    "--env=DISABLE_RATE_LIMIT_BACKEND=true",
    "--env=DATABASE_URL=postgresql://nobody@127.0.0.1:1/none",
    "--env=WEB_CONCURRENCY=1",
)
LONGEST_START_SECONDS: Final = 60.0
NOISE: Final = 1.05
"""Two runs of one image differ by up to this factor."""

OTHER: Final = """
FROM {base}
RUN apt-get update && apt-get install --yes --no-install-recommends python3.13
COPY --from={image} /opt/venv /opt/venv
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TMPDIR=/dev/shm
USER 65532:65532
ENTRYPOINT ["/opt/venv/bin/scholarship-api"]
"""


def docker(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["docker", *arguments], input=stdin, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="scholarship-api:local")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    try:
        docker("info", "--format", "{{.ServerVersion}}")
    except (OSError, subprocess.CalledProcessError):
        sys.stderr.write("No container engine answers here: nothing is measured.\n")
        return 2
    other = f"scholarship-cold-start:{uuid.uuid4().hex[:8]}"
    docker("build", "--quiet", "--tag", other, "-", stdin=_other(options.image))
    try:
        return compare({"distroless": options.image, "trixie-slim": other}, options.rounds)
    finally:
        docker("image", "rm", "--force", other)


def _other(image: str) -> str:
    match = re.search(r"^FROM (debian:\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert match
    return OTHER.format(base=match[1], image=image)


def compare(images: dict[str, str], rounds: int) -> int:
    seconds: dict[str, list[float]] = {name: [] for name in images}
    for number in range(rounds + 1):
        for name, image in images.items():
            start = cold_start(image)
            if number:  # the first of each fills the machine's file cache
                seconds[name].append(start)
    print(f"{'image':<12} {'median':>8} {'best':>8} {'worst':>8} {'MB':>7}")
    for name, image in images.items():
        size = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6
        took = seconds[name]
        middle = statistics.median(took)
        print(f"{name:<12} {middle:>6.2f} s {min(took):>6.2f} s {max(took):>6.2f} s {size:>7.1f}")
    ratio = statistics.median(seconds["distroless"]) / statistics.median(seconds["trixie-slim"])
    print(f"distroless takes {ratio:.2f} of the time of trixie-slim (limit {NOISE})")
    return 0 if ratio <= NOISE else 1


def cold_start(image: str) -> float:
    """Seconds from the start of a container to the first 200 of /healthz."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    publish = f"--publish=127.0.0.1:{port}:8000"
    container = docker("create", *HARDENED, *SETTINGS, publish, image, "serve")
    try:
        began = time.monotonic()
        docker("start", container)
        while not _answers(port):
            if time.monotonic() - began > LONGEST_START_SECONDS:
                raise TimeoutError(docker("logs", container))
            time.sleep(0.005)
        return time.monotonic() - began
    finally:
        docker("rm", "--force", container)


def _answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        finally:
            connection.close()
    return False


if __name__ == "__main__":
    sys.exit(main())
