"""The worker as a process: probes, metrics, end by SIGTERM, death by SIGKILL."""

import signal
import socket
from collections import Counter

import httpx
import pytest

from tests.catalogue.api import Api, created
from tests.webhooks.receiver import receiving
from tests.webhooks.test_webhooks import WEBHOOKS
from tests.worker.conftest import until, until_equal, worker_process
from tests.worker.test_deliveries import states, subscribe, types

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.server]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def environment(url: str, port: int) -> dict[str, str]:
    return {
        "ENVIRONMENT": "test",
        "DATABASE_URL": url,
        "BIND_HOST": "127.0.0.1",
        "WORKER_PORT": str(port),
        "WEBHOOK_ALLOW_PRIVATE": "true",
        "METRICS_TOKEN": "a-token-of-this-test",
        "LOG_FORMAT": "json",
    }


async def answers(port: int, path: str, **headers: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}", headers=headers)
    except httpx.HTTPError:
        return None


async def healthy(port: int) -> bool:
    answer = await answers(port, "/healthz")
    return answer is not None and answer.status_code == 200


async def test_a_worker_has_a_probe_and_metrics_and_ends_by_sigterm(
    api: Api, module_database_url: str
) -> None:
    port = free_port()
    async with receiving() as receiver:
        with worker_process(environment(module_database_url, port)) as process:
            await until_equal(lambda: healthy(port), True)
            webhook = await subscribe(api, receiver)
            award = await created(api.admin)
            await until_equal(lambda: states(api, webhook), Counter(delivered=1))
            assert types(receiver, award.json()["id"]) == ["published"]
            refused = await answers(port, "/metrics")
            assert refused is not None
            assert refused.status_code == 401
            shown = await answers(port, "/metrics", authorization="Bearer a-token-of-this-test")
            assert shown is not None
            assert 'webhook_attempt_duration_seconds_count{outcome="delivered"} 1.0' in shown.text
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
            assert "worker.stopped" in output
            assert "Traceback" not in output


async def test_a_worker_that_is_killed_loses_no_message(api: Api, module_database_url: str) -> None:
    async with receiving() as receiver:
        with worker_process(environment(module_database_url, free_port())) as process:
            webhook = await subscribe(api, receiver)
            for _ in range(30):
                await created(api.admin)
            await until(lambda: receiver.messages)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with worker_process(environment(module_database_url, free_port())):
            await until_equal(lambda: states(api, webhook), Counter(delivered=30))
        keys = {message.headers["webhook-id"] for message in receiver.messages}
        assert len(keys) == 30
        answer = await api.admin.client.get(f"{WEBHOOKS}/{webhook['id']}")
        assert answer.json()["failures"] == 0
