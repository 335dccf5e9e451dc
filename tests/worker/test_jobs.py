"""The log when the queue loses its database."""

import logging

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from scholarship_api.webhooks.delivery import Deliverer
from scholarship_api.webhooks.sending import Sender
from scholarship_api.worker.jobs import Jobs


@pytest.mark.parametrize("name", ["procrastinate.utils", "procrastinate.worker", "asyncio"])
@pytest.mark.parametrize("error", [ConnectorException(), psycopg.OperationalError()])
@pytest.mark.anyio
async def test_a_lost_database_is_a_warning_without_a_traceback(
    name: str, error: Exception, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.model_validate({"environment": "test", "database_url": database_url})
    database = Database(settings)
    Jobs(settings, Deliverer(database, Sender(), is_stopping=lambda: False), None)
    logging.getLogger(name).error("lost", exc_info=error)
    logging.getLogger(name).error("a defect", exc_info=ValueError("defect"))
    await database.close()
    [lost] = [record for record in caplog.records if record.message == "lost"]
    assert (lost.levelname, lost.exc_info) == ("WARNING", None)
    [defect] = [record for record in caplog.records if record.message == "a defect"]
    assert (defect.levelname, defect.exc_info is None) == ("ERROR", False)
