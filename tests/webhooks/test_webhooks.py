"""Creating, reading, changing and deleting webhooks."""

import uuid
from typing import Any

import httpx
import pytest

from scholarship_api.settings.settings import Settings, SettingsError
from tests.catalogue.api import Api, refused_fields, serving

pytestmark = pytest.mark.anyio

WEBHOOKS = "/api/v1/webhooks"
KEYS = "/api/v1/api-keys"


def new_webhook(**fields: object) -> dict[str, Any]:
    return {"url": "https://hooks.example.org/x", "events": ["scholarship.closed"], **fields}


async def create(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    answer = await client.post(WEBHOOKS, json=new_webhook(**fields))
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


async def key_client(api: Api, *scopes: str) -> httpx.AsyncClient:
    new = {"name": "platform", "scopes": list(scopes)}
    key = (await api.admin.client.post(KEYS, json=new)).json()
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key['secret']}"}
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


async def test_the_secret_is_shown_once(api: Api) -> None:
    webhook = await create(api.admin.client)
    assert webhook["secret"].startswith("whsec_")
    for url in (WEBHOOKS, f"{WEBHOOKS}/{webhook['id']}"):
        answer = await api.admin.client.get(url)
        assert answer.status_code == 200
        assert webhook["id"] in answer.text
        assert "whsec_" not in answer.text


async def test_a_key_manages_its_own_webhooks_and_sees_no_others(api: Api) -> None:
    own, other = [await key_client(api, "webhooks:write") for _ in range(2)]
    webhook = await create(own)
    url = f"{WEBHOOKS}/{webhook['id']}"
    assert [each["id"] for each in (await own.get(WEBHOOKS)).json()["items"]] == [webhook["id"]]
    assert (await other.get(WEBHOOKS)).json()["items"] == []
    any_version = {"If-Match": "*"}
    for answer in (
        await other.get(url),
        await other.patch(url, json={"enabled": False}, headers=any_version),
        await other.delete(url, headers=any_version),
        await other.post(f"{url}/rotate", json={}),
        await other.post(f"{url}/test"),
        await other.get(f"{url}/deliveries"),
        await other.post(f"{url}/deliveries/1/redeliver"),
    ):
        assert answer.status_code == 404, answer.request.url
    assert (await api.admin.client.get(url)).status_code == 200


async def test_webhooks_need_their_scope(api: Api) -> None:
    reader = await key_client(api, "scholarships:read")
    assert (await reader.get(WEBHOOKS)).status_code == 403
    for user in (api.partner, api.student):
        assert (await user.client.post(WEBHOOKS, json=new_webhook())).status_code == 403
    assert (await api.anonymous.get(WEBHOOKS)).status_code == 401


async def test_a_change_needs_the_version_that_was_read(api: Api) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    tag = (await api.admin.client.get(url)).headers["ETag"]
    patch = {"events": ["scholarship.published"], "organizations": [" ACME Trust "]}
    assert (await api.admin.client.patch(url, json=patch)).status_code == 428
    changed = await api.admin.client.patch(url, json=patch, headers={"If-Match": tag})
    assert changed.json()["events"] == ["scholarship.published"]
    assert changed.json()["organizations"] == ["acme trust"]
    assert changed.json()["url"] == webhook["url"]
    assert changed.json()["version"] == 2
    again = await api.admin.client.patch(url, json={"enabled": False}, headers={"If-Match": tag})
    assert again.status_code == 412
    gone = await api.admin.client.delete(url, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    assert (await api.admin.client.get(url)).status_code == 404


async def test_a_rotation_gives_a_second_secret_and_no_third(api: Api) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}/rotate"
    rotated = await api.admin.client.post(url, json={"overlap_hours": 1})
    assert rotated.status_code == 200, rotated.text
    assert rotated.json()["secret"] != webhook["secret"]
    assert (await api.admin.client.post(url, json={})).status_code == 409
    at_once = await api.admin.client.post(url, json={"overlap_hours": 0})
    assert at_once.status_code == 200
    assert (await api.admin.client.post(url, json={})).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.org/",
        "https://",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:0/",
        "https://hooks.exämple.org/",
        "https://hooks.example.org/a b",
        "https://hooks.example.org\\@evil.example/",
        "https://hooks.example.org/\r\nX: y",
        "https://[::1/",
        "javascript:alert(1)",
        "//hooks.example.org/",
    ],
)
async def test_an_address_that_is_none_is_refused(api: Api, url: str) -> None:
    answer = await api.admin.client.post(WEBHOOKS, json=new_webhook(url=url))
    assert refused_fields(answer) == {"url"}
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": ["scholarship.exploded"]},
        {"unknown": 1},
        {"url": None},
        {"description": "a\nb"},
        {"description": "\u3164"},
        {"organizations": ["Acme\u2800Trust"]},
    ],
)
async def test_a_webhook_with_a_wrong_field_is_refused(api: Api, fields: dict[str, object]) -> None:
    answer = await api.admin.client.post(WEBHOOKS, json=new_webhook(**fields))
    assert answer.status_code == 422


