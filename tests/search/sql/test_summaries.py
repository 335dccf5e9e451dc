"""Summaries from PostgreSQL are the same as those from the models."""

import datetime as dt
import re

import pytest
from pydantic import SecretStr

from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.details import read_details
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.platform.database.engine import Database
from scholarship_api.search import service
from scholarship_api.search.response_schemas import ScholarshipSummary
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import CatalogueVersion, Snapshot
from scholarship_api.search.summary import summary_of
from scholarship_api.settings.settings import Settings
from tests.search.conftest import CODEC, Awards, Insert

pytestmark = pytest.mark.anyio

DESCRIPTIONS = (
    "",
    "x" * 200,
    "x" * 201,
    f"{'word ' * 39}wordy, and more",
    f"{'x' * 199} y",
    f"{'x' * 198}, more",
    f"{'x' * 150}. {'y' * 80}",
    "é<&>\"'\\u0002 " + "line\n" * 60,
    "“Ünïcode” " * 40,
)

_FILLER = "This sentence has none of them, as long as it may be. " * 5
TOLD = (
    f"Echidna and disability and zoology. {_FILLER}",
    f"{_FILLER}Some echidna is found here. {_FILLER}A disability in zoology",
    f"{_FILLER}Some échidna is found here. {_FILLER}A disability in zoology",
    f"DISABILITY comes first. {_FILLER}Then zoology and an echidna.\n{_FILLER}",
)


@pytest.fixture(scope="module")
def awards(insert_awards: Insert, random_awards: Awards) -> Awards:
    return random_awards


@pytest.fixture(scope="module")
def described(insert_awards: Insert) -> None:
    insert_awards(
        {
            "id": f"described_{number}",
            "name": "Wombat \\ \"award\" & 'prize' <b>",
            "organization": "Ångström & Co",
            "scholarship_type": "athletic",
            "description": description,
            "application_deadline": "2035-05-01T12:30:00.25Z",
        }
        for number, description in enumerate(DESCRIPTIONS)
    )


@pytest.mark.usefixtures("awards", "described")
@pytest.mark.parametrize("days", [-30, 0, 20, 60])
async def test_summaries_from_postgresql_equal_those_from_the_models(
    module_database_url: str, days: int
) -> None:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    database = Database(Settings(environment="test", database_url=SecretStr(module_database_url)))
    current = CurrentModel(database, CatalogueVersions(database))
    catalogue = CatalogueVersion(current, await current.version())
    snapshot = Snapshot(database.fetch, now, catalogue=catalogue)
    shown: list[ScholarshipSummary] = []
    cursor: str | None = None
    while not shown or cursor is not None:
        request = SearchRequest(limit=100, include_closed=True, cursor=cursor)
        page = await service.search(snapshot, request, codec=CODEC)
        shown += [ScholarshipSummary.model_validate_json(item, strict=True) for item in page.items]
        cursor = page.next_cursor
    details = await read_details(database.fetch, [summary.id for summary in shown])
    assert shown == [summary_of(details[summary.id], now=now) for summary in shown]
    await database.close()
    assert len(shown) > len(DESCRIPTIONS)


async def matches(database_url: str, q: str) -> list[str]:
    """The highlighted passages of the awards that are found."""
    database = Database(Settings(environment="test", database_url=SecretStr(database_url)))
    current = CurrentModel(database, CatalogueVersions(database))
    catalogue = CatalogueVersion(current, await current.version())
    snapshot = Snapshot(database.fetch, dt.datetime.now(dt.UTC), catalogue=catalogue)
    page = await service.search(snapshot, SearchRequest(q=q), codec=CODEC)
    await database.close()
    return [ScholarshipSummary.model_validate_json(item).match or "" for item in page.items]


@pytest.mark.usefixtures("described")
async def test_highlights_are_escaped_except_the_marks(module_database_url: str) -> None:
    found = await matches(module_database_url, "wombat angstrom")
    assert len(found) == len(DESCRIPTIONS)
    for match in found:
        assert "<mark>Wombat</mark> \\ &quot;award&quot; &amp; &#x27;prize&#x27;" in match
        assert "<mark>Ångström</mark>" in match
        assert not set("<>\"'\x02\x03") & set(re.sub("</?mark>", "", match))


@pytest.fixture(scope="module")
def told(insert_awards: Insert) -> None:
    insert_awards(
        {
            "id": f"told_{number}",
            "name": "Platypus award",
            "organization": "A foundation",
            "scholarship_type": "athletic",
            "description": description,
        }
        for number, description in enumerate(TOLD)
    )


@pytest.mark.usefixtures("told")
async def test_every_sentence_with_a_word_is_highlighted(module_database_url: str) -> None:
    found = await matches(module_database_url, "echidna disabilities zoology")
    assert len(found) == len(TOLD)
    for match in found:
        marked = {word.lower() for word in re.findall("<mark>(.*?)</mark>", match)}
        assert marked == {"échidna" if "é" in match.lower() else "echidna", "disability", "zoology"}
