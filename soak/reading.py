"""Users who search, check their eligibility, log in and log out."""

import random
from collections import deque
from typing import Final
from urllib.parse import quote, urlencode

from soak.recording import Recording
from soak.user import User

WORDS: Final = (
    *("scholarship", "engineering", "nursing", "women", "community", "award", "engneering"),
    *("science", "stem", "first generation", '"high school"', "arts -music", "médecine", "xyzzy"),
    *("%", "_", "\\", "a" * 200, "'; DROP TABLE scholarships; --", "🎓"),
)
STATES: Final = ("CA", "NY", "TX", "WA", "DC", "PR")
FIELDS: Final = ("engineering", "technology", "nursing", "arts", "law", "psychology")
LEVELS: Final = ("high_school", "undergraduate", "graduate", "doctoral")
REMEMBERED: Final = 30


class Searcher:
    """Searches in all variants, by query string and by body."""

    def __init__(self, user: User, rng: random.Random) -> None:
        self._user = user
        self._rng = rng
        self._cursor: str | None = None

    async def step(self) -> None:
        rng = self._rng
        match rng.randrange(10):
            case 0:
                await self._user.ask("POST", "/api/v1/search", document=self._filters())
            case 1:
                await self._user.ask("GET", f"/api/v1/search/suggestions?prefix={self._word()[:3]}")
            case 2:
                await self._user.ask("GET", f"/api/v1/scholarships/smart-search?q={self._word()}")
            case 3:
                await self._user.ask("GET", f"/api/v1/scholarships/fields/{rng.choice(FIELDS)}")
            case 4:
                await self._user.ask("GET", "/search?limit=5&facets=true")
            case _:
                await self._page()

    def _word(self) -> str:
        return quote(self._rng.choice(WORDS), safe="")

    async def _page(self) -> None:
        query = {"q": self._rng.choice(WORDS), "limit": "10"}
        if self._cursor:
            query = {"limit": "10", "cursor": self._cursor}
        elif self._rng.random() < 0.3:
            query = {"limit": "10", "sort": "deadline"}
        answer = await self._user.ask("GET", f"/api/v1/search?{urlencode(query)}")
        page = answer.json() if answer and answer.status == 200 else {}
        self._cursor = page.get("next_cursor") if self._rng.random() < 0.5 else None

    def _filters(self) -> dict[str, object]:
        rng = self._rng
        return {
            "q": rng.choice(WORDS),
            "states": rng.sample(STATES, rng.randint(0, 3)),
            "fields_of_study": rng.sample(FIELDS, rng.randint(0, 2)),
            "min_gpa": round(rng.uniform(0, 4), 1),
            "min_amount": rng.choice((0, 500, 10_000)),
            "sort": rng.choice(("relevance", "deadline", "amount", "newest")),
            "facets": rng.random() < 0.2,
        }


class Student:
    """Asks for eligibility and recommendations."""

    def __init__(self, user: User, rng: random.Random, awards: list[str]) -> None:
        self._user = user
        self._rng = rng
        self._awards = awards

    async def step(self) -> None:
        rng = self._rng
        profile: dict[str, object] = {
            "gpa": round(rng.uniform(0, 4), 2),
            "grade_level": rng.choice(LEVELS),
            "field_of_study": rng.choice(FIELDS),
            "citizenship": rng.choice(("US", "IN", "permanent_resident")),
        }
        some = rng.sample(self._awards, 5)
        match rng.randrange(4):
            case 0:
                path, document = "/api/v1/eligibility/check", {**profile, "scholarship_ids": some}
            case 1:
                path, document = "/api/v1/eligibility/check", profile
            case 2:
                path, document = "/api/v1/scholarships/recommendations", {"user_profile": profile}
            case _:
                path = "/api/v1/scholarships/bulk-eligibility-check"
                document = {"user_profile": profile, "scholarship_ids": some}
        await self._user.ask("POST", path, document=document)


class Visitor:
    """Logs in and out. A revoked token must stay revoked after every restart and flush."""

    def __init__(
        self, user: User, recording: Recording, rng: random.Random, *, name: str, password: str
    ) -> None:
        self._user = user
        self._recording = recording
        self._rng = rng
        self._credentials = {"username": name, "password": password}
        self._revoked: deque[str] = deque(maxlen=REMEMBERED)

    async def step(self) -> None:
        if self._rng.random() < 0.2:
            wrong = {**self._credentials, "password": "not the password"}
            answer = await self._user.ask(
                "POST", "/api/v1/auth/login-simple", document=wrong, token=""
            )
            self._recording.expect(
                answer is None or answer.status in {401, 503}, "a wrong password is not refused"
            )
            return
        answer = await self._user.ask(
            "POST", "/api/v1/auth/login-simple", document=self._credentials, token=""
        )
        if answer is None or answer.status != 200:
            return
        token = answer.json()["access_token"]
        await self._user.ask("GET", "/api/v1/auth/me", token=token)
        # A repeated log-out is refused with 401, because the token is revoked already.
        done = await self._user.settle(
            lambda: self._user.ask("POST", "/api/v1/auth/logout", token=token)
        )
        self._recording.expect(done.status in {204, 401}, "logging out fails", lambda: str(done))
        self._revoked.append(token)
        again = await self._user.ask(
            "GET", "/api/v1/auth/me", token=self._rng.choice(self._revoked)
        )
        self._recording.expect(
            again is None or again.status in {401, 503}, "a revoked token is accepted"
        )
