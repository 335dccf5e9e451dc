"""Availability and days left, in the zone of the deadline."""

import datetime as dt
import zoneinfo
from typing import Any

import httpx
import pytest

from scholarship_api.catalogue import service
from scholarship_api.vocabulary import Availability, DeadlineKind, Recurrence, Status

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "deadline", "now", "left"),
    [
        # 23:59:59 on 1 March in New York is 2 March in UTC; the count follows New York.
        ("America/New_York", "2027-03-02T04:59:59Z", "2027-03-01T23:00:00Z", 0),
        ("America/New_York", "2027-03-02T04:59:59Z", "2027-03-01T04:00:00Z", 1),
        ("America/New_York", "2027-03-02T04:59:59Z", "2027-03-02T04:59:59Z", 0),
        ("America/New_York", "2027-03-02T04:59:59Z", "2027-03-02T05:00:00Z", None),
        ("Asia/Tokyo", "2027-03-01T14:59:59Z", "2027-02-28T15:00:00Z", 0),
        ("Pacific/Auckland", "2027-04-04T11:59:59Z", "2027-04-03T10:00:00Z", 1),  # clocks change
    ],
)
def test_days_left_are_counted_in_the_zone_of_the_deadline(
    zone: str, deadline: str, now: str, left: int | None
) -> None:
    assert (
        service.days_left(application_deadline=at(deadline), deadline_timezone=zone, now=at(now))
        == left
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"deadline_kind": DeadlineKind.ROLLING}, Availability.ROLLING),
        ({"deadline_kind": DeadlineKind.UNKNOWN}, Availability.UNKNOWN),
        ({"application_deadline": at("2027-01-01T00:00:00Z")}, Availability.OPEN),
        ({"application_deadline": at("2026-12-31T23:59:59Z")}, Availability.CLOSED),
        (
            {"application_deadline": at("2026-12-31T23:59:59Z"), "recurs": Recurrence.YEARLY},
            Availability.UPCOMING,
        ),
        ({"deadline_kind": DeadlineKind.ROLLING, "status": Status.ARCHIVED}, Availability.CLOSED),
    ],
)
def test_availability(fields: dict[str, Any], expected: Availability) -> None:
    award = {
        "status": Status.PUBLISHED,
        "deadline_kind": DeadlineKind.FIXED,
        "recurs": Recurrence.NONE,
        "application_deadline": None,
        **fields,
    }
    assert service.availability(**award, now=at("2027-01-01T00:00:00Z")) == expected


async def test_a_date_alone_closes_at_the_end_of_that_day_in_its_zone(
    client: httpx.AsyncClient,
    insert_awards: Any,  # noqa: ANN401
) -> None:
    """At any moment it is still today somewhere, and already tomorrow elsewhere."""
    common = {"organization": "Zone Trust", "scholarship_type": "athletic", "name": "Zone award"}
    zones = ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago")
    now = dt.datetime.now(dt.UTC)
    local = {zone: now.astimezone(zoneinfo.ZoneInfo(zone)).date() for zone in zones}
    insert_awards(
        {
            **common,
            "id": f"{word}-{zone.replace('/', '-')}",
            "application_deadline": (local[zone] + dt.timedelta(days=days)).isoformat(),
            "deadline_timezone": zone,
        }
        for zone in zones
        for word, days in (("today", 0), ("yesterday", -1))
    )
    params: dict[str, Any] = {"scholarship_types": "athletic", "limit": 100}
    shown = (await client.get(PATH, params=params)).json()["items"]
    assert {item["id"].split("-")[0] for item in shown} == {"today"}
    assert {item["days_left"] for item in shown} == {0}
    every = (await client.get(PATH, params={**params, "include_closed": True})).json()["items"]
    closed = [item for item in every if item["id"].startswith("yesterday")]
    assert len(closed) == 3
    assert {(item["availability"], item["days_left"]) for item in closed} == {("closed", None)}


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"deadline_before": "2031-05-01"}, True),  # the whole day, in New York
        ({"deadline_before": "2031-04-30"}, False),
        ({"deadline_after": "2031-05-01"}, True),
        ({"deadline_after": "2031-05-02"}, False),
        ({"deadline_before": "2031-05-02T03:59:59Z"}, True),
        ({"deadline_before": "2031-05-02T03:59:58Z"}, False),
        ({"deadline_after": "2031-05-01T23:59:59-04:00"}, True),
        ({"deadline_after": "2031-05-02T04:00:00"}, False),  # without a zone: UTC
        ({"deadline_after": "2031-05-02T07:59:59 04:00"}, True),  # an unescaped plus sign
        ({"deadline_after": "2031-05-02T08:00:00 04:00"}, False),
    ],
)
async def test_deadline_bounds_are_inclusive(
    client: httpx.AsyncClient, edge_award: str, bounds: dict[str, str], *, found: bool
) -> None:
    answer = await client.get(PATH, params={"scholarship_types": "minority", **bounds})
    assert answer.status_code == 200, answer.text
    assert (edge_award in [item["id"] for item in answer.json()["items"]]) is found


@pytest.fixture(scope="module")
def edge_award(insert_awards: Any) -> str:  # noqa: ANN401
    insert_awards(
        [
            {
                "id": "edge",
                "name": "Edge",
                "organization": "Edge Trust",
                "scholarship_type": "minority",
                "application_deadline": "2031-05-01",
                "deadline_timezone": "America/New_York",
            }
        ]
    )
    return "edge"
