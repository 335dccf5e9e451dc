"""Messages of webhooks arrive: once, in order, and again until they do."""

import json
from collections import Counter
from typing import Any

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from tests.catalogue.api import AWARDS, Api, address, changed, created, new_award
from tests.webhooks.receiver import Message, Receiver, receiving, status
from tests.webhooks.test_webhooks import WEBHOOKS
from tests.worker.conftest import until, until_equal, working

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ALL = [
    f"scholarship.{name}"
    for name in "published updated deadline_changed closing_soon closed archived".split()
]


async def subscribe(api: Api, receiver: Receiver, **fields: object) -> dict[str, Any]:
    new = {"url": receiver.url, "events": ALL, **fields}
    answer = await api.admin.client.post(WEBHOOKS, json=new)
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


def types(receiver: Receiver, award_id: str) -> list[str]:
    return [
        message["type"].removeprefix("scholarship.")
        for message in map(decoded, receiver.messages)
        if message["data"].get("scholarship_id") == award_id
    ]


def decoded(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.body)
    return body


def execute(url: str, statement: str, *parameters: object) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(statement.encode(), parameters)


async def states(api: Api, webhook: dict[str, Any]) -> Counter[str]:
    answer = await api.admin.client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries?limit=200")
    return Counter(each["state"] for each in answer.json()["items"])


async def rename(api: Api, answer: Any, name: str) -> Any:  # noqa: ANN401 - a response
    tag = answer.headers["ETag"]
    renamed = await changed(api.admin, "PATCH", address(answer), {"name": name}, tag)
    assert renamed.status_code == 200, renamed.text
    return renamed


async def test_the_life_of_an_award_arrives_in_order_and_signed(api: Api) -> None:
    async with receiving() as receiver, working(api):
        webhook = await subscribe(api, receiver)
        award = await created(api.admin)
        renamed = await rename(api, award, "Other")
        await api.admin.client.delete(address(award), headers={"If-Match": renamed.headers["ETag"]})
        await until(lambda: len(receiver.messages) >= 3)
        assert types(receiver, award.json()["id"]) == ["published", "updated", "archived"]
        for message in receiver.messages:
            Webhook(webhook["secret"]).verify(message.body, message.headers)
        assert decoded(receiver.messages[1])["data"]["fields"] == ["name"]
        await until_equal(lambda: states(api, webhook), Counter(delivered=3))


