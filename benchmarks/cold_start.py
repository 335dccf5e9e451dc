"""Time from the start of the image to its first answer, compared with debian:trixie-slim.

    python -m benchmarks.cold_start [--quick]

The image is the one that `make image` builds (IMAGE=name:tag names another one). The other image
has the same packages and bytecode, on the base that the Dockerfile builds with and Debian's Python.
Both are started in turn, so that other work on the machine affects both.
"""

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.goals import Figure, NotMeasuredError, run
from benchmarks.progress import progress_bar

IMAGE: Final = os.environ.get("IMAGE") or "scholarship-api:local"
REPOSITORY: Final = Path(__file__).parents[1]
ROUNDS: Final = 10
QUICK_ROUNDS: Final = 3
HARDENED: Final = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
# /healthz needs no other server.
SETTINGS: Final = (
    "--env=ENVIRONMENT=test",
    "--env=DISABLE_RATE_LIMIT_BACKEND=true",
    "--env=DATABASE_URL=postgresql://nobody@127.0.0.1:1/none",
    "--env=WEB_CONCURRENCY=1",
)
LONGEST_START_SECONDS: Final = 60.0
NOISE: Final = 1.05
"""Factor by which two runs of the same image may differ."""

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


def require_image() -> None:
    """Raises NotMeasuredError without a container engine or without the image."""
    for arguments, missing in (
        (["info"], "no container engine answers here"),
        (["image", "inspect", IMAGE], f"there is no image {IMAGE}: make image"),
    ):
        try:
            subprocess.run(["docker", *arguments], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            raise NotMeasuredError(missing) from None


def measure(*, quick: bool) -> Sequence[Figure]:
    require_image()
    other = f"scholarship-cold-start:{uuid.uuid4().hex[:8]}"
    try:
        docker("build", "--quiet", "--tag", other, "-", stdin=_other())
    except subprocess.CalledProcessError:
        raise NotMeasuredError("the image to compare with cannot be built") from None
    try:
        seconds = _in_turn({"ours": IMAGE, "slim": other}, QUICK_ROUNDS if quick else ROUNDS)
    finally:
        docker("image", "rm", "--force", other)
    ours, slim = (statistics.median(seconds[name]) for name in ("ours", "slim"))
    detail = f"{ours:.2f} s ({min(seconds['ours']):.2f}-{max(seconds['ours']):.2f}) / {slim:.2f} s"
    goal = "cold start to the first 200 / trixie-slim's"
    return [Figure(goal, ours / slim, "at most", NOISE, "x", detail)]


def _other() -> str:
    match = re.search(r"^FROM (debian:\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert match
    return OTHER.format(base=match[1], image=IMAGE)


def _in_turn(images: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in images}
    with progress_bar() as progress:
        for number in progress.track(range(rounds + 1), description="Starts"):
            for name, image in images.items():
                start = cold_start(image)
                if number:  # the first start of each fills the machine's file cache
                    seconds[name].append(start)
    return seconds


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
    sys.exit(run(measure, __doc__))
