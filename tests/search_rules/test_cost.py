"""The cost of rules for searches that they do not concern, in calls of Python functions."""

import httpx
import pytest

from scholarship_api.search_rules import schemas
from tests.search.test_cost import counted_calls
from tests.search_rules.conftest import Create, search

pytestmark = pytest.mark.anyio

RULES_FOR_OTHER_WORDS = 100


async def calls_of(client: httpx.AsyncClient, q: str) -> int:
    """The calls of a search that no cache answers, of which the words are looked up already."""
    await search(client, q, limit=20)
    with counted_calls() as calls:
        await search(client, q, limit=21)
    return calls[0]


async def test_rules_for_other_words_cost_a_search_nearly_nothing(
    client: httpx.AsyncClient, create: Create
) -> None:
    without = await calls_of(client, "quokka keepers")
    for number in range(RULES_FOR_OTHER_WORDS):
        await create(query=f"word{number} other", match="contains", pin=["wombat"])
    await search(client, "wombat")  # reads the rules
    with_rules = await calls_of(client, "keepers quokka")
    assert with_rules <= 1.02 * without
    assert schemas.MAX_RULES > RULES_FOR_OTHER_WORDS
