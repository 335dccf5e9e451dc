"""Suggestions: completions of what is typed."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search/suggestions"


def award(number: int, name: str, organization: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": f"suggested_{number}",
        "name": name,
        "organization": organization,
        "scholarship_type": "merit_based",
        "deadline_kind": "rolling",
        **fields,
    }


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    insert_awards(
        [
            award(1, "Élan Prize", "Polar Foundation"),
            award(2, "The Polar Bear Award", "Élan Institute"),
            award(3, "Polaris Grant", "Polar Foundation"),
            award(4, "Polar Draft", "Draft Foundation", status="draft"),
            award(
                5,
                "Polar Past",
                "Past Foundation",
                deadline_kind="fixed",
                application_deadline="2020-01-01",
            ),
            award(6, "100% Percent_Award", "Signs\\Trust"),
            *(award(number, f"Many {number}", "Many Trust") for number in range(100, 160)),
            *(
                award(
                    number,
                    f"Award {number} Sooner",
                    "Dated Trust",
                    deadline_kind="fixed",
                    application_deadline=f"{2300 - number}-01-01",
                )
                for number in range(200, 260)
            ),
        ]
    )


async def suggest(client: httpx.AsyncClient, prefix: str, **params: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    answer = await client.get(PATH, params={"prefix": prefix, **params})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["prefix"] == prefix
    return [(entry["kind"], entry["text"]) for entry in body["suggestions"]]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (
            "pol",
            [
                ("organization", "Polar Foundation"),
                ("name", "Polaris Grant"),
                ("name", "The Polar Bear Award"),
            ],
        ),
        ("POLAR B", [("name", "The Polar Bear Award")]),
        ("award pol", [("name", "The Polar Bear Award")]),
        ("bear nothing", []),
        ("elan", [("organization", "Élan Institute"), ("name", "Élan Prize")]),
        ("comp", [("field", "computer science")]),
        ("scie", [("field", "science"), ("field", "social sciences")]),
        ("100%", [("name", "100% Percent_Award")]),
        ("%", []),
        ("_", []),
        ("signs\\", [("organization", "Signs\\Trust")]),
        ("zzz", []),
        (" ", []),
        ("\u0374 women a", []),  # normalized to another letter, which folds to an apostrophe
        ("a " * 50, []),
    ],
)
async def test_completions(
    client: httpx.AsyncClient, prefix: str, expected: list[tuple[str, str]]
) -> None:
    found = await suggest(client, prefix)
    assert found[: len(expected)] == expected
    if not expected:
        assert found == []


async def test_drafts_and_closed_awards_are_not_suggested(client: httpx.AsyncClient) -> None:
    texts = " ".join(text for _, text in await suggest(client, "polar"))
    assert "Draft" not in texts
    assert "Past" not in texts


async def test_each_text_is_suggested_once_and_the_limit_holds(client: httpx.AsyncClient) -> None:
    found = await suggest(client, "many", limit=7)
    assert len(found) == 7
    assert found.count(("organization", "Many Trust")) == 1
    assert len(set(found)) == 7


async def test_names_come_from_the_awards_that_close_soonest(client: httpx.AsyncClient) -> None:
    found = await suggest(client, "sooner", limit=3)
    assert found == [("name", f"Award {number} Sooner") for number in (210, 211, 212)]


@pytest.mark.parametrize(
    "params",
    [{}, {"prefix": ""}, {"prefix": "x" * 101}, {"prefix": "a\x00"}, {"prefix": "a", "limit": 0}],
)
async def test_invalid_requests_are_refused(
    client: httpx.AsyncClient, params: dict[str, Any]
) -> None:
    answer = await client.get(PATH, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
