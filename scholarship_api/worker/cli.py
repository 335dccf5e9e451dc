"""The command `worker`."""

from scholarship_api.command_errors import EXIT_CONFIG
from scholarship_api.database_commands import fail
from scholarship_api.platform.observability import logging
from scholarship_api.settings.settings import load_settings
from scholarship_api.worker.main import run_worker


def worker_command() -> None:
    """Deliver webhooks and alerts until SIGTERM. Any number of workers may run."""
    settings = load_settings()
    logging.configure(settings)
    if not settings.database_url.get_secret_value():
        fail("DATABASE_URL is not set", code=EXIT_CONFIG)
    run_worker(settings)
