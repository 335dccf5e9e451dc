# ruff: noqa: RUF001 - the subject is text of other scripts
"""Texts and addresses of awards are visible, whichever way they are written."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.catalogue.api import AWARDS, Api, address, created, new_award, refused_fields, serving
from tests.catalogue.awards import award, ndjson

pytestmark = pytest.mark.anyio

INVISIBLE = {
    "a bidirectional override": "Award \u202egnp.exe",
    "a zero-width space": "zero\u200bwidth",
    "a byte order mark": "\ufeffx",
    "a soft hyphen": "a\u00adb",
    "a line separator": "a\u2028b",
    "a control character": "a\x1bb",
    "a tag": "a\U000e0041",
    "a Hangul filler": "\u3164",
}
TEXT_FIELDS = ("name", "organization", "description")
ADDRESS_FIELDS = ("application_url", "website_url", "source_url")


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.mark.parametrize("kind", INVISIBLE)
@pytest.mark.parametrize("field", [*TEXT_FIELDS, *ADDRESS_FIELDS, "contact_email"])
async def test_invisible_characters_are_refused(api: Api, field: str, kind: str) -> None:
    value = INVISIBLE[kind]
    if field in ADDRESS_FIELDS:
        value = f"https://example.org/{value}".replace(" ", "")
    elif field == "contact_email":
        value = f"{value}@example.org".replace(" ", "")
    answer = await api.admin.client.post(AWARDS, json=new_award(**{field: value}))
    assert refused_fields(answer) == {field}
    present = await created(api.admin)
    patched = await api.admin.client.patch(
        address(present), json={field: value}, headers={"If-Match": "*"}
    )
    assert refused_fields(patched) == {field}
    imported = await api.admin.client.post(
        f"{AWARDS}/import",
        content=ndjson(award(**{field: value})),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert [error["field"] for error in imported.json()["errors"]] == [field]


@pytest.mark.parametrize("name", ["\u00a0", "\u0301", " \u3000 ", "\u3164", "\u2800"])
async def test_a_name_needs_a_visible_character(api: Api, name: str) -> None:
    for field in ("name", "organization"):
        answer = await api.admin.client.post(AWARDS, json=new_award(**{field: name}))
        assert refused_fields(answer) == {field}


@pytest.mark.parametrize("field", ADDRESS_FIELDS)
@pytest.mark.parametrize(
    "value", ["https://user:pw@evil.example", "https://ü.example", "https://example.org:0"]
)
async def test_an_address_whose_host_can_be_mistaken_is_refused(
    api: Api, field: str, value: str
) -> None:
    answer = await api.admin.client.post(AWARDS, json=new_award(**{field: value}))
    assert refused_fields(answer) == {field}


async def test_text_of_every_script_is_stored_as_it_is(api: Api, module_database_url: str) -> None:
    text = "می\u200cخواهم क्\u200dष 👩\u200d👩\u200d👧 1\ufe0f\u20e3 葛 – “Ünïcode”"
    answer = await created(api.admin, name=text, description=f"{text}\n\t{text}")
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT name, description FROM scholarships WHERE id = %s", [answer.json()["id"]]
        ).fetchone()
    assert row == (text, f"{text}\n\t{text}")
