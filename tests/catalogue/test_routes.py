"""GET /scholarships/{scholarship_id} shows one award."""

import datetime as dt
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

INSERT = """
INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind, status,
    amount_min, amount_max, currency, min_gpa, fields_of_study, application_deadline,
    deadline_date, recurs)
VALUES
    ('shown', 'Shown', 'Trust', 'athletic', 'rolling', 'published', 10, 1234.50, 'EUR', 3.5,
     '{law}', null, null, 'none'),
    ('archived', 'Archived', 'Trust', 'athletic', 'rolling', 'archived', null, null, null, null,
     '{}', null, null, 'none'),
    ('closed', 'Closed', 'Trust', 'athletic', 'fixed', 'published', null, null, null, null,
     '{}', '2020-01-01Z', '2020-01-01', 'none'),
    ('draft', 'Draft', 'Trust', 'athletic', 'rolling', 'draft', null, null, null, null,
     '{}', null, null, 'none')
"""


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(INSERT)
    app = create_app(
        Settings(
            environment="test",
            database_url=SecretStr(module_database_url),
            rate_limit_enabled=False,
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://testserver/api/v1/scholarships"
        ) as client,
    ):
        yield client


async def test_an_award_is_shown_in_full(client: httpx.AsyncClient) -> None:
    answer = await client.get("/shown")
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert (body["amount"], body["amount_min"], body["currency"]) == (1234.5, 10, "EUR")
    assert body["eligibility_criteria"]["min_gpa"] == 3.5
    assert body["eligibility_criteria"]["fields_of_study"] == ["law"]
    assert (body["availability"], body["days_left"]) == ("rolling", None)
    assert (body["status"], body["version"]) == ("published", 1)
    created = dt.datetime.fromisoformat(body["created_at"])
    assert abs(created - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=10)


@pytest.mark.parametrize("scholarship_id", ["archived", "closed"])
async def test_closed_awards_can_still_be_read(
    client: httpx.AsyncClient, scholarship_id: str
) -> None:
    assert (await client.get(f"/{scholarship_id}")).json()["availability"] == "closed"


@pytest.mark.parametrize(
    "scholarship_id", ["draft", "nothing", "%00", "%25", "shown%2F", "é" * 200]
)
async def test_drafts_and_unknown_ids_are_not_found(
    client: httpx.AsyncClient, scholarship_id: str
) -> None:
    answer = await client.get(f"/{scholarship_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("shape", ["{}", "W/{}", '"other", {}', "*"])
async def test_an_unchanged_award_is_not_sent_again(client: httpx.AsyncClient, shape: str) -> None:
    etag = (await client.get("/shown")).headers["etag"]
    again = await client.get("/shown", headers={"If-None-Match": shape.format(etag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


async def test_a_changed_award_has_another_etag(
    client: httpx.AsyncClient, module_database_url: str
) -> None:
    before = (await client.get("/closed")).headers["etag"]
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE scholarships SET version = 2 WHERE id = 'closed'")
    after = await client.get("/closed", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.headers["etag"] != before
