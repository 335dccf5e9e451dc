"""The gunicorn worker: uvicorn with our protocol and our end."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from typing import Any, ClassVar, Final, Self

import structlog
from uvicorn.config import STARTUP_FAILURE
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]

from scholarship_api.platform.server.graceful import Ending, GracefulServer
from scholarship_api.platform.server.limits import ConnectionState, Limits
from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from scholarship_api.platform.server.rejections import refusal_app
from scholarship_api.platform.server.shared_state import REPLACEMENT_FAILED, Fleet
from scholarship_api.settings.settings import Settings
from scholarship_api.settings.timing import CLOSING_SECONDS

_log = structlog.stdlib.get_logger(__name__)

_OBJECTS_PER_COLLECTION: Final = 10_000

_RETRY_SECONDS: Final = 1.0
"""Pause before a worker that could not start is replaced, so that the arbiter does not spin."""


class GracefulWorker(UvicornWorker):  # type: ignore[misc]
    """Made by the arbiter, once per worker; `configured` gives it its settings first."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": BoundedHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the request context middleware reads them
        "limit_max_requests": None,  # GracefulServer counts
    }

    settings: ClassVar[Settings]
    fleet: ClassVar[Fleet | None] = None

    @classmethod
    def configured(cls, settings: Settings) -> type[Self]:
        """A worker class with these settings."""
        return type(cls.__name__, (cls,), {"settings": settings})

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's
        super().__init__(*args, **kwargs)
        for name in ("uvicorn.error", "uvicorn.access"):
            logger = logging.getLogger(name)
            logger.handlers = []
            logger.propagate = name == "uvicorn.error"
        fleet = type(self).fleet or Fleet(self.cfg.worker_tmp_dir)
        type(self).fleet = self._fleet = fleet
        self._generation = fleet.generation

    @classmethod
    def reload(cls) -> None:
        """The arbiter is about to replace all workers."""
        if cls.fleet is not None:
            cls.fleet.reload()

    @classmethod
    def end(cls) -> None:
        """The arbiter is about to end all workers. Safe in a signal handler."""
        if cls.fleet is not None:
            cls.fleet.end()

    def init_process(self) -> None:
        # Held until we serve: as long as a replacement starts, no other worker is recycled.
        self._fleet.take_turn()
        try:
            super().init_process()
        except Exception as error:  # noqa: BLE001 - gunicorn would print it beside the log
            _log.critical("worker.failed", pid=os.getpid(), exc_info=error)
            self._give_up()
        except SystemExit as end:
            if end.code == STARTUP_FAILURE:
                self._give_up()
            raise

    def _give_up(self) -> None:
        code = self._fleet.boot_failure_code()
        if code == REPLACEMENT_FAILED:
            time.sleep(_RETRY_SECONDS)
        sys.exit(code)

    async def _serve(self) -> None:
        settings = self.settings
        # The application stays for good, and little of what a request leaves behind is in cycles:
        # to look for them after each 700 objects took 3 % of all CPU time.
        gc.freeze()
        gc.set_threshold(_OBJECTS_PER_COLLECTION)
        self.config.app = self.wsgi
        server = GracefulServer(
            self.config,
            state=ConnectionState(refusal_app(settings), Limits(url_bytes=settings.max_url_length)),
            ending=Ending(
                delay=settings.shutdown_delay,
                drain=settings.drain_seconds,
                closing=CLOSING_SECONDS,
                idle=settings.keepalive,
            ),
            fleet=self._fleet,
            generation=self._generation,
            max_requests=self.max_requests,
            is_orphan=lambda: os.getppid() != self.ppid,
        )
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None
        )
        # The sockets themselves: uvloop closes gunicorn's wrappers twice.
        await server.serve(sockets=[listener.sock for listener in self.sockets])
