"""`run_worker`: wiring of the worker process, as app.py wires the API."""

import asyncio
import contextlib
import signal
from typing import Final

import structlog
import uvloop

from scholarship_api.mail import metrics as mail_metrics
from scholarship_api.mail.delivery import Mailer
from scholarship_api.mail.sending import MailServer
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.observability import sentry
from scholarship_api.saved_searches import notifications
from scholarship_api.saved_searches.matching import SearchMatcher
from scholarship_api.search.parts import search_parts
from scholarship_api.settings.settings import Settings
from scholarship_api.webhooks import metrics as webhook_metrics
from scholarship_api.webhooks.delivery import Deliverer
from scholarship_api.webhooks.sending import Sender
from scholarship_api.worker import probe
from scholarship_api.worker.dispatcher import Dispatcher
from scholarship_api.worker.jobs import Jobs

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = structlog.stdlib.get_logger(__name__)


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; then finish the messages that are being sent, and return."""
    sentry.configure(settings)
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    webhook_metrics.declare()
    mail_metrics.declare()
    database = Database(settings)
    sender = Sender(allow_private=settings.webhook_allow_private)
    deliverer = Deliverer(database, sender, is_stopping=stopping.is_set)
    sends_mail = bool(settings.smtp_url.get_secret_value())
    mailer = Mailer(database, settings, MailServer(settings)) if sends_mail else None
    jobs = Jobs(settings, deliverer, mailer)
    dispatcher = Dispatcher(database, jobs, sends_mail=sends_mail)
    search = search_parts(settings, database)
    matcher = SearchMatcher(database, search.answers, search.cursor_codec)
    tasks = {
        loop.create_task(jobs.run(), name="jobs"),
        loop.create_task(dispatcher.run(), name="dispatcher"),
        loop.create_task(notifications.run(database, matcher), name="saved searches"),
    }
    http = None
    if settings.worker_port:
        http = probe.server(settings, is_healthy=lambda: dispatcher.is_healthy)
        tasks.add(loop.create_task(http.serve(), name="probe"))
    ending = loop.create_task(stopping.wait(), name="signals")
    _log.info("worker.started")
    try:
        await asyncio.wait({*tasks, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.set()
        _log.info("worker.stopping")
        if http is not None:
            http.should_exit = True
        for task in tasks:
            if task.get_name() != "probe":
                task.cancel()
        results = await asyncio.gather(*tasks, ending, return_exceptions=True)
        with contextlib.suppress(Exception):
            await search.read_model.close()
        with contextlib.suppress(Exception):
            await database.close()
        _log.info("worker.stopped")
    for result in results:
        if isinstance(result, Exception):
            raise result
