"""The application with one user of each role, on a database of the module."""

from collections.abc import AsyncIterator

import pytest

from tests.catalogue.api import Api, serving


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url, webhook_allow_private=True) as api:
        yield api