async def test_an_owner_has_a_limited_number(api: Api) -> None:
    client = await key_client(api, "webhooks:write")
    for _ in range(50):
        await create(client)
    assert (await client.post(WEBHOOKS, json=new_webhook())).status_code == 409


async def test_an_unknown_webhook_is_not_found(api: Api) -> None:
    assert (await api.admin.client.get(f"{WEBHOOKS}/{uuid.uuid4()}")).status_code == 404


async def test_tls_is_required_where_private_addresses_are_not_allowed(
    module_database_url: str,
) -> None:
    async with serving(module_database_url) as strict:
        answer = await strict.admin.client.post(
            WEBHOOKS, json=new_webhook(url="http://hooks.example.org/")
        )
    assert refused_fields(answer) == {"url"}


def test_production_refuses_private_receivers() -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_ALLOW_PRIVATE"):
        Settings.model_validate({"environment": "production", "webhook_allow_private": True})


async def test_changes_of_webhooks_are_in_the_audit(api: Api) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    await api.admin.client.post(f"{url}/rotate", json={})
    await api.admin.client.delete(url, headers={"If-Match": "*"})
    answer = await api.admin.client.get("/api/v1/audit", params={"target": webhook["id"]})
    assert [entry["action"] for entry in answer.json()["items"]] == [
        "webhook.deleted",
        "webhook.rotated",
        "webhook.created",
    ]
    assert "whsec_" not in answer.text


async def test_a_test_message_waits_for_the_worker(api: Api) -> None:
    client = await key_client(api, "webhooks:write")
    webhook = await create(client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    assert (await client.post(f"{url}/test")).status_code == 202
    found = (await client.get(f"{url}/deliveries")).json()["items"]
    assert [(each["event"], each["state"]) for each in found] == [("webhook.test", "pending")]


async def test_deliveries_are_paged_and_filtered(api: Api) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    ids = [(await api.admin.client.post(f"{url}/test")).json()["id"] for _ in range(5)]
    seen: list[int] = []
    query = "?limit=2"
    while query:
        page = (await api.admin.client.get(f"{url}/deliveries{query}")).json()
        seen += [each["id"] for each in page["items"]]
        query = page["next_cursor"] and f"?limit=2&cursor={page['next_cursor']}"
    assert seen == ids[::-1]
    dead = await api.admin.client.get(f"{url}/deliveries?state=dead")
    assert dead.json()["items"] == []
    assert (await api.admin.client.get(f"{url}/deliveries?cursor=x")).status_code == 422


async def test_a_message_can_be_delivered_again_with_the_same_key(api: Api) -> None:
    webhook = await create(api.admin.client)
    url = f"{WEBHOOKS}/{webhook['id']}"
    sent = (await api.admin.client.post(f"{url}/test")).json()
    again = await api.admin.client.post(f"{url}/deliveries/{sent['id']}/redeliver")
    assert again.status_code == 202, again.text
    assert again.json()["key"] == sent["key"]
    missing = await api.admin.client.post(f"{url}/deliveries/{10**18}/redeliver")
    assert missing.status_code == 404
