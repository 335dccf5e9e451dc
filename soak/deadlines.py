"""Awards whose deadline passes during the soak, in time zones with unusual offsets."""

import asyncio
import datetime as dt
import random
import uuid
from typing import Any, Final
from zoneinfo import ZoneInfo

from soak.recording import Recording
from soak.user import User
from soak.writing import AWARDS

ZONES: Final = (
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Niue",  # UTC-11
    "Asia/Kathmandu",  # UTC+5:45
    "Pacific/Chatham",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/New_York",
    "America/Havana",  # summer time begins at midnight
    "Asia/Beirut",
    "Africa/Casablanca",
    "UTC",
)
TOLERANCE_SECONDS: Final = 1.0
"""Largest difference between our reading of the clock and that of the service."""


class Midnights:
    def __init__(self, user: User, recording: Recording, rng: random.Random) -> None:
        self._user = user
        self._recording = recording
        self._rng = rng
        self.checked = 0

    async def step(self) -> None:
        await self._day_ends(self._rng.choice(ZONES))
        await self._closes_now(self._rng.choice(ZONES))

    async def _create(self, **fields: object) -> dict[str, Any]:
        """Create an award whose name has a unique word."""
        word = "".join(self._rng.choices("bcdfghjklmnpqrstvwxz", k=14))
        award = {
            "name": f"Deadline {word}",
            "organization": "Soak deadlines",
            "scholarship_type": "merit_based",
            **fields,
        }
        key = {"Idempotency-Key": str(uuid.UUID(int=self._rng.getrandbits(128)))}
        answer = await self._user.settle(
            lambda: self._user.ask("POST", AWARDS, document=award, headers=key)
        )
        assert answer.status == 201, answer
        return {**answer.json(), "word": word}

    async def _day_ends(self, zone: str) -> None:
        """A date alone closes at the last second of that day in its own zone."""
        here = ZoneInfo(zone)
        today = dt.datetime.now(here).date()
        day = today + dt.timedelta(days=self._rng.randint(-1, 1))
        award = await self._create(application_deadline=day.isoformat(), deadline_timezone=zone)
        closes = dt.datetime.fromisoformat(award["application_deadline"])
        expected = dt.datetime.combine(day, dt.time(23, 59, 59), here)
        self._expect(closes == expected, "a day ends at another time", award)
        if abs((closes - dt.datetime.now(dt.UTC)).total_seconds()) > 20:
            open_ = closes > dt.datetime.now(dt.UTC)
            self._expect(award["availability"] == ("open" if open_ else "closed"), "closed", award)
            left = (day - today).days if open_ else None
            self._expect(award["days_left"] == left, "days left", award)

    async def _closes_now(self, zone: str) -> None:
        """An award is open until its deadline; then readers see it closed and searches omit it."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        closes = now + dt.timedelta(seconds=self._rng.randint(3, 6))
        local = closes.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if local.replace(tzinfo=ZoneInfo(zone)) != closes:
            return  # this local time exists twice
        award = await self._create(application_deadline=local.isoformat(), deadline_timezone=zone)
        for _ in range(20):
            await self._look(award, closes)
            if dt.datetime.now(dt.UTC) > closes + dt.timedelta(seconds=2):
                return
            await asyncio.sleep(0.5)

    async def _look(self, award: dict[str, Any], closes: dt.datetime) -> None:
        began = dt.datetime.now(dt.UTC)
        read = await self._user.ask("GET", f"{AWARDS}/{award['id']}")
        search = await self._user.ask("GET", f"/api/v1/search?q={award['word']}")
        ended = dt.datetime.now(dt.UTC)
        tolerance = dt.timedelta(seconds=TOLERANCE_SECONDS)
        if ended < closes - tolerance:
            expected, found = "open", 1
        elif began > closes + tolerance:
            expected, found = "closed", 0
        else:
            return
        if read is not None and read.status == 200:
            self._expect(read.json()["availability"] == expected, f"not {expected}", read)
        if search is not None and search.status == 200:
            self._expect(len(search.json()["items"]) == found, f"{expected}, not found", search)

    def _expect(self, condition: object, what: str, seen: object) -> None:
        self.checked += 1
        self._recording.expect(condition, f"deadline: {what}", lambda: str(seen)[:300])
