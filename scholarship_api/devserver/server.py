"""The process that serves under `scholarship-api dev`; supervisor.py starts it and stops it."""

import json
import signal
import socket
import sys
import time
from typing import Final

import uvicorn
from rich.console import Console

DRAIN_SECONDS: Final = 5

console = Console(highlight=False, soft_wrap=True)


class _Server(uvicorn.Server):
    """A uvicorn server that prints when it is ready."""

    def __init__(self, config: uvicorn.Config, *, url: str, started: float | None) -> None:
        super().__init__(config)
        self._url = url
        self._started_at = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._started_at is None:
            console.print("[green]Reloaded.[/green]")
            return
        seconds = time.monotonic() - self._started_at
        console.print(f"  API          {self._url}")
        console.print(f"  Docs         {self._url}/docs")
        console.print(f"  Try          curl '{self._url}/api/v1/search?q=engneering'")
        console.print(f"[green]Ready[/green] after {seconds:.1f} s. Ctrl-C stops everything.")


def serve(*, descriptor: int, app: str, url: str, started: float | None) -> None:
    """Serve the factory `app` on an inherited socket until SIGTERM, then end with exit code 0.

    `started` is the `time.monotonic()` of the command, or None for a reload.
    """
    # After its shutdown, uvicorn sends itself the signal again. This handler receives it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    config = uvicorn.Config(
        app,
        factory=True,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,  # the application configures logging itself
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _Server(config, url=url, started=started).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))
