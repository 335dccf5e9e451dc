"""If-Match: a write needs the version that it changes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.catalogue.api import (
    AWARDS,
    Api,
    address,
    changed,
    created,
    new_award,
    refusal,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_needs_the_current_version(api: Api, method: str) -> None:
    body = None if method == "DELETE" else new_award(name=f"By {method}")
    done = 204 if method == "DELETE" else 200
    for template, expected in (
        ("{tag}", done),
        ('"other", {tag}', done),
        ('"1"', done),
        ('"1-anotherdigest"', done),
        ("*", done),
        ("{tag} , ", done),
        ('"2", "3-x", "1-y"', done),
        ("W/{tag}", done),  # as a compressing proxy changes it
        ('W/"2-x"', 412),
        ('"2"', 412),
        ('"12-x"', 412),
        ('"01x"', 412),
        ('"x"', 412),
        ('""', 412),
        ('"' + "9" * 400 + '"', 412),
        ("1", 400),
        ("*, *", 400),
        ('"unfinished', 400),
        ("", 428),
        (" , ", 428),
        (None, 428),
    ):
        answer = await created(api.admin)
        headers = (
            {} if template is None else {"If-Match": template.format(tag=answer.headers["etag"])}
        )
        got = await api.admin.client.request(method, address(answer), json=body, headers=headers)
        assert got.status_code == expected, template
        now = (await api.anonymous.get(address(answer))).json()
        assert now["version"] == (2 if expected == done else 1)
        if expected != done:
            assert now == answer.json()
            refusal(got)


async def test_several_if_match_headers_are_one_list(api: Api) -> None:
    answer = await created(api.admin)
    lines = [("If-Match", '"7"'), ("If-Match", '"1"')]
    patched = await api.admin.client.patch(address(answer), json={"name": "New"}, headers=lines)
    assert patched.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("award_id", ["nothing", "%00", "..%2f", "é" * 100])
async def test_an_unknown_award_cannot_be_changed(api: Api, method: str, award_id: str) -> None:
    body = None if method == "DELETE" else new_award()
    for tag in ("*", '"1"'):
        answer = await changed(api.admin, method, f"{AWARDS}/{award_id}", body, tag)
        assert refusal(answer) == (404, "NOT_FOUND")


async def test_one_of_several_concurrent_writes_of_a_version_succeeds(api: Api) -> None:
    for turn in range(5):
        answer = await created(api.admin)
        tag = answer.headers["etag"]
        answers = await asyncio.gather(
            changed(api.admin, "PATCH", address(answer), {"name": "One"}, tag),
            changed(api.partner, "PUT", address(answer), new_award(name="Two"), tag),
            changed(api.admin, "DELETE", address(answer), None, tag),
        )
        statuses = [one.status_code for one in answers]
        now = (await api.anonymous.get(address(answer))).json()
        assert (statuses.count(412), now["version"]) == (2, 2), (turn, statuses)
