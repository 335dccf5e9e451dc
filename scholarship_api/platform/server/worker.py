"""The gunicorn worker: uvicorn with our protocol and our shutdown."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any, ClassVar, Final, Self

import structlog
from starlette.types import Scope
from uvicorn.config import STARTUP_FAILURE
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]

from scholarship_api.platform.server.client_limits import ClientLimits
from scholarship_api.platform.server.graceful import GracefulServer, ShutdownTimeouts
from scholarship_api.platform.server.limits import ConnectionState, Limits
from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from scholarship_api.platform.server.rejections import rejection_app
from scholarship_api.platform.server.shared_state import REPLACEMENT_FAILED, SharedState
from scholarship_api.settings.settings import Settings
from scholarship_api.settings.timing import CLOSING_SECONDS

_log = structlog.stdlib.get_logger(__name__)

_OBJECTS_PER_COLLECTION: Final = 10_000
"""New objects after which the garbage collector looks for cycles; Python's default is 700."""

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
    shared: ClassVar[SharedState | None] = None

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
        shared = type(self).shared or SharedState(self.cfg.worker_tmp_dir)
        type(self).shared = self._shared = shared
        self._generation = shared.generation

    @classmethod
    def begin_generation(cls) -> None:
        """The arbiter is about to replace all workers."""
        if cls.shared is not None:
            cls.shared.begin_generation()

    @classmethod
    def begin_shutdown(cls) -> None:
        """The arbiter is about to end all workers. Safe in a signal handler."""
        if cls.shared is not None:
            cls.shared.begin_shutdown()

    def init_process(self) -> None:
        # Kept until this worker serves: while a replacement starts, no other worker is recycled.
        self._shared.acquire_recycle_slot()
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
        code = self._shared.boot_failure_code()
        if code == REPLACEMENT_FAILED:
            time.sleep(_RETRY_SECONDS)
        sys.exit(code)

    async def _serve(self) -> None:
        settings = self.settings
        _build_routes(self.wsgi)
        # The application's objects stay for good, and requests leave few cycles behind: looking
        # for them more often took 3 % of all CPU time.
        gc.freeze()
        gc.set_threshold(_OBJECTS_PER_COLLECTION)
        self.config.app = self.wsgi
        server = GracefulServer(
            self.config,
            state=ConnectionState(
                rejection_app(settings),
                Limits(url_bytes=settings.max_url_length),
                clients=ClientLimits(settings.trusted_proxy_ips),
                always_answered_paths=_always_answered_paths(self.wsgi),
            ),
            timeouts=ShutdownTimeouts(
                delay=settings.shutdown_delay,
                drain=settings.drain_seconds,
                closing=CLOSING_SECONDS,
                idle=settings.keepalive,
            ),
            shared=self._shared,
            generation=self._generation,
            max_requests=self.max_requests,
            is_orphan=lambda: os.getppid() != self.ppid,
        )
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None
        )
        # The sockets themselves: uvloop closes gunicorn's wrappers twice.
        await server.serve(sockets=[listener.sock for listener in self.sockets])


def _build_routes(app: object) -> None:
    """Build the models of every route before the first request.

    FastAPI builds those of a router when a request is first compared with it. The first request to
    an unknown path built all of them: it held the worker for .3 s and took 11 MiB.
    """
    matching_no_route: Scope = {"type": "http", "method": "GET", "path": "", "headers": []}
    for route in getattr(app, "routes", ()):
        route.matches(dict(matching_no_route))


def _always_answered_paths(app: object) -> Iterable[str]:
    """The paths that the application names at `app.state`, none if it names none."""
    paths: Iterable[str] = getattr(getattr(app, "state", None), "always_answered_paths", ())
    return paths
