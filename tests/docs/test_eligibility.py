"""docs/eligibility.md promises what the service answers."""

import io
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

import httpx
import psycopg
import pytest

from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.read_model.gpa_scales import on_four
from scholarship_api.catalogue.read_model.rule import Verdict
from tests.docs.pages import section
from tests.eligibility.awards import serving

pytestmark = pytest.mark.anyio

PAGE: Final = "docs/eligibility.md"


class Example(NamedTuple):
    title: str
    award: dict[str, Any]
    profile: dict[str, Any]
    answer: dict[str, Any]


def examples() -> list[Example]:
    _, *parts = re.split(r"^### (.+)\n", section(PAGE, "Examples").text, flags=re.MULTILINE)
    found = []
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        award, profile, answer = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        found.append(Example(title, json.loads(award), json.loads(profile), json.loads(answer)))
    return found


EXAMPLES: Final = examples()


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the awards of the examples."""
    common = {"name": "Acme Award", "organization": "Acme", "scholarship_type": "merit_based"}
    rows = [
        {"id": f"example_{number}", **common, **example.award}
        for number, example in enumerate(EXAMPLES)
    ]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    conninfo = module_database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        report = await import_stream(io.BytesIO(content), connection)
    assert (report.bad, report.rows) == (0, len(EXAMPLES)), report
    async with serving(module_database_url) as client:
        yield client


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[one.title for one in EXAMPLES])
async def test_the_answer_is_the_one_that_the_page_shows(
    client: httpx.AsyncClient, number: int
) -> None:
    request = {"user_profile": EXAMPLES[number].profile, "scholarship_id": f"example_{number}"}
    answer = await client.post("/api/v1/scholarships/eligibility-check", json=request)
    assert answer.status_code == 200, answer.text
    shown = EXAMPLES[number].answer
    assert {name: answer.json()[name] for name in shown} == shown


def test_every_verdict_is_explained_and_has_an_example() -> None:
    explained = {row[0].strip("`") for row in section(PAGE, "How a verdict comes about").rows}
    assert explained == {example.answer["verdict"] for example in EXAMPLES} == set(Verdict)


def test_the_page_converts_grade_averages_as_the_service_does() -> None:
    rows = section(PAGE, "Grade averages").rows
    assert {scale for scale, _, _ in rows} == {"4.3", "5", "10", "20", "100"}
    for scale, average, points in rows:
        assert on_four(Decimal(average), scale) == Decimal(points)


def test_the_codings_of_the_page_are_valid() -> None:
    codes = re.findall(r"`(\"[a-z_]+\": [^`]+)`", section(PAGE, "How to code an award").text)
    criteria = [f"{{{code}}}" for code in codes if '"application"' not in code]
    criteria = [code for code in criteria if '"coverage"' not in code]
    assert len(criteria) > 8
    for code in criteria:
        EligibilityCriteria.model_validate_json(code)
