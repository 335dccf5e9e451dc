"""The export of an account names every row about it, and its deletion leaves none."""

from typing import Any, Final

import pytest

from scholarship_api.accounts import service
from scholarship_api.accounts.cli import personal_data
from scholarship_api.accounts.models import DELETED_ACCOUNT_ID
from tests.catalogue.api import AWARDS, Api, address, created, new_award
from tests.security.conftest import account, dumped_tables, log_in

pytestmark = pytest.mark.anyio

TOPICS: Final = {
    "accounts": "account",
    "revoked_tokens": "revoked_tokens",
    "interactions": "interactions",
    "idempotency_keys": "idempotency_keys",
    "scholarship_changes": "changes",
    "audit_events": "events",
    "subjects": "applications",
}
"""The topic of the export for each table that holds rows about an account."""


async def live(api: Api) -> str:
    """Do everything that leaves a row about the account of `api.partner`; its name."""
    partner = api.partner.client
    answer = await partner.post(AWARDS, json=new_award(), headers={"Idempotency-Key": "zq-key"})
    assert answer.status_code == 201
    patched = await partner.patch(
        address(answer), json={"amount": 10, "currency": "USD"}, headers={"If-Match": "*"}
    )
    assert patched.status_code == 200
    interaction = {"scholarship_id": answer.json()["id"], "type": "saved"}
    assert (await partner.post("/api/v1/interactions", json=interaction)).status_code == 201
    me = await partner.get("/api/v1/auth/me")
    authentication = api.app.state.authentication
    other = authentication.tokens.issue(account_id=api.partner.id, password_version=1)
    headers = {"Authorization": f"Bearer {other}"}
    assert (await api.anonymous.post("/api/v1/auth/logout", headers=headers)).status_code == 204
    name: str = me.json()["username"]
    return name


async def test_export_and_deletion_cover_every_table(api: Api, production: dict[str, Any]) -> None:
    name, url = await live(api), production["database_url"]
    await created(api.other, organization="Other Trust")  # rows about somebody else stay
    async with api.app.state.database.read_session() as session:
        topics = await service.export(
            session,
            account=await service.get(session, username=name),
            other_topics=personal_data,
        )
    before = dumped_tables(url)
    holding = {table for table, rows in before.items() if str(api.partner.id) in rows}
    assert holding == TOPICS.keys()
    assert all(topics[topic] for topic in TOPICS.values())
    assert [change["action"] for change in topics["changes"]] == ["created", "updated"]
    assert topics["idempotency_keys"][0]["key"] == "zq-key"

    assert (await api.partner.client.delete("/api/v1/auth/me")).status_code == 204
    after = dumped_tables(url)
    for table, rows in after.items():
        for secret in (str(api.partner.id), name.casefold(), "zq-key"):
            assert secret not in rows, table
    assert after["scholarship_changes"].count(str(DELETED_ACCOUNT_ID)) == 2
    assert str(api.other.id) in after["scholarship_changes"]


async def test_a_name_can_be_used_again_after_deletion(api: Api) -> None:
    name = await account(api)
    token = (await log_in(api.anonymous, name, "correct horse battery staple")).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert (await api.anonymous.delete("/api/v1/auth/me", headers=headers)).status_code == 204
    assert (await log_in(api.anonymous, name, "correct horse battery staple")).status_code == 401
