"""The effects of rules and synonyms on searches."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import psycopg
import pytest

from scholarship_api.search import limits
from scholarship_api.search.rules import SearchRules, SeparatedWords
from tests.api_keys.conftest import Headers
from tests.search_rules.conftest import (
    QUOKKAS,
    RULES,
    SEARCH,
    SYNONYMS,
    Create,
    ids,
    search,
    walk,
)

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 30.0


# --- Pins ----------------------------------------------------------------------------------------


async def test_pinned_awards_come_first_and_say_so(
    client: httpx.AsyncClient, create: Create
) -> None:
    plain = await search(client, "quokka", limit=100)
    assert all("pinned" not in item for item in plain["items"])
    await create(query="Quokkas", pin=["wombat", QUOKKAS[9]])
    found = await search(client, "quokka", limit=100, facets="true")
    assert ids(found)[:2] == ["wombat", QUOKKAS[9]]
    assert [item.get("pinned") for item in found["items"]] == [True, True, *[None] * 11]
    assert sorted(ids(found)) == sorted({*ids(plain), "wombat"})
    assert (found["total"], found["total_is_exact"]) == (13, True)
    counted = sum(each["count"] for each in found["facets"]["scholarship_types"])
    assert counted == 13


async def test_pins_must_be_published_and_pass_the_filters(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(query="quokka", pin=["draft", "no-such-award", QUOKKAS[1], QUOKKAS[2]])
    assert ids(await search(client, "quokka"))[:2] == [QUOKKAS[1], QUOKKAS[2]]
    found = await search(client, "quokka", scholarship_types="need_based")
    assert ids(found)[0] == QUOKKAS[2]
    assert QUOKKAS[1] not in ids(found)
    assert found["total"] == 6


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_a_walk_with_pins_neither_repeats_nor_loses_an_award(
    client: httpx.AsyncClient, create: Create, limit: int
) -> None:
    await create(query="quokka", pin=["wombat", QUOKKAS[9], QUOKKAS[3]])
    whole = ids(await search(client, "quokka", limit=100))
    pages = await walk(client, "quokka", limit=limit)
    assert [award for page in pages for award in ids(page)] == whole
    assert len(whole) == 13
    assert {page["total"] for page in pages} == {13}
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
    by_offset = [
        award
        for offset in range(0, 13, limit)
        for award in ids(await search(client, "quokka", limit=limit, offset=offset))
    ]
    assert by_offset == whole


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_walk_goes_on_with_the_pins_that_it_began_with(
    client: httpx.AsyncClient, create: Create, admin: Headers, limit: int
) -> None:
    rule = await create(query="quokka", pin=[QUOKKAS[9], QUOKKAS[3]])
    whole = ids(await search(client, "quokka", limit=100))
    first = await search(client, "quokka", limit=limit)
    answer = await client.delete(f"{RULES}/{rule['id']}", headers=admin)
    assert answer.status_code == 204
    await create(query="quokka", pin=["wombat", QUOKKAS[11]])
    rest = [first]
    while (cursor := rest[-1]["next_cursor"]) is not None:
        rest.append(await search(client, "quokka", limit=limit, cursor=cursor))
    assert [award for page in rest for award in ids(page)] == whole


async def test_pins_and_boosts_leave_an_order_that_was_asked_for(
    client: httpx.AsyncClient, create: Create
) -> None:
    before = await search(client, "quokka", sort="newest", limit=100)
    await create(query="quokka", pin=["wombat"], boost=[{"factor": 5, "organization": "Trust 1"}])
    assert await _items(client, "quokka", sort="newest", limit=100) == before["items"]


async def test_pins_hold_for_every_way_to_search(client: httpx.AsyncClient, create: Create) -> None:
    await create(query="quokka", pin=["wombat"], hide=[QUOKKAS[0]])
    posted = (await client.post(SEARCH, json={"q": "quokka"})).json()
    answer = await client.post("/api/v1/multi-search", json={"searches": [{"q": "quokka"}]})
    with_profile = (await client.post(SEARCH, json={"q": "quokka", "profile": {}})).json()
    uninterpreted = await search(client, "quokka", interpret="false", typo="false")
    for found in (posted, answer.json()["results"][0], with_profile, uninterpreted):
        assert ids(found)[0] == "wombat"
        assert found["items"][0]["pinned"] is True
        assert QUOKKAS[0] not in ids(found)
    assert with_profile["items"][0]["verdict"]
    assert with_profile["items"][1]["verdict"]


async def test_a_query_that_finds_nothing_else_shows_its_pins(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(query="zzyzx", pin=["wombat"])
    found = await search(client, "zzyzx", facets="states")
    assert (ids(found), found["total"], found["next_cursor"]) == (["wombat"], 1, None)
    await create(query="the who", pin=["ibis"])
    assert ids(await search(client, "the who")) == ["ibis"]


async def test_pins_come_first_where_all_words_are_filters(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(query="no essay scholarships", pin=["wombat"])
    pages = await walk(client, "no essay scholarships", limit=3)
    shown = [award for page in pages for award in ids(page)]
    assert shown[0] == "wombat"
    assert len(shown) == len(set(shown)) == pages[0]["total"]


# --- Hiding and boosts ---------------------------------------------------------------------------


async def test_hidden_awards_are_in_no_items_totals_or_facets(
    client: httpx.AsyncClient, create: Create
) -> None:
    before = await search(client, "quokka", limit=100, facets="disjunctive,scholarship_types")
    await create(query="quokka", hide=[QUOKKAS[1], QUOKKAS[2], QUOKKAS[3]])
    after = await search(client, "quokka", limit=100, facets="disjunctive,scholarship_types")
    assert sorted({*ids(before)} - {*ids(after)}) == [QUOKKAS[1], QUOKKAS[2], QUOKKAS[3]]
    assert (before["total"], after["total"]) == (12, 9)
    assert _counts(before) == {"merit_based": 6, "need_based": 6}
    assert _counts(after) == {"merit_based": 4, "need_based": 5}
    # Other queries show them.
    assert QUOKKAS[1] in ids(await search(client, "quokka keepers", limit=100))


async def test_an_award_that_one_rule_pins_and_another_hides_is_hidden(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(query="quokka", pin=[QUOKKAS[1]])
    await create(query="quokka", match="contains", hide=[QUOKKAS[1]])
    assert QUOKKAS[1] not in ids(await search(client, "quokka", limit=100))


@pytest.mark.parametrize(
    "boost", [{"scholarship_ids": [QUOKKAS[11]]}, {"organization": "TRUST 11"}]
)
async def test_boosted_awards_rank_higher(
    client: httpx.AsyncClient, create: Create, boost: dict[str, Any]
) -> None:
    assert ids(await search(client, "keepers"))[0] != QUOKKAS[11]
    await create(query="keepers", boost=[{"factor": 2, **boost}])
    pages = await walk(client, "keepers", limit=5)
    shown = [award for page in pages for award in ids(page)]
    assert shown[0] == QUOKKAS[11]
    assert sorted(shown) == QUOKKAS
    assert all("pinned" not in item for page in pages for item in page["items"])


async def test_a_cursor_is_refused_when_the_boosts_have_changed(
    client: httpx.AsyncClient, create: Create
) -> None:
    first = await search(client, "keepers", limit=5)
    await create(query="keepers", boost=[{"factor": 2, "organization": "Trust 11"}])
    answer = await client.get(
        SEARCH, params={"q": "keepers", "limit": 5, "cursor": first["next_cursor"]}
    )
    assert answer.status_code == 422
    assert "rules" in answer.json()["details"]["fields"][0]["message"]


# --- Which queries -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "q", "is_pinned"),
    [
        ("exact", "quokka award", True),
        ("exact", "  QUOKKAS, awards! ", True),
        ("exact", "quökka award", True),
        ("exact", "award quokka", False),
        ("exact", "quokka award 3", False),
        ("exact", "quokka", False),
        ("contains", "awards for a quokka", True),
        ("contains", '"award" quokkas', True),
        ("contains", "quokka -award", False),
        ("contains", "quokka", False),
    ],
)
async def test_a_rule_names_words(
    client: httpx.AsyncClient, create: Create, match: str, q: str, is_pinned: bool
) -> None:
    await create(query="Quokka awards", match=match, pin=["wombat"])
    assert ("wombat" in ids(await search(client, q))) is is_pinned


async def test_a_rule_that_is_not_enabled_has_no_effect(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(query="quokka", pin=["wombat"], enabled=False)
    assert "wombat" not in ids(await search(client, "quokka"))


async def test_a_rule_is_in_force_from_an_instant_until_another(
    client: httpx.AsyncClient, create: Create
) -> None:
    now = dt.datetime.now(dt.UTC)

    def after(**time: float) -> str:
        return (now + dt.timedelta(**time)).isoformat()

    await create(query="quokka", pin=["wombat"], until=after(days=-1))
    await create(query="quokka", pin=["ibis"], **{"from": after(days=1)})
    await create(query="quokka", pin=["marmot"], **{"from": after(days=-1), "until": after(days=1)})
    assert ids(await search(client, "quokka"))[:1] == ["marmot"]
    assert not {"wombat", "ibis"} & {*ids(await search(client, "quokka"))}


@pytest.mark.slow
async def test_a_cached_answer_ends_when_a_rule_begins_or_ends(
    client: httpx.AsyncClient, create: Create
) -> None:
    now = dt.datetime.now(dt.UTC)
    start, end = (now + dt.timedelta(seconds=seconds) for seconds in (2, 5))
    await create(
        query="quokka", pin=["wombat"], **{"from": start.isoformat(), "until": end.isoformat()}
    )
    seen: list[tuple[dt.datetime, bool, dt.datetime]] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while dt.datetime.now(dt.UTC) < end or seen[-1][1]:
            asked_at = dt.datetime.now(dt.UTC)
            is_pinned = "wombat" in ids(await search(client, "quokka"))
            seen.append((asked_at, is_pinned, dt.datetime.now(dt.UTC)))
            await asyncio.sleep(0.1)
    for asked_at, is_pinned, answered_at in seen:
        if start <= asked_at and answered_at < end:
            assert is_pinned
        if answered_at < start or asked_at >= end:
            assert not is_pinned
    assert any(is_pinned for _, is_pinned, _ in seen)


# --- Every worker --------------------------------------------------------------------------------


async def test_a_change_is_in_force_with_the_next_request_on_every_worker(
    clients: list[httpx.AsyncClient], create: Create, admin: Headers
) -> None:
    one, other = clients
    for client in clients:  # the answers are in both caches
        assert "wombat" not in ids(await search(client, "quokka"))
        assert "wombat" not in ids(await search(client, "zyzzyva"))
    rule = await create(query="quokka", pin=["wombat"])
    for client in (other, one):
        assert ids(await search(client, "quokka"))[0] == "wombat"
    entry = await create(SYNONYMS, kind="one_way", words=["zyzzyva"], others=["wombats"])
    for client in (other, one):
        assert ids(await search(client, "zyzzyva")) == ["wombat"]
    for path in (f"{RULES}/{rule['id']}", f"{SYNONYMS}/{entry['id']}"):
        assert (await other.delete(path, headers=admin)).status_code == 204
    for client in (one, other):
        assert "wombat" not in ids(await search(client, "quokka"))
        assert "wombat" not in ids(await search(client, "zyzzyva"))


async def test_a_change_by_sql_is_in_force_with_the_next_request(
    client: httpx.AsyncClient, create: Create, module_database_url: str
) -> None:
    await create(query="quokka", pin=["wombat"])
    assert ids(await search(client, "quokka"))[0] == "wombat"
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute("TRUNCATE search_rules")
    assert "wombat" not in ids(await search(client, "quokka"))


# --- Synonyms and exceptions ---------------------------------------------------------------------


async def test_two_way_synonyms_find_each_other(client: httpx.AsyncClient, create: Create) -> None:
    await create(SYNONYMS, kind="two_way", words=["ibis", "marmots", "Sacred bird!"])
    assert ids(await search(client, "ibis")) == ["ibis", "marmot"]
    assert ids(await search(client, "marmot")) == ["marmot", "ibis"]
    assert sorted(ids(await search(client, "sacred birds"))) == ["ibis", "marmot"]


async def test_the_words_of_a_synonym_are_known_to_the_analytics(
    client: httpx.AsyncClient, create: Create
) -> None:
    unknown = (await search(client, "qzvxwj"))["search_id"]
    assert (await search(client, "zorbing"))["search_id"] == unknown
    await create(SYNONYMS, kind="one_way", words=["zorbing"], others=["marmot"])
    assert (await search(client, "zorbing"))["search_id"] != unknown


async def test_one_way_synonyms_work_in_one_direction(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(SYNONYMS, kind="one_way", words=["ibis"], others=["marmot"])
    assert ids(await search(client, "ibis")) == ["ibis", "marmot"]
    assert ids(await search(client, "marmot")) == ["marmot"]


async def test_synonyms_are_taken_away(client: httpx.AsyncClient, create: Create) -> None:
    await create(SYNONYMS, kind="two_way", words=["ibis", "marmot", "wombat"])
    await create(SYNONYMS, kind="not_synonyms", words=["Ibis"], others=["marmots"])
    assert sorted(ids(await search(client, "ibis"))) == ["ibis", "wombat"]
    assert sorted(ids(await search(client, "marmot"))) == ["ibis", "marmot", "wombat"]
    await create(SYNONYMS, kind="not_synonyms", words=["marmot"])
    assert ids(await search(client, "marmot")) == ["marmot"]


async def test_words_of_one_stem_are_separated(client: httpx.AsyncClient, create: Create) -> None:
    for word in ("numerical", "numerate"):
        assert sorted(ids(await search(client, word))) == ["number", "numbers"]
    await create(SYNONYMS, kind="separate", words=["numerical", "numeric"], others=["numerate"])
    assert ids(await search(client, "numerical")) == ["numbers"]
    assert ids(await search(client, "numerate")) == ["number"]


async def test_words_of_a_stem_of_too_many_awards_stay_mixed(
    client: httpx.AsyncClient, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(SYNONYMS, kind="separate", words=["numerical", "numeric"], others=["numerate"])
    monkeypatch.setattr(limits, "MAX_SEPARATED_AWARDS", 1)
    assert sorted(ids(await search(client, "numerical"))) == ["number", "numbers"]


def test_a_search_applies_the_oldest_entries_of_separated_words() -> None:
    pairs = [SeparatedWords(("numerical",), (f"number{count}",)) for count in range(5)]
    for q in ("numerical", "numerical or numerical"):
        effect = SearchRules(separated=pairs).effect_on(q, now=dt.datetime.now(dt.UTC))
        assert list(effect.separated) == pairs[: limits.MAX_SEPARATED_PAIRS]


async def test_a_word_is_never_corrected(client: httpx.AsyncClient, create: Create) -> None:
    assert (await search(client, "quokkka keepers"))["did_you_mean"] == "quokka keepers"
    await create(SYNONYMS, kind="never_corrected", words=["quokkka"])
    assert "did_you_mean" not in await search(client, "quokkka keepers")


async def _items(client: httpx.AsyncClient, q: str, **params: Any) -> list[Any]:  # noqa: ANN401
    items: list[Any] = (await search(client, q, **params))["items"]
    return items


def _counts(page: dict[str, Any]) -> dict[str, int]:
    return {each["value"]: each["count"] for each in page["facets"]["scholarship_types"]}
