"""Searches for words: which awards are found, in which order, and how they are shown."""

from collections.abc import Iterable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"


def award(id_: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": id_,
        "name": "Plain award",
        "organization": "Some Trust",
        "scholarship_type": "merit_based",
        "deadline_kind": "rolling",
        **fields,
    }


AWARDS = [
    award("in_description", description="For students of engineering and of the sea."),
    award("in_organization", organization="Society of Engineering"),
    award("in_name", name="Engineering award"),
    award("women", name="Women in Engineering grant", description="Robots & <b>bridges</b>."),
    award("nursing", name="Nursing prize", description="Open to nurses in California."),
    award("nursing_texas", name="Nursing prize of Texas", description="Open to nurses."),
    award("accents", name="Élysée Études prize", organization="Fondation Beauvoir"),
    award("need", name="Bright award", description="Need-based help; tutoring/mentoring too."),
    award("signs", name="100% R&D award", description=r"a_b \ 'quoted' C++ O'Brien"),
    award("by_field", eligibility_criteria={"fields_of_study": ["mathematics"]}),
    award("artist", name="Portfolio prize", description="For an artist and any artisan."),
    award("arts", name="Fine arts prize"),
    award(
        "long",
        name="Long award",
        description="word " * 60 + "ending in a submarine that lies beyond the summary",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    insert_awards(AWARDS)


async def search(client: httpx.AsyncClient, q: str, **filters: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await client.get(PATH, params={"q": q, **filters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [item["id"] for item in body["items"]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("nursing", {"nursing", "nursing_texas"}),  # stems: nurses, nursing
        ("NURSES", {"nursing", "nursing_texas"}),
        ("nursing texas", {"nursing_texas"}),  # all words
        ("nursing -texas", {"nursing"}),
        ("-texas nursing", {"nursing"}),
        ('"women in engineering"', {"women"}),
        ('"engineering women"', set()),
        ('-"women in engineering" engineering', {"in_name", "in_organization", "in_description"}),
        ("nurs", {"nursing", "nursing_texas"}),  # prefix of the last word
        ("engineeri", {"in_name", "in_organization", "in_description", "women"}),
        ('"nurs"', set()),  # a quoted word is no prefix
        ("nurs texas", {"nursing_texas"}),  # no award of Texas has nurs, a prefix only as last word
        ("nursing lighthouse", {"nursing", "nursing_texas"}),  # no award has both words
        ("nursing texas award", {"nursing_texas"}),  # nearly every award is an award
        ("scholarship for nurses", {"nursing", "nursing_texas"}),
        ("elysee etudes", {"accents"}),
        ("ÉLYSÉE", {"accents"}),
        ("need based", {"need"}),
        ("need-based", {"need"}),
        ("mentoring", {"need"}),
        ("mathematics", {"by_field"}),  # the field of study counts as text
        ("art", {"arts", "artist"}),
        ("o'brien", {"signs"}),
        ("R&D", {"signs"}),
        ("submarine", {"long"}),
        ("the", set()),
        ("the engineering of", {"in_name", "in_organization", "in_description", "women"}),
    ],
)
async def test_the_awards_that_are_found(
    client: httpx.AsyncClient, q: str, found: Iterable[str]
) -> None:
    assert set(ids(await search(client, q))) == found


@pytest.mark.parametrize(
    ("q", "corrected", "first"),
    [
        ("engneering", "engineering", "in_name"),
        ("enginering", None, "in_name"),  # it has the stem of engineering
        ("nurisng", "nursing", "nursing"),
        ("nursng texsa", "nursing texas", "nursing_texas"),
        ("Californa", "california", "nursing"),
        ('"women in engneering"', '"women in engineering"', "women"),
        ("submarin", None, "long"),  # a prefix is no mistake
        ("ély sée", None, "accents"),
    ],
)
async def test_misspelt_words_are_corrected(
    client: httpx.AsyncClient, q: str, corrected: str | None, first: str
) -> None:
    body = await search(client, q)
    assert body.get("did_you_mean") == corrected
    assert ids(body)[0] == first


async def test_a_correct_word_is_not_corrected(client: httpx.AsyncClient) -> None:
    assert "did_you_mean" not in await search(client, "engineering")


async def test_a_word_unlike_any_other_finds_nothing(client: httpx.AsyncClient) -> None:
    body = await search(client, "xylophonist")
    assert (body["total"], body["items"]) == (0, [])
    assert "did_you_mean" not in body


async def test_name_beats_organization_beats_description(client: httpx.AsyncClient) -> None:
    found = [found for found in ids(await search(client, "engineering")) if found != "women"]
    assert found == ["in_name", "in_organization", "in_description"]


async def test_whole_words_come_before_completed_ones(client: httpx.AsyncClient) -> None:
    assert ids(await search(client, "arts"))[0] == "arts"
    assert ids(await search(client, "artist")) == ["artist"]


async def test_the_match_is_highlighted_and_safe_to_show(client: httpx.AsyncClient) -> None:
    [item] = (await search(client, '"women in engineering"'))["items"]
    assert "<mark>Women</mark>" in item["match"]
    assert "<mark>Engineering</mark>" in item["match"]
    [item] = (await search(client, "bridges"))["items"]
    assert "Robots &amp; &lt;b&gt;<mark>bridges</mark>" in item["match"]
    assert "<b>" not in item["match"]
    assert "match" not in (await client.get(PATH)).json()["items"][0]


async def test_the_description_is_cut_at_a_word(client: httpx.AsyncClient) -> None:
    [item] = (await search(client, "submarine"))["items"]
    assert len(item["description"]) <= 200
    assert item["description"].endswith("word…")
    assert "<mark>submarine</mark>" in item["match"]


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "'", '"', "''", "%%%", "--", "&|!():*<->", "🎓", "\t"]
)
async def test_signs_alone_find_nothing(client: httpx.AsyncClient, q: str) -> None:
    body = await search(client, q)
    if q.strip():
        assert body["total"] == 0
    else:
        assert body["total"] == len(AWARDS)  # blank text is no query


@pytest.mark.parametrize(
    "q", ["' OR 1=1 --", "a & b | !c", "'x':*", "<script>", "{}", "50%_off", "nursing:*A", "\\'"]
)
async def test_every_string_is_safe(client: httpx.AsyncClient, q: str) -> None:
    await search(client, q)


async def test_relevance_pages_join_without_gap_or_repeat(client: httpx.AsyncClient) -> None:
    whole = ids(await search(client, "prize"))
    pages: list[str] = []
    params: dict[str, Any] = {"q": "prize", "limit": 2}
    answer = (await client.get(PATH, params=params)).json()
    pages += ids(answer)
    while answer["next_cursor"]:
        answer = (await client.get(PATH, params={**params, "cursor": answer["next_cursor"]})).json()
        assert answer["has_previous"]
        pages += ids(answer)
    assert pages == whole
    assert len(set(pages)) == len(pages) == 5


async def test_next_pages_keep_the_correction(client: httpx.AsyncClient) -> None:
    params: dict[str, Any] = {"q": "engneering", "limit": 1}
    first = (await client.get(PATH, params=params)).json()
    second = (await client.get(PATH, params={**params, "cursor": first["next_cursor"]})).json()
    assert second["did_you_mean"] == "engineering"
    assert second["page"] == 2
    assert ids(first) != ids(second)


async def test_the_answer_says_which_phrases_became_filters(client: httpx.AsyncClient) -> None:
    body = await search(client, "nurses in Texas")
    assert body["interpreted"] == [
        {"text": "in Texas", "filter": "states", "value": ["TX"], "removed_from_query": False}
    ]
    assert ids(body)[0] == "nursing_texas"  # awards that say it come before those open to all
    assert "nursing" in ids(body)
    as_words = await search(client, "nurses in Texas", interpret=False)
    assert "interpreted" not in as_words
    assert ids(as_words) == ["nursing_texas"]


async def test_filters_of_the_client_count_more_than_phrases(client: httpx.AsyncClient) -> None:
    assert "interpreted" not in await search(client, "nurses in Texas", states="OH")


async def test_the_name_of_an_award_is_not_interpreted(client: httpx.AsyncClient) -> None:
    assert "interpreted" in await search(client, "women prize")
    body = await search(client, "women in engineering grant")
    assert ids(body)[0] == "women"
    assert "interpreted" not in body


@pytest.mark.parametrize(
    "q",
    [
        "nurses over 5000 under 1000",
        "nurses over $99999999999999999999",
        "nurses at least 999999999k",
        "nurses due after june due before may 2",
    ],
)
async def test_filters_that_no_search_takes_are_searched_for_as_words(
    client: httpx.AsyncClient, q: str
) -> None:
    assert "interpreted" not in await search(client, q)


@pytest.mark.parametrize("q", ["part time", "half time", "full time students", "nurses part time"])
async def test_words_about_the_time_of_study_are_filters(client: httpx.AsyncClient, q: str) -> None:
    [phrase] = {each["filter"] for each in (await search(client, q))["interpreted"]}
    assert phrase == "enrollment"


async def test_pages_of_an_interpreted_query_join(client: httpx.AsyncClient) -> None:
    whole = ids(await search(client, "nurses in Texas"))
    params: dict[str, Any] = {"q": "nurses in Texas", "limit": 2}
    answer = (await client.get(PATH, params=params)).json()
    pages = ids(answer)
    while answer["next_cursor"]:
        answer = (await client.get(PATH, params={**params, "cursor": answer["next_cursor"]})).json()
        pages += ids(answer)
    assert pages == whole