async def test_two_workers_deliver_each_message_of_an_import_once(api: Api) -> None:
    async with receiving() as receiver, working(api), working(api):
        webhook = await subscribe(api, receiver)
        lines = "\n".join(
            json.dumps(new_award(id=f"twice-{number}", name="An award")) for number in range(150)
        )
        answer = await api.admin.client.post(
            f"{AWARDS}/import", content=lines, headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.json()["created"] == 150
        await until_equal(lambda: states(api, webhook), Counter(delivered=150))
        keys = Counter(message.headers["webhook-id"] for message in receiver.messages)
        assert len(keys) == 150
        assert set(keys.values()) == {1}


async def test_a_receiver_that_fails_gets_the_messages_later_in_order(
    api: Api, module_database_url: str
) -> None:
    async with receiving() as receiver:
        receiver.answer = status(500)
        webhook = await subscribe(api, receiver)
        async with working(api):
            award = await created(api.admin)
            await rename(api, award, "Other")
            await until(lambda: receiver.messages)
            first = receiver.messages[0]
            await until_equal(lambda: is_failing(api, webhook), wanted=True)
            receiver.answer = status(200)
            # The pause is 5 s or more; it is over at once here.
            execute(module_database_url, "UPDATE webhooks SET retry_at = now()")
            execute(module_database_url, "UPDATE webhook_deliveries SET next_attempt_at = now()")
            await until_equal(lambda: states(api, webhook), Counter(delivered=2))
        assert await failures(api, webhook) == 0
        assert types(receiver, award.json()["id"])[-2:] == ["published", "updated"]
        repeated = [each for each in receiver.messages if each.body == first.body]
        assert len({each.headers["webhook-id"] for each in repeated}) == 1


async def is_failing(api: Api, webhook: dict[str, Any]) -> bool:
    return await failures(api, webhook) > 0


async def failures(api: Api, webhook: dict[str, Any]) -> int:
    answer = await api.admin.client.get(f"{WEBHOOKS}/{webhook['id']}")
    number: int = answer.json()["failures"]
    return number


async def test_a_refused_message_holds_up_only_those_about_the_same_award(api: Api) -> None:
    async with receiving() as receiver:
        refused = await created(api.admin)
        refused_id = refused.json()["id"]
        webhook = await subscribe(api, receiver)
        receiver.answer = lambda message: status(
            400 if decoded(message)["data"]["scholarship_id"] == refused_id else 200
        )(message)
        async with working(api):
            again = await rename(api, refused, "A")
            await rename(api, again, "B")
            other = await created(api.admin)
            await until(lambda: types(receiver, other.json()["id"]))
            await until_equal(lambda: states(api, webhook), Counter(delivered=1, pending=2))
        # The second change of the refused award has waited for the first.
        bodies = {each.body for each in receiver.messages if refused_id.encode() in each.body}
        assert len(bodies) == 1


async def test_dead_receivers_delay_nobody_else(api: Api) -> None:
    async with receiving() as receiver, receiving() as dead, working(api):
        dead.answer = status(503)
        for _ in range(20):
            await subscribe(api, dead)
        await subscribe(api, receiver)
        award = await created(api.admin)
        await until(lambda: types(receiver, award.json()["id"]) == ["published"])


async def test_a_message_that_fails_for_a_day_is_dead_and_can_be_sent_again(
    api: Api, module_database_url: str
) -> None:
    async with receiving() as receiver:
        receiver.answer = status(500)
        webhook = await subscribe(api, receiver)
        url = f"{WEBHOOKS}/{webhook['id']}"
        sent = (await api.admin.client.post(f"{url}/test")).json()
        execute(module_database_url, "UPDATE webhook_deliveries SET expires_at = now()")
        async with working(api):
            await until_equal(lambda: states(api, webhook), Counter(dead=1))
            receiver.answer = status(200)
            await api.admin.client.post(f"{url}/deliveries/{sent['id']}/redeliver")
            await until_equal(lambda: states(api, webhook), Counter(delivered=1))
        keys = [message.headers["webhook-id"] for message in receiver.messages]
        assert keys == [sent["key"]] * 2


async def test_a_receiver_that_is_gone_is_disabled(api: Api) -> None:
    async with receiving() as receiver:
        receiver.answer = status(410)
        webhook = await subscribe(api, receiver)
        url = f"{WEBHOOKS}/{webhook['id']}"
        await api.admin.client.post(f"{url}/test")
        async with working(api):
            await until_equal(lambda: states(api, webhook), Counter(dead=1))
        assert (await api.admin.client.get(url)).json()["enabled"] is False


async def test_only_the_chosen_awards_and_events_arrive(api: Api) -> None:
    async with receiving() as receiver, working(api):
        chosen = await created(api.admin, organization="Chosen Trust")
        other = await created(api.admin)
        await subscribe(
            api, receiver, organizations=["chosen trust"], events=["scholarship.updated"]
        )
        await rename(api, other, "A")
        renamed = await rename(api, chosen, "B")
        await api.admin.client.delete(
            address(chosen), headers={"If-Match": renamed.headers["ETag"]}
        )
        last = await created(api.admin, organization="Chosen Trust")
        await rename(api, last, "C")
        await until(lambda: len(receiver.messages) >= 2)
        ids = [decoded(message)["data"]["scholarship_id"] for message in receiver.messages]
        assert ids == [chosen.json()["id"], last.json()["id"]]


async def test_both_secrets_sign_during_a_rotation(api: Api) -> None:
    async with receiving() as receiver, working(api):
        webhook = await subscribe(api, receiver)
        url = f"{WEBHOOKS}/{webhook['id']}"
        rotated = (await api.admin.client.post(f"{url}/rotate", json={})).json()
        await api.admin.client.post(f"{url}/test")
        await until(lambda: receiver.messages)
        [message] = receiver.messages
        for secret in (webhook["secret"], rotated["secret"]):
            Webhook(secret).verify(message.body, message.headers)


async def test_a_run_that_has_died_is_taken_over(api: Api, module_database_url: str) -> None:
    """Its lease has not been given back, and ends by itself."""
    async with receiving() as receiver:
        webhook = await subscribe(api, receiver)
        await api.admin.client.post(f"{WEBHOOKS}/{webhook['id']}/test")
        execute(
            module_database_url,
            "UPDATE webhooks SET lease_id = gen_random_uuid(),"
            " leased_until = now() + interval '3 seconds' WHERE id = %s",
            webhook["id"],
        )
        async with working(api):
            await until_equal(lambda: states(api, webhook), Counter(delivered=1))
        assert len(receiver.messages) == 1
