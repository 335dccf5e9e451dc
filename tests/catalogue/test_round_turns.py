"""An award with rounds is right at every instant, without a write by anybody."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest

from tests.catalogue.api import AWARDS, Api, created, serving

pytestmark = pytest.mark.anyio

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)

Catalogue = psycopg.Connection[dict[str, Any]]


def days(number: int) -> str:
    return (NOW + dt.timedelta(days=number)).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
def time_passes(catalogue: Catalogue) -> Callable[..., None]:
    """Moves all that is stored of an award's times into the past, as if days had passed."""

    def pass_days(award_id: str, rounds: list[dict[str, Any]], number: int) -> None:
        moved = [
            each
            | {
                name: (
                    dt.datetime.fromisoformat(each[name]) - dt.timedelta(days=number)
                ).isoformat()
                for name in ("opens_at", "closes_at")
                if each.get(name)
            }
            for each in rounds
        ]
        catalogue.execute(
            "UPDATE scholarships SET rounds = %(rounds)s,"
            " application_deadline = application_deadline - %(time)s,"
            " deadline_date = deadline_date - %(days)s,"
            " opens_at = opens_at - %(time)s, turns_at = turns_at - %(time)s WHERE id = %(id)s",
            {
                "rounds": json.dumps(moved),
                "time": dt.timedelta(days=number),
                "days": number,
                "id": award_id,
            },
        )

    return pass_days


async def hit(api: Api, award_id: str) -> dict[str, Any] | None:
    answer = await api.anonymous.get("/api/v1/search", params={"sort": "deadline", "limit": 100})
    assert answer.status_code == 200, answer.text
    return next((item for item in answer.json()["items"] if item["id"] == award_id), None)


ROUNDS = [
    {"key": "a", "opens_at": days(10), "closes_at": days(20)},
    {"key": "b", "opens_at": days(30), "closes_at": days(40)},
    {"key": "c", "closes_at": days(60)},
]


@pytest.mark.parametrize(("passed", "closes", "left"), [(0, 20, 20), (25, 40, 15), (45, 60, 15)])
async def test_a_search_shows_the_next_round(
    api: Api,
    time_passes: Callable[..., None],
    passed: int,
    closes: int,
    left: int,
) -> None:
    award = (await created(api.admin, rounds=ROUNDS, status="published")).json()
    time_passes(award["id"], award["rounds"], passed)

    item = await hit(api, award["id"])
    single = (await api.anonymous.get(f"{AWARDS}/{award['id']}")).json()

    assert item is not None
    for shown in (item, single):
        assert shown["application_deadline"] == days(closes - passed)
        assert (shown["availability"], shown["days_left"]) == ("open", left)


async def test_an_award_opens_and_closes_in_its_time(
    api: Api, time_passes: Callable[..., None]
) -> None:
    award = (await created(api.admin, rounds=ROUNDS[:2])).json()
    assert (award["availability"], award["opens_at"]) == ("upcoming", days(10))
    seen = []
    for passed in (5, 10, 7, 10, 15):
        single = (await api.anonymous.get(f"{AWARDS}/{award['id']}")).json()
        time_passes(award["id"], single["rounds"], passed)
        item = await hit(api, award["id"])
        seen.append(item and item["availability"])
    # After 5, 15, 22, 32 and 47 days.
    assert seen == ["upcoming", "open", "upcoming", "open", None]


async def test_the_turn_of_a_round_is_an_audited_change(
    api: Api, catalogue: Catalogue, time_passes: Callable[..., None]
) -> None:
    award = (await created(api.admin, rounds=ROUNDS)).json()
    time_passes(award["id"], award["rounds"], 25)

    await asyncio.gather(*(hit(api, award["id"]) for _ in range(20)))

    changes = catalogue.execute(
        "SELECT * FROM scholarship_changes WHERE scholarship_id = %s AND source = 'schedule'",
        [award["id"]],
    ).fetchall()
    assert [change["version"] for change in changes] == [2]
    assert changes[0]["after"].keys() == {"application_deadline"}
    assert (changes[0]["account_id"], changes[0]["trace_id"]) == (None, None)
    for path in (f"/api/v1/audit?target={award['id']}", f"{AWARDS}/{award['id']}/history"):
        entries = (await api.admin.client.get(path)).json()["items"]
        assert entries[0]["actor"]["kind"] == "schedule"


async def test_reads_go_on_while_awards_cannot_be_written(
    api: Api, conninfo: str, time_passes: Callable[..., None]
) -> None:
    award = (await created(api.admin, rounds=ROUNDS)).json()
    time_passes(award["id"], award["rounds"], 25)
    with psycopg.connect(conninfo) as blocker:
        blocker.execute("SELECT FROM scholarships WHERE id = %s FOR UPDATE", [award["id"]])

        single = (await api.anonymous.get(f"{AWARDS}/{award['id']}")).json()
        answer = await api.anonymous.get("/api/v1/search")

    assert single["application_deadline"] == days(15)
    assert answer.status_code == 200
