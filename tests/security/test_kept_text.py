"""Text that anybody sends does not reach the database, unless it consists of known words."""

import base64
from typing import Any, Final

import pytest

from tests.catalogue.api import AWARDS, Api, created
from tests.security.conftest import dumped_tables, log_in

pytestmark = pytest.mark.anyio

SEARCH: Final = "/api/v1/search"
EVENTS: Final = "/api/v1/events"
EVENT: Final = {"search_id": "AAAA", "type": "click", "scholarship_id": "sch_001"}

SECRETS: Final = {
    "4111,1111,1111,1111": "1111,1111",
    "4111 1111 1111 1111": "1111 1111",
    "my name is jonathan q publicsson living at 12 elm street springfield": "publicsson",
    "maria zqgonzalez undocumented daca": "zqgonzalez",
    "hiv positive zqjane zqdoe chicago": "zqjane",
    "john . zqsmith (at) example . com": "zqsmith",
    "zqsmith at example dot com": "zqsmith",
    "sk_live_51habcdefghijklmnopqr": "51habcdefg",
    "x.y/reset?token=zm9vymfy": "zm9vymfy",
    "password hunter2": "hunter2",
    "born 3 march 2007": "3 march",
    "jane.zqdoe@example.org": "zqdoe",
    "555-010-4477": "010-4477",
    "078-05-1120": "078-05",
    "DE89 3704 0044 0532 0130 00": "3704 0044",
    "@zqhandle": "zqhandle",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ6cSJ9.c2ln": "eyjhbgci",
    "\uff5a\uff51\uff46\uff55\uff4c\uff4c": "zqfull",
    "z\u200bq\u200bhidden": "zqhidden",
}
"""Queries, and the part of each that must not be found; it is no word of the catalogue."""


async def test_no_secret_in_a_query_reaches_the_database(
    api: Api, production: dict[str, Any]
) -> None:
    award = (
        await created(api.partner, name="Zqplanted award", description="law and nursing, chicago")
    ).json()
    ids: set[str] = set()
    for query in SECRETS:
        for text in (query, f"nursing {query}", f"zqplanted {query} law"):
            for answer in (
                await api.anonymous.get(SEARCH, params={"q": text}),
                await api.anonymous.post(SEARCH, json={"keyword": text}),
                await api.student.client.get(f"{AWARDS}/smart-search", params={"q": text}),
                await api.anonymous.get(f"{SEARCH}/suggestions", params={"prefix": text[:100]}),
            ):
                assert answer.status_code == 200, answer.text
                if "search_id" in answer.json():
                    found = answer.json()["search_id"]
                    event = {"search_id": found, "type": "click", "scholarship_id": award["id"]}
                    sent = await api.anonymous.post(EVENTS, json=event)
                    assert sent.status_code == 202, sent.text
                    ids.add(found)
        for event in ({"scholarship_id": query}, {"search_id": query}, {"type": query}):
            refused = await api.anonymous.post(EVENTS, json={**EVENT, **event})
            assert refused.status_code == 422, refused.text
    await api.app.state.search_recorder.flush()
    text = "".join(dumped_tables(production["database_url"]).values())
    text += "".join(base64.urlsafe_b64decode(f"{each}==").decode("latin-1") for each in ids)
    assert "zqplanted" in text  # it is a word of the catalogue
    assert "zqplanted law" in text  # of a query
    assert [query for query, secret in SECRETS.items() if secret in text] == []


async def test_no_profile_and_no_wrong_password_reaches_the_database(
    api: Api, production: dict[str, Any]
) -> None:
    award = (await created(api.partner)).json()["id"]
    profile = {"gpa": 3.123456789, "annual_income": 98765.43, "age": 19}
    for path, body in (
        ("/api/v1/eligibility/check", profile),
        (f"{AWARDS}/eligibility-check", {"user_profile": profile, "scholarship_id": award}),
        (f"{AWARDS}/recommendations", {"user_profile": profile}),
    ):
        answer = await api.student.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
    answer = await log_in(api.anonymous, "zqunknown-user", "zqwrong-password")
    assert answer.status_code == 401
    text = "".join(dumped_tables(production["database_url"]).values())
    for secret in ("3.123456789", "98765.43", "zqunknown", "zqwrong"):
        assert secret not in text
