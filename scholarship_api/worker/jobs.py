"""The jobs of the worker, run by procrastinate on the same PostgreSQL.

A job only says that something is to be done. What that is, the tables of the feature say, so that a
job that is lost or runs twice does no harm.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import procrastinate
import psycopg
import sqlalchemy.exc
import structlog
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.mail.delivery import Mailer
from scholarship_api.platform.database.connection_settings import serving_arguments
from scholarship_api.settings.settings import Settings
from scholarship_api.webhooks.delivery import Deliverer, DueWebhook

WEBHOOKS: Final = "webhooks"
FAILING_WEBHOOKS: Final = "failing_webhooks"
"""Receivers that failed last time have a queue of their own, so that they delay nobody else."""
MAIL: Final = "mail"

CONCURRENCY: Final = {WEBHOOKS: 8, FAILING_WEBHOOKS: 4, MAIL: 4}
"""Jobs of a queue that one worker runs at the same time."""

LISTENING: Final = frozenset({WEBHOOKS, MAIL})
"""Queues that are told of new jobs, with a connection for each. Receivers that failed wait 5 s at
least, so that it does not matter for them."""

GRACE_SECONDS: Final = 15.0
"""For jobs that run at the end of the worker: a batch of messages takes 5 s."""

POLL_SECONDS: Final = 2.0
"""How often a queue is read without a notification; with PgBouncer there is never one."""

STALLED_SECONDS: Final = 30.0
"""A worker without a heartbeat for so long has died."""

RESTART_SECONDS: Final = 1.0

_TASK: Final = "deliver_webhook"
_MAIL_TASK: Final = "send_mail"
_ERRORS: Final = (ConnectorException, psycopg.Error)

_LOGGERS: Final = ("procrastinate.utils", "procrastinate.worker", "asyncio")
"""Loggers that say that procrastinate has lost the database. asyncio is one, because nobody waits
for the task of a job whose end could not be recorded."""

_log = structlog.stdlib.get_logger(__name__)


@contextmanager
def _postponing(task: str) -> Iterator[None]:
    """End a job without an error when the database is away: the next one does its work."""
    try:
        yield
    except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
        _log.info("worker.job_postponed", task=task, error=type(error).__name__)


def _without_traceback(record: logging.LogRecord) -> bool:
    """Take the traceback from what procrastinate says of a lost database, which it tries again."""
    if record.exc_info and isinstance(record.exc_info[1], _ERRORS):
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


class Jobs:
    """The queues of one worker process."""

    def __init__(self, settings: Settings, deliverer: Deliverer, mailer: Mailer | None) -> None:
        pgbouncer = settings.database_pgbouncer
        arguments = serving_arguments(settings.database_url.get_secret_value(), pgbouncer=pgbouncer)
        self._listens = not pgbouncer
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_without_traceback)
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                kwargs=arguments, min_size=1, max_size=settings.database_pool_size
            )
        )

        @self._app.task(name=_TASK, queue=WEBHOOKS)
        async def deliver_webhook(webhook_id: str) -> None:
            with _postponing(_TASK):
                await deliverer.run(uuid.UUID(webhook_id))

        @self._app.task(name=_MAIL_TASK, queue=MAIL)
        async def send_mail(mail_id: int) -> None:
            if mailer is not None:
                with _postponing(_MAIL_TASK):
                    await mailer.send(mail_id)

    async def run(self) -> None:
        """Run jobs until cancelled; then wait for those that run."""
        try:
            await self._open()
            async with asyncio.TaskGroup() as group:
                for queue in CONCURRENCY:
                    group.create_task(self._serve(queue), name=f"queue {queue}")
        finally:
            with suppress(*_ERRORS):
                await self._app.close_async()

    async def defer(self, due: Iterable[DueWebhook]) -> None:
        """Enqueue a job for each webhook that has none. Raises ConnectorException."""
        for webhook in due:
            job = self._app.configure_task(
                _TASK,
                queue=FAILING_WEBHOOKS if webhook.is_failing else WEBHOOKS,
                queueing_lock=f"webhook:{webhook.id}",
            )
            with suppress(AlreadyEnqueued):
                await job.defer_async(webhook_id=str(webhook.id))

    async def defer_mails(self, due: Iterable[int]) -> None:
        """Enqueue a job for each mail that has none. Raises ConnectorException."""
        for mail_id in due:
            job = self._app.configure_task(_MAIL_TASK, queue=MAIL, queueing_lock=f"mail:{mail_id}")
            with suppress(AlreadyEnqueued):
                await job.defer_async(mail_id=mail_id)

    async def forget_stalled(self) -> None:
        """Remove the jobs of workers that have died; what they had to do is found anew."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            if job.id is not None:
                await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
                _log.warning("worker.stalled_job_removed", job_id=job.id)
        await manager.prune_stalled_workers(STALLED_SECONDS)

    async def _open(self) -> None:
        while True:
            try:
                await self._app.open_async()
            except _ERRORS as error:
                _log.warning("worker.queue_not_reached", error=type(error).__name__)
                await asyncio.sleep(RESTART_SECONDS)
            else:
                return

    async def _serve(self, queue: str) -> None:
        while True:
            try:
                await self._app.run_worker_async(
                    queues=[queue],
                    name=queue,
                    concurrency=CONCURRENCY[queue],
                    install_signal_handlers=False,
                    listen_notify=self._listens and queue in LISTENING,
                    fetch_job_polling_interval=POLL_SECONDS,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    delete_jobs="always",
                    stalled_worker_timeout=STALLED_SECONDS,
                )
            except _ERRORS as error:
                _log.warning("worker.queue_lost", queue=queue, error=type(error).__name__)
            await asyncio.sleep(RESTART_SECONDS)
