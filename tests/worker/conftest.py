"""The application on a database of the module, and workers beside it in this process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import pytest

from scholarship_api.mail.delivery import Mailer
from scholarship_api.mail.sending import MailServer
from scholarship_api.saved_searches import notifications
from scholarship_api.saved_searches.matching import SearchMatcher
from scholarship_api.webhooks.delivery import Deliverer
from scholarship_api.webhooks.sending import Sender
from scholarship_api.worker.dispatcher import Dispatcher
from scholarship_api.worker.jobs import Jobs
from tests.catalogue.api import Api, serving

WAIT_SECONDS = 60.0
"""Generous: machines that are busy take long, and a state that never comes fails all the same."""


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url, webhook_allow_private=True) as api:
        yield api


@asynccontextmanager
async def working(api: Api) -> AsyncIterator[Dispatcher]:
    """A worker without its signals and its HTTP server."""
    database, settings = api.app.state.database, api.app.state.settings
    stopping = asyncio.Event()
    deliverer = Deliverer(database, Sender(allow_private=True), is_stopping=stopping.is_set)
    sends_mail = bool(settings.smtp_url.get_secret_value())
    mailer = Mailer(database, settings, MailServer(settings)) if sends_mail else None
    jobs = Jobs(settings, deliverer, mailer)
    dispatcher = Dispatcher(database, jobs, sends_mail=sends_mail)
    matcher = SearchMatcher(database, api.app.state.answers, api.app.state.cursor_codec)
    tasks = [
        asyncio.create_task(jobs.run()),
        asyncio.create_task(dispatcher.run()),
        asyncio.create_task(notifications.run(database, matcher)),
    ]
    try:
        yield dispatcher
    finally:
        stopping.set()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in results), results


async def until(state: Callable[[], object]) -> None:
    """Wait for a state."""
    end = time.monotonic() + WAIT_SECONDS
    while not state():
        assert time.monotonic() < end, "the state did not come"
        await asyncio.sleep(0.05)


async def until_equal(read: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until an answer is the wanted one."""
    end = time.monotonic() + WAIT_SECONDS
    while (found := await read()) != wanted:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)


@contextmanager
def worker_process(environment: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """`scholarship-api worker` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scholarship_api", "worker"],
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
