"""The rate limiter follows Redis: Sentinel, a moving endpoint, a Cluster, TLS and least rights."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from limits import parse
from redis.crc import key_slot
from structlog.testing import capture_logs

from scholarship_api.platform.rate_limiting.buckets import Bucket
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, backend_reason
from scholarship_api.platform.rate_limiting.limiter import RateLimiter, RateLimiterUnavailable
from scholarship_api.platform.rate_limiting.shared_storage import SharedStorage
from scholarship_api.platform.server.prestart import PrestartError, wait_for_rate_limiter
from scholarship_api.settings.settings import Settings
from tests.deploy.redis_nodes import (
    PASSWORD,
    SERVICE,
    RedisNode,
    Sentinel,
    make_certificates,
    make_cluster,
)
from tests.faults import FaultyProxy

pytestmark = [pytest.mark.anyio, pytest.mark.server, pytest.mark.slow]

GOAL_SECONDS: Final = 2.0
"""From the moment at which the new primary is reachable."""

SLACK_SECONDS: Final = 3.0
"""The machine runs other tests as well."""

RATE: Final = parse("1000000/minute")


def bucket(identity: str | None = None, tag: str = "") -> Bucket:
    return Bucket("search", identity or uuid.uuid4().hex, RATE, tag)


def settings_for(url: str) -> Settings:
    return Settings(
        environment="staging",
        jwt_secret_key=uuid.uuid4().hex * 2,
        rate_limit_backend_url=url,
    )


@asynccontextmanager
async def limiter_at(url: str) -> AsyncIterator[RateLimiter]:
    limiter = RateLimiter(settings_for(url))
    await limiter.start()
    yield limiter
    await limiter.close()


async def counts(limiter: RateLimiter) -> bool:
    try:
        return (await limiter.hit(bucket())).allowed
    except RateLimiterUnavailable:
        return False


async def seconds_until_it_counts(limiter: RateLimiter) -> float:
    """Ask every 20 ms, as requests do."""
    started_at = time.monotonic()
    while not await counts(limiter):
        assert time.monotonic() - started_at < 30, limiter.breaker_state
        await asyncio.sleep(0.02)
    return time.monotonic() - started_at


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[RedisNode, RedisNode]]:
    """A primary and its replica."""
    with (
        RedisNode(tmp_path / "a") as primary,
        RedisNode(tmp_path / "b", replicaof=primary) as replica,
    ):
        replica.until(replica.replicates)
        yield primary, replica


@pytest.fixture
def sentinels(pair: tuple[RedisNode, RedisNode], tmp_path: Path) -> Iterator[list[Sentinel]]:
    with ExitStack() as stack:
        watching = [Sentinel(tmp_path / f"s{n}", pair[0], quorum=2) for n in range(3)]
        for sentinel in watching:
            stack.enter_context(sentinel)
        for sentinel in watching:
            sentinel.until(lambda: sentinel.knows_replicas(1))  # noqa: B023
            sentinel.until(lambda: len(sentinel.execute("SENTINEL", "SENTINELS", SERVICE)) == 2)  # noqa: B023
        yield watching


def sentinel_url(sentinels: list[Sentinel]) -> str:
    hosts = ",".join(each.address for each in sentinels)
    return f"redis+sentinel://:{PASSWORD}@{hosts}/{SERVICE}"


# --- Sentinel --------------------------------------------------------------------------------


async def test_a_server_counts_on_its_socket(tmp_path: Path) -> None:
    with RedisNode(tmp_path / "server", settings={"unixsocket": "socket"}) as node:
        async with limiter_at(f"unix://:{PASSWORD}@{node.socket}?db=1") as limiter:
            decision = await limiter.hit(bucket())
            assert (decision.allowed, decision.remaining) == (True, RATE.amount - 1)
            node.kill()
            with pytest.raises(RateLimiterUnavailable):
                await limiter.hit(bucket())
            node.start()
            await seconds_until_it_counts(limiter)


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["asked for", "killed", "frozen"])
async def test_the_limiter_follows_a_failover_of_sentinel(
    pair: tuple[RedisNode, RedisNode], sentinels: list[Sentinel], failure: str
) -> None:
    primary, replica = pair
    async with limiter_at(sentinel_url(sentinels)) as limiter:
        assert await counts(limiter)
        with ExitStack() as stack:
            if failure == "asked for":
                await asyncio.to_thread(sentinels[0].execute, "SENTINEL", "FAILOVER", SERVICE)
            elif failure == "killed":
                primary.kill()
            else:
                stack.enter_context(primary.frozen())
            asking = asyncio.create_task(_keep_asking(limiter))
            await asyncio.to_thread(replica.until, replica.is_primary)
            asking.cancel()
            took = await seconds_until_it_counts(limiter)
            assert took < GOAL_SECONDS + SLACK_SECONDS
            assert replica.execute("DBSIZE") > 0


async def _keep_asking(limiter: RateLimiter) -> None:
    while True:
        await counts(limiter)
        await asyncio.sleep(0.02)


async def test_a_sentinel_that_is_away_or_frozen_is_passed_over(
    sentinels: list[Sentinel],
) -> None:
    url = sentinel_url(sentinels)
    sentinels[0].kill()
    with sentinels[1].frozen():
        async with limiter_at(url) as limiter:
            assert await seconds_until_it_counts(limiter) < GOAL_SECONDS + SLACK_SECONDS


async def test_a_service_that_no_sentinel_knows_is_named(sentinels: list[Sentinel]) -> None:
    storage = SharedStorage(sentinel_url(sentinels).replace(SERVICE, "another"))
    with pytest.raises(BACKEND_ERRORS) as failure:
        await storage.connect()
    assert backend_reason(failure.value).word == "no_primary"


# --- A moving endpoint -----------------------------------------------------------------------


async def test_a_connection_that_leads_to_a_replica_is_left(
    pair: tuple[RedisNode, RedisNode],
) -> None:
    """The servers change their roles, and every connection stays open."""
    primary, replica = pair
    with FaultyProxy((primary.host, primary.port)) as endpoint:
        url = f"redis://:{PASSWORD}@{endpoint.host}:{endpoint.port}/0"
        async with limiter_at(url) as limiter:
            assert await counts(limiter)
            endpoint.target = (replica.host, replica.port)  # for new connections
            replica.execute("REPLICAOF", "NO", "ONE")
            primary.execute("REPLICAOF", replica.host, str(replica.port))
            took = await seconds_until_it_counts(limiter)
            assert took < GOAL_SECONDS + SLACK_SECONDS


async def test_an_endpoint_that_lags_behind_is_followed(
    pair: tuple[RedisNode, RedisNode],
) -> None:
    """The limiter reconnects while the endpoint leads to the old primary, now a replica."""
    primary, replica = pair
    with FaultyProxy((primary.host, primary.port)) as endpoint:
        url = f"redis://:{PASSWORD}@{endpoint.host}:{endpoint.port}/0"
        async with limiter_at(url) as limiter:
            assert await counts(limiter)
            replica.execute("REPLICAOF", "NO", "ONE")
            primary.execute("REPLICAOF", replica.host, str(replica.port))
            endpoint.redirect((primary.host, primary.port))
            with capture_logs() as logs:

                async def is_open() -> bool:
                    await counts(limiter)
                    return limiter.breaker_state == "open"

                await until(is_open)
            [unavailable] = [each for each in logs if each["event"] == "rate_limiter.unavailable"]
            assert unavailable["reason"] == "read_only"
            assert limiter.shared is not None
            with pytest.raises(BACKEND_ERRORS):  # readiness sees it as well
                await limiter.shared.check()
            endpoint.redirect((replica.host, replica.port))
            took = await seconds_until_it_counts(limiter)
            assert took < GOAL_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize(
    ("setting", "wrong", "right", "reason"),
    [
        ("maxmemory", "1", "0", "out_of_memory"),
        ("min-replicas-to-write", "1", "0", "no_replicas"),
        ("requirepass", "planted-other-password", PASSWORD, "access_denied"),
    ],
)
async def test_a_server_that_counts_nothing_for_a_while_is_named_and_used_again(
    tmp_path: Path, setting: str, wrong: str, right: str, reason: str
) -> None:
    with RedisNode(tmp_path / "a") as node:
        async with limiter_at(node.url) as limiter:
            assert await counts(limiter)
            with node.client() as admin:  # a connection that stays authenticated
                admin.config_set(setting, wrong)
                admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                with capture_logs() as logs:

                    async def is_named() -> bool:
                        await counts(limiter)
                        return any(each.get("reason") == reason for each in logs)

                    await until(is_named)
                assert limiter.shared is not None
                with pytest.raises(BACKEND_ERRORS) as failure:  # readiness sees it as well
                    await limiter.shared.check()
                assert backend_reason(failure.value).word == reason
                admin.config_set(setting, right)
            await seconds_until_it_counts(limiter)


async def test_a_replica_is_refused_from_the_start(pair: tuple[RedisNode, RedisNode]) -> None:
    _, replica = pair
    with pytest.raises(PrestartError, match="it is a replica: it accepts no writes"):
        await asyncio.to_thread(wait_for_rate_limiter, settings_for(replica.url), wait_seconds=0)


# --- Cluster ---------------------------------------------------------------------------------


CLUSTER: Final = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[RedisNode]]:
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(RedisNode(tmp_path / f"c{n}", settings=CLUSTER)) for n in range(3)
        ]
        make_cluster(nodes)
        yield nodes


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
async def test_a_cluster_counts_every_client_once(cluster: list[RedisNode], scheme: str) -> None:
    async with limiter_at(f"{scheme}://:{PASSWORD}@{cluster[1].address}") as limiter:
        clients = [uuid.uuid4().hex for _ in range(60)]
        for allowed in (True, True, False):
            for client in clients:
                rates = (parse("2/hour"), parse("100/hour"))
                decision = await limiter.hit(
                    *(Bucket(str(n), f"{client}:{n}", rate, client) for n, rate in enumerate(rates))
                )
                assert decision.allowed is allowed
        assert {node.execute("DBSIZE") > 0 for node in cluster} == {True}


async def test_a_refused_login_counts_on_no_node(cluster: list[RedisNode]) -> None:
    """The buckets of an address and of an account are on different nodes."""
    async with limiter_at(f"redis://:{PASSWORD}@{cluster[0].address}") as limiter:
        account = Bucket("account", uuid.uuid4().hex, parse("5/hour"))
        failures = Bucket("failures", uuid.uuid4().hex, parse("1/hour"))
        assert (await limiter.hit(account, failures)).remaining == 0
        assert not (await limiter.hit(account, failures)).allowed
        assert (await limiter.hit(account)).remaining == 3


async def test_a_slot_that_moves_fails_no_request(cluster: list[RedisNode]) -> None:
    source, target, _ = cluster
    ids = {node.port: node.execute("CLUSTER", "MYID") for node in cluster}
    client = next(name for name in map(str, range(100_000)) if key_slot(name.encode()) < 16384 // 3)
    slot = str(key_slot(client.encode()))
    async with limiter_at(f"redis+cluster://:{PASSWORD}@{source.address}") as limiter:
        assert await counts(limiter)
        one = bucket(client)
        first = await limiter.hit(one)
        target.execute("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.port])
        source.execute("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target.port])
        moving = [
            asyncio.create_task(limiter.hit(each))
            for each in (one, Bucket("search", "new", RATE, client))
        ]
        await asyncio.sleep(0.01)
        keys = source.execute("CLUSTER", "GETKEYSINSLOT", slot, "100")
        source.execute(
            *("MIGRATE", target.host, str(target.port), "", "0", "5000"),
            *("AUTH", PASSWORD, "KEYS", *keys),
        )
        for node in (target, source):
            node.execute("CLUSTER", "SETSLOT", slot, "NODE", ids[target.port])
        assert all([(await each).allowed for each in moving])
        last = await limiter.hit(one)  # MOVED
        assert last.remaining == first.remaining - 2
        assert limiter.breaker_state == "closed"


async def test_a_node_that_returns_is_used_again(cluster: list[RedisNode]) -> None:
    async with limiter_at(f"redis+cluster://:{PASSWORD}@{cluster[0].address}") as limiter:
        clients = [bucket() for _ in range(20)]
        for each in clients:
            await limiter.hit(each)
        cluster[2].kill()
        cluster[2].start()

        async def all_count() -> bool:
            return all([await counts_for(limiter, each) for each in clients])

        await until(all_count)


async def counts_for(limiter: RateLimiter, one: Bucket) -> bool:
    try:
        return (await limiter.hit(one)).allowed
    except RateLimiterUnavailable:
        return False


# --- TLS and rights --------------------------------------------------------------------------


async def test_tls_with_a_private_authority(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "tls")
    with RedisNode(tmp_path / "a", tls=certificates) as node:
        server = f"rediss://:{PASSWORD}@{node.address}/0"
        async with limiter_at(f"{server}?ssl_ca_certs={certificates}/ca.crt") as limiter:
            assert await counts(limiter)
        for url, sentence in (
            (server, "not signed by a trusted authority"),
            (f"{server}?ssl_ca_certs=/missing", "a file that its ssl_ parameters name is missing"),
            (f"{server}?ssl_ca_certs={certificates}/other.crt", "not signed by a trusted"),
            (f"redis://:{PASSWORD}@{node.address}/0", "it cannot be reached"),
        ):
            with pytest.raises(PrestartError, match=sentence) as refusal:
                await asyncio.to_thread(wait_for_rate_limiter, settings_for(url), wait_seconds=0)
            assert PASSWORD not in str(refusal.value)


async def test_a_certificate_for_another_host_is_named(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "tls")
    for part in ("crt", "key"):
        (certificates / f"other.{part}").replace(certificates / f"server.{part}")
    with RedisNode(tmp_path / "a", tls=certificates) as node:
        url = f"rediss://:{PASSWORD}@{node.address}/0?ssl_ca_certs={certificates}/ca.crt"
        with pytest.raises(PrestartError, match="its certificate is for another host name"):
            await asyncio.to_thread(wait_for_rate_limiter, settings_for(url), wait_seconds=0)


LEAST_RIGHTS: Final = (
    "~sliding-window-counter:* -@all +eval +evalsha +script|load"
    " +get +set +incr +decr +exists +pttl +rename"
)
"""As docs/operating.md has them."""


async def test_the_least_rights_are_enough(tmp_path: Path) -> None:
    with RedisNode(tmp_path / "a") as node:
        node.execute("ACL", "SETUSER", "api", "on", ">planted-user-password", *LEAST_RIGHTS.split())
        url = f"redis://api:planted-user-password@{node.address}/0"
        async with limiter_at(url) as limiter:
            one = bucket()
            assert (await limiter.hit(one)).allowed
            await limiter.refund(one)
            node.execute("SCRIPT", "FLUSH")
            assert (await limiter.hit(one)).remaining == RATE.amount - 1
            assert limiter.shared is not None
            await limiter.shared.check()
        log = node.execute("ACL", "LOG")
        assert not [entry for entry in log if "client" not in str(entry)], log


@pytest.mark.parametrize("right", LEAST_RIGHTS.split()[2:])
async def test_each_right_is_needed(tmp_path: Path, right: str) -> None:
    with RedisNode(tmp_path / "a") as node:
        rights = [each for each in LEAST_RIGHTS.split() if each != right]
        node.execute("ACL", "SETUSER", "api", "on", ">planted-user-password", *rights)
        url = f"redis://api:planted-user-password@{node.address}/0"
        storage = SharedStorage(url)
        with pytest.raises(BACKEND_ERRORS) as failure:
            await _use_everything(storage, node)
        assert backend_reason(failure.value).word == "no_permission"
        await storage.close()


async def _use_everything(storage: SharedStorage, node: RedisNode) -> None:
    short = Bucket("short", uuid.uuid4().hex, parse("100/1second"))
    await storage.connect()
    await storage.hit([short])
    await storage.hit([short])
    await storage.refund([short])
    await asyncio.to_thread(node.execute, "SCRIPT", "FLUSH")
    await asyncio.sleep(1.1)  # the window becomes the previous one
    await storage.hit([short])


def test_the_documentation_has_the_least_rights() -> None:
    page = Path("docs/operating.md").read_text()
    assert " ".join(LEAST_RIGHTS.split()) in " ".join(page.replace("\\\n", " ").split())
