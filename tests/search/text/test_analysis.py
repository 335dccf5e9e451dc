"""The analysis of a query: corrections, synonyms, noise, and relaxations."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import limits
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.text.analysis import analyse
from scholarship_api.search.text.tsquery import TextQuery
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"


def award(
    id_: str, name: str, description: str = "", organization: str = "Trust"
) -> dict[str, Any]:
    return {
        "id": id_,
        "name": name,
        "organization": organization,
        "description": description,
        "scholarship_type": "merit_based",
        "deadline_kind": "rolling",
    }


AWARDS = [
    award("acronym", "NSF Fellowship"),
    award("spelled_out", "Cyber Prize", organization="National Science Foundation"),
    award("doctoral", "Doctoral Prize", "For a doctorate in history."),
    award("physician", "White Coat Prize", "For physicians in training."),
    award("stage", "Stage Prize", "For students of theatre."),
    award("acts", "Acts Prize", "For acts of kindness."),
    award("lawyer", "Lawyer Prize"),
    award("law", "Law Prize", "For the 9 best."),
    award("texas", "Lone Star Prize", "For residents of Texas."),
    award("company", "Microsoft Disability Prize"),
    award("food", "Taco Bell Prize"),
    award("peace", "P.E.O. Prize", "For women."),
    award("german", "German Prize", "For studies in Bavaria."),
    award("many", "Astronomy Prize", "For women who study physics in Norway."),
    award("some", "Geology Prize", "For women who study physics."),
    award("cain", "Morehead Cain Prize"),
    award("inn", "Inn Prize", "For those who work in an inn. Covers, behaviour."),
    award("main", "Main Street Prize", "The main prize of Main Street."),
    award("main_too", "Mainland Prize", "Another main prize."),
]


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    insert_awards(AWARDS)


async def search(client: httpx.AsyncClient, q: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await client.get(PATH, params={"q": q, **params})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def ids(client: httpx.AsyncClient, q: str) -> list[str]:
    return [item["id"] for item in (await search(client, q))["items"]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("NSF", ["acronym", "spelled_out"]),
        ("national science foundation", ["spelled_out", "acronym"]),
        ("lawyers", ["lawyer", "law"]),  # awards with the word itself come first
        ("future doctors", ["physician", "doctoral"]),  # doctor has the stem of doctoral
        ("acting", ["stage", "acts"]),  # acting has the stem of acts
        ("TX", ["texas"]),
        ("tx", []),
        ("peo", ["peace"]),
        ("P.E.O.", ["peace"]),
        ("germany", ["german"]),
        ('"NSF"', ["acronym"]),  # quoted words have no synonyms
        ("german -bavaria", []),
        ("german -bavarian", ["german"]),
        ("lawyer -legal", ["lawyer", "law"]),  # excluded words have no synonyms
    ],
)
async def test_synonyms_are_found_too(client: httpx.AsyncClient, q: str, found: list[str]) -> None:
    assert await ids(client, q) == found


@pytest.mark.parametrize(
    ("q", "corrected", "first"),
    [
        ("micro soft disability", "microsoft disability", "company"),
        ("tacobell", "taco bell", "food"),
        ("tacobell pryze", "taco bell prize", "food"),
        ("astromony", "astronomy", "many"),
        ("gerology", "geology", "some"),
        ("lawyre", "lawyer", "lawyer"),
        ("physcs norwya", "physics norway", "many"),
        ("morehaed cain", "morehead cain", "cain"),
    ],
)
async def test_misspellings_are_corrected(
    client: httpx.AsyncClient, q: str, corrected: str, first: str
) -> None:
    body = await search(client, q)
    assert body["did_you_mean"] == corrected
    assert body["items"][0]["id"] == first


@pytest.mark.parametrize(
    "q",
    [
        "lww",  # three letters are corrected only by swapping two of them
        "isn't",  # the first part of a contraction
        "colors",  # the same word as Americans spell it
        "behaviors",
    ],
)
async def test_a_word_that_is_no_misspelling_is_not_corrected(
    client: httpx.AsyncClient, q: str
) -> None:
    assert "did_you_mean" not in await search(client, q)


async def test_at_most_six_words_are_corrected(client: httpx.AsyncClient) -> None:
    body = await search(client, "astromony gerology lawyre physcs norwya bavraia germna doctorla")
    assert body["did_you_mean"].split()[:6] == [
        "astronomy",
        "geology",
        "lawyer",
        "physics",
        "norway",
        "bavaria",
    ]
    assert body["did_you_mean"].split()[6:] == ["germna", "doctorla"]


async def test_a_corrected_word_has_synonyms(client: httpx.AsyncClient) -> None:
    assert set(await ids(client, "lawyre")) == {"lawyer", "law"}


async def test_a_word_with_synonyms_is_not_corrected(client: httpx.AsyncClient) -> None:
    body = await search(client, "attorney")  # no award has it
    assert {item["id"] for item in body["items"]} == {"lawyer", "law"}
    assert "did_you_mean" not in body


async def test_words_that_suit_all_awards_are_not_required(client: httpx.AsyncClient) -> None:
    assert await ids(client, "scholarships to study geology") == ["some"]
    assert await ids(client, "geology scholarship 5000") == ["some"]


async def test_a_query_is_relaxed_when_no_award_has_all_words(
    client: httpx.AsyncClient,
) -> None:
    assert await ids(client, "women physics norway") == ["many"]
    assert set(await ids(client, "women physics finland")) >= {"some", "many"}
    assert await ids(client, '"physics finland" women') == []
    body = await search(client, "women physics finland -norway")
    assert "many" not in {item["id"] for item in body["items"]}


async def test_a_query_is_not_relaxed_when_filters_leave_out_its_awards(
    client: httpx.AsyncClient,
) -> None:
    # The award "many" has all three words, but another type.
    assert (await search(client, "women physics norway", scholarship_types="athletic"))[
        "total"
    ] == 0
    # No award has these three.
    found = await search(client, "women physics finland", scholarship_types="merit_based")
    assert {item["id"] for item in found["items"]} >= {"some", "many"}
    assert (await search(client, "women physics finland", scholarship_types="athletic"))[
        "total"
    ] == 0


@pytest.mark.parametrize("q", ["K-9", "X&9"])
async def test_one_part_of_a_joined_word_is_not_enough(client: httpx.AsyncClient, q: str) -> None:
    assert await ids(client, q) == []


async def test_pages_of_a_relaxed_query_join(client: httpx.AsyncClient) -> None:
    whole = await ids(client, "women law finland")
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = await search(client, "women law finland", limit=1, **cursor)
        pages += [item["id"] for item in body["items"]]
        assert body["total"] == len(whole)
        if body["next_cursor"] is None:
            break
        cursor = {"cursor": body["next_cursor"]}
    assert pages == whole
    assert len(whole) > 2


async def test_synonyms_are_given_up_when_there_are_too_many_matches_to_rank(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await search(client, "lawyer"))["total"] == 2
    monkeypatch.setattr(limits, "RANKED_MATCHES", 1)
    body = await search(client, "lawyer", limit=10)
    assert (body["total"], body["total_is_exact"]) == (1, True)


# --- Round trips ---------------------------------------------------------------------------------


async def analysed(
    module_database_url: str, q: str, sent: list[str] | None = None
) -> TextQuery | None:
    database = Database(Settings(environment="test", database_url=SecretStr(module_database_url)))

    async def fetch(statement: str, parameters: Mapping[str, object]) -> list[Row]:
        if sent is not None:
            sent.append(statement)
        return await database.fetch(statement, parameters)

    try:
        return await analyse(Snapshot(fetch, dt.datetime.now(dt.UTC)), q)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("q", "trips"),
    [("women who study physics in texas", 1), ("lawyers", 1), ("phys", 1), ("geolgy nroway", 2)],
)
async def test_analysis_takes_one_round_trip_and_one_more_for_all_misspellings(
    module_database_url: str, q: str, trips: int
) -> None:
    sent: list[str] = []
    assert await analysed(module_database_url, q, sent) is not None
    assert len(sent) == trips


async def test_too_many_words_are_refused(module_database_url: str) -> None:
    with pytest.raises(ValidationFailed):
        await analysed(module_database_url, "law " * 33)
    assert await analysed(module_database_url, "%%") is None
