"""gunicorn's configuration, made from the settings."""

import atexit
import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from scholarship_api.platform import shared_folder
from scholarship_api.platform.observability import metrics_folder
from scholarship_api.platform.server.cpu import available_cpus
from scholarship_api.platform.server.gunicorn_logger import PropagatingLogger
from scholarship_api.platform.server.worker import GracefulWorker
from scholarship_api.settings.settings import Settings

_SENTRY: Final = "scholarship_api.platform.observability.sentry_client"
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - memory, and gunicorn unlinks the file


def default_workers() -> int:
    return 2 * available_cpus() + 1


def gunicorn_options(settings: Settings) -> Mapping[str, Any]:
    """gunicorn's settings by name; times in seconds."""
    worker_class = GracefulWorker.configured(settings)

    def on_starting(arbiter: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        metrics_folder.prepare_multiprocess_dir()
        shared_folder.make_service_folder()
        modules = [arbiter.app.app_uri.partition(":")[0]]
        if settings.sentry_dsn.get_secret_value():
            modules.append(_SENTRY)
        _import_early(modules)

    def when_ready(arbiter: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        _announce_shutdown(arbiter, worker_class)

    def on_reload(_: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        worker_class.begin_generation()

    def child_exit(_: Any, worker: Any) -> None:  # noqa: ANN401
        metrics_folder.mark_process_dead(worker.pid)

    def worker_exit(_: Any, worker: Any) -> None:  # noqa: ANN401
        # The arbiter calls this too, for a worker that it finds dead.
        if worker.pid == os.getpid():
            _exit_quickly()

    def on_exit(_: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        metrics_folder.remove_multiprocess_dir()
        shared_folder.remove_service_folder()

    return {
        "bind": [
            f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
            for host in settings.bind_host
        ],
        "workers": settings.web_concurrency or default_workers(),
        "worker_class": worker_class,
        "timeout": settings.timeout,
        "graceful_timeout": settings.graceful_timeout,
        "keepalive": settings.keepalive,
        "max_requests": settings.max_requests,
        "max_requests_jitter": settings.max_requests_jitter,
        # On a disk, the heartbeat of a worker stops when the disk does.
        "worker_tmp_dir": _shared_memory(),
        "control_socket_disable": True,
        "forwarded_allow_ips": ",".join(str(network) for network in settings.trusted_proxy_ips),
        "logger_class": PropagatingLogger,
        "accesslog": None,
        "proc_name": "scholarship-api",
        "on_starting": on_starting,
        "when_ready": when_ready,
        "on_reload": on_reload,
        "child_exit": child_exit,
        "worker_exit": worker_exit,
        "on_exit": on_exit,
    }


def _announce_shutdown(arbiter: Any, worker_class: type[GracefulWorker]) -> None:  # noqa: ANN401
    """Tell the workers at once of a signal that ends the arbiter.

    While the arbiter reloads, it handles no signal for up to graceful_timeout.
    """

    def end(number: int, frame: FrameType | None) -> None:
        # A worker inherits this handler and keeps it until it sets its own.
        if os.getpid() == arbiter.pid:
            worker_class.begin_shutdown()
            arbiter.num_workers = 0  # workers that end now are not replaced
        arbiter.signal(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, end)


def _shared_memory() -> str | None:
    usable = _SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK)
    return str(_SHARED_MEMORY) if usable else None


def _import_early(modules: Iterable[str]) -> None:
    """Import once what each worker would import: they start in 0.1 s and share the memory."""
    for module in modules:
        # An application that cannot be imported is reported by the workers.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    # The garbage collector would write to the objects' headers, and so unshare their memory.
    gc.collect()
    gc.freeze()


def _exit_quickly() -> None:
    """End the worker without destroying the interpreter's objects one by one.

    That would take 0.6 s of CPU in a forked process, longer than its budget. With -W or
    PYTHONWARNINGS it is done, so that resources left open are reported.
    """
    if sys.warnoptions:
        return
    end = sys.exception()
    code = end.code if isinstance(end, SystemExit) else 1
    atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does in its children
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the pipe is closed, or the disk is full
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)
