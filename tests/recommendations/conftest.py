from collections.abc import AsyncIterator

import httpx
import pytest

from tests.eligibility.awards import serving


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(module_database_url) as client:
        yield client
