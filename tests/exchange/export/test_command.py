"""The command `export` with the filters of GET /scholarships/export."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.exchange.export.formats import ExportFormat
from tests.catalogue.api import Api, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def sample_database_url(module_database_url: str) -> str:
    load_bundled(module_database_url)
    return module_database_url


@pytest.fixture(scope="module")
async def api(sample_database_url: str) -> AsyncIterator[Api]:
    async with serving(sample_database_url) as api:
        yield api


async def run(database_url: str, *arguments: str) -> Done:
    start: Callable[[], Done] = partial(
        subprocess.run,
        [sys.executable, "-m", "scholarship_api", "export", *arguments],
        env={**os.environ, "COLUMNS": "200", "DATABASE_URL": database_url},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return await anyio.to_thread.run_sync(start)


def as_filters(parameters: dict[str, Any]) -> list[str]:
    return [f"--filter={name}={value}" for name, value in parameters.items()]


@pytest.mark.parametrize(
    "parameters",
    [
        {"include_closed": "true"},
        {"states": "NY,CA", "min_amount": 1000},
        {"q": "enginering", "include_closed": "true"},
        {"q": "the who"},
        {"q": "nothing has these words"},
    ],
)
async def test_it_writes_the_awards_that_the_api_exports(
    api: Api, sample_database_url: str, parameters: dict[str, Any]
) -> None:
    answer = await api.reader.client.get("/api/v1/scholarships/export", params=parameters)
    done = await run(sample_database_url, *as_filters(parameters))
    assert done.returncode == 0, done.stderr
    assert done.stdout == answer.text
    assert done.stderr == f"{len(answer.text.splitlines())} exported\n"


@pytest.mark.parametrize(
    "export_format", [ExportFormat.CSV, ExportFormat.NSPA, ExportFormat.COMMON_GRANTS]
)
async def test_filters_go_with_every_format(
    api: Api, sample_database_url: str, export_format: ExportFormat
) -> None:
    parameters = {"fields_of_study": "nursing"}
    answer = await api.reader.client.get(
        "/api/v1/scholarships/export", params={**parameters, "format": export_format}
    )
    done = await run(sample_database_url, *as_filters(parameters), "--format", export_format)
    assert done.returncode == 0, done.stderr
    assert done.stdout == answer.text
    assert len(done.stdout) > 1_000


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--filter", "states"], "states: must have the form NAME=VALUE"),
        (["--filter", "state=CA"], "state: is no filter; filters are cip_codes, citizenship"),
        (["--filter", "genders=woman"], "genders: is no filter"),
        (["--filter", "states=Ruritania"], "The filters cannot be used: states.0: "),
        (["--filter", "min_amount=5", "--filter", "max_amount=1"], "must not be below min_amount"),
        (["--filter", "q=a", "--status", "draft"], "Filters find published scholarships only."),
        (["--status", "draft", "--format", "ics"], "holds published scholarships only"),
    ],
)
async def test_a_filter_that_cannot_be_used_is_refused(
    sample_database_url: str, arguments: list[str], reason: str
) -> None:
    done = await run(sample_database_url, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert reason in done.stderr


async def test_a_database_that_is_away_is_said_in_one_line() -> None:
    done = await run("postgresql://nobody@127.0.0.1:1/none", "--filter", "q=nursing")
    assert done.returncode == 69
    assert done.stderr == "The database cannot be reached.\n"
