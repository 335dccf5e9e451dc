"""`scholarship-api deliveries` on a real database."""

import json
import uuid

import psycopg
import pytest
from anyio import to_thread
from typer.testing import CliRunner, Result

from scholarship_api.webhooks.cli import deliveries
from tests.catalogue.api import Api
from tests.webhooks.test_webhooks import WEBHOOKS, create

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def environment(module_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", module_database_url)


async def run(*arguments: str) -> Result:
    """Commands start their own event loop."""
    return await to_thread.run_sync(lambda: CliRunner().invoke(deliveries, arguments))


async def test_dead_messages_are_listed_and_sent_again(api: Api, module_database_url: str) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    sent = [(await api.admin.client.post(f"{url}/test")).json()["id"] for _ in range(3)]
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE webhook_deliveries SET state = 'dead', last_error = 'timeout'"
            " WHERE id = ANY (%s)",
            [sent[:2]],
        )
    listed = await run("list", "--webhook", webhook["id"], "--state", "dead", "--json")
    assert listed.exit_code == 0, listed.output
    rows = [json.loads(line) for line in listed.output.splitlines()]
    assert [row["id"] for row in rows] == sent[1::-1]
    assert {row["webhook_id"] for row in rows} == {webhook["id"]}
    table = await run("list", "--webhook", webhook["id"])
    assert table.exit_code == 0
    assert table.output.count("timeout") == 2
    done = await run("resend", webhook["id"])
    assert "again: 2." in done.output
    one = await run("resend", webhook["id"], "--delivery", str(sent[2]))
    assert "again: 1." in one.output
    left = await api.admin.client.get(f"{url}/deliveries?state=pending")
    assert len(left.json()["items"]) == 3


async def test_an_unknown_webhook_or_message_is_named(api: Api) -> None:
    webhook = await create(api.admin.client)
    for arguments in (
        ["resend", str(uuid.uuid4())],
        ["resend", webhook["id"], "--delivery", "999999999"],
    ):
        done = await run(*arguments)
        assert done.exit_code == 1
        assert "no" in done.output
