"""Users who write and record every acknowledged write."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from soak.recording import Recording
from soak.user import User
from tests.catalogue.awards import ndjson

AWARDS: Final = "/api/v1/scholarships"
WRITERS: Final = "Soak writers"
IMPORTERS: Final = "Soak importers"
ROWS_OF_AN_IMPORT: Final = 20


@dataclass
class Kept:
    """The state of an award as its writer knows it."""

    id: str
    amount: int
    version: int
    status: str = "published"


@dataclass
class Ledger:
    """All acknowledged writes."""

    created: dict[str, Kept] = field(default_factory=dict)
    """The state of each created award by its name."""
    imported: list[str] = field(default_factory=list)
    saved: list[tuple[str, str]] = field(default_factory=list)
    """Account and award of each saved interaction."""
    changes: int = 0
    replayed: int = 0
    """Number of creations whose first answer was lost."""
    found_out: int = 0
    """Number of changes whose answer was lost and that a later read found."""

    @property
    def acknowledged(self) -> int:
        return len(self.created) + len(self.imported) + len(set(self.saved)) + self.changes


class Writer:
    """Creates awards under an Idempotency-Key, changes and archives them under If-Match."""

    def __init__(
        self, user: User, recording: Recording, ledger: Ledger, rng: random.Random
    ) -> None:
        self._user = user
        self._recording = recording
        self._ledger = ledger
        self._rng = rng

    async def step(self) -> None:
        name = f"Soak {uuid.UUID(int=self._rng.getrandbits(128))}"
        key = {"Idempotency-Key": name.replace(" ", "-")}
        award = {
            "name": name,
            "organization": WRITERS,
            "scholarship_type": "merit_based",
            "deadline_kind": "rolling",
            "amount": 100,
            "currency": "USD",
        }
        answer = await self._user.settle(
            lambda: self._user.ask("POST", AWARDS, document=award, headers=key)
        )
        if answer.status != 201:
            self._recording.complain("a creation is refused", str(answer))
            return
        self._ledger.replayed += "idempotency-replayed" in answer.headers
        created = answer.json()
        kept = Kept(created["id"], 100, created["version"])
        self._ledger.created[name] = kept
        for _ in range(self._rng.randrange(3)):
            await self._change(kept, {"amount": self._rng.randrange(101, 99_999)})
        if self._rng.random() < 0.2:
            await self._archive(kept)

    async def _change(self, kept: Kept, patch: dict[str, int]) -> None:
        headers = {"If-Match": f'"{kept.version}"'}
        path = f"{AWARDS}/{kept.id}"
        answer = await self._user.ask("PATCH", path, document=patch, headers=headers)
        if answer is not None and answer.status == 200:
            self._acknowledge(kept, answer.json(), patch["amount"])
            return
        await self._look_up(kept, patch["amount"])

    async def _archive(self, kept: Kept) -> None:
        headers = {"If-Match": f'"{kept.version}"'}
        answer = await self._user.ask("DELETE", f"{AWARDS}/{kept.id}", headers=headers)
        if answer is not None and answer.status == 204:
            kept.status, kept.version = "archived", kept.version + 1
            self._ledger.changes += 1
        else:
            await self._look_up(kept, kept.amount)

    async def _look_up(self, kept: Kept, amount: int) -> None:
        """Find out by reading whether a change was made whose answer was lost or unclear."""
        before = kept.version
        read = await self._user.settle(lambda: self._user.ask("GET", f"{AWARDS}/{kept.id}"))
        if read.status != 200:
            self._recording.complain("an acknowledged award is not found", str(read))
            return
        found = read.json()
        if found["version"] == before:
            return
        self._recording.expect(
            found["version"] == before + 1, "one change is applied twice", lambda: str(read)
        )
        self._ledger.found_out += 1
        self._acknowledge(kept, found, amount)

    def _acknowledge(self, kept: Kept, found: dict[str, Any], amount: int) -> None:
        self._ledger.changes += 1
        kept.amount, kept.version, kept.status = amount, found["version"], found["status"]
        self._recording.expect(
            found["amount"] == amount, "a change is not what it was", lambda: str(found)
        )


class Importer:
    """Imports files, and sends the same file again when the answer is lost."""

    def __init__(
        self, user: User, recording: Recording, ledger: Ledger, rng: random.Random
    ) -> None:
        self._user = user
        self._recording = recording
        self._ledger = ledger
        self._rng = rng

    async def step(self) -> None:
        batch = f"soak-{self._rng.getrandbits(64):016x}"
        ids = [f"{batch}-{number}" for number in range(ROWS_OF_AN_IMPORT)]
        rows = [
            {
                "id": award,
                "name": f"Import {award}",
                "organization": IMPORTERS,
                "scholarship_type": "need_based",
                "deadline_kind": "rolling",
            }
            for award in ids
        ]
        body = ndjson(*rows)
        answer = await self._user.settle(
            lambda: self._user.ask(
                "POST",
                f"{AWARDS}/import",
                body=body,
                headers={"Content-Type": "application/x-ndjson"},
            )
        )
        counts = answer.json() if answer.status == 200 else {}
        self._recording.expect(
            counts and counts["created"] + counts["unchanged"] == counts["rows"] == len(ids),
            "an import does not count its rows",
            lambda: str(answer),
        )
        if counts:
            self._ledger.imported += ids


class Saver:
    """Saves awards, some of them several times."""

    def __init__(
        self, user: User, ledger: Ledger, rng: random.Random, awards: list[str], account_id: str
    ) -> None:
        self._user = user
        self._ledger = ledger
        self._rng = rng
        self._awards = awards
        self._account_id = account_id

    async def step(self) -> None:
        award = self._rng.choice(self._awards)
        document = {"scholarship_id": award, "type": "saved"}
        answer = await self._user.ask("POST", "/api/v1/interactions", document=document)
        if answer is not None and answer.status == 201:
            self._ledger.saved.append((self._account_id, award))


def discrepancies(connection: "psycopg.Connection[Any]", ledger: Ledger) -> Iterator[str]:
    """Acknowledged writes that are missing in the tables, exist twice, or differ."""
    rows: dict[str, list[tuple[str, int, int, str]]] = {}
    for name, *rest in connection.execute(
        "SELECT name, id, amount::int, version, status FROM scholarships WHERE organization = %s",
        [WRITERS],
    ):
        rows.setdefault(name, []).append((rest[0], rest[1], rest[2], rest[3]))
    for name, found in rows.items():
        if len(found) > 1:
            yield f"{name} was created {len(found)} times"
    for name, kept in ledger.created.items():
        expected = (kept.id, kept.amount, kept.version, kept.status)
        if rows.get(name, [None])[0] != expected:
            yield f"{name}: {rows.get(name)} instead of {expected}"
    imported = {
        row[0]: row[1]
        for row in connection.execute(
            "SELECT id, version FROM scholarships WHERE organization = %s", [IMPORTERS]
        )
    }
    for award in ledger.imported:
        if imported.get(award) != 1:
            yield f"{award}: version {imported.get(award)} instead of 1"
    saved = {
        (str(account), award): count
        for account, award, count in connection.execute(
            "SELECT account_id, scholarship_id, count(*) FROM interactions"
            " WHERE type = 'saved' GROUP BY 1, 2"
        )
    }
    for pair in set(ledger.saved):
        if saved.get(pair) != 1:
            yield f"{pair} was saved {saved.get(pair, 0)} times"


def rows_found(connection: "psycopg.Connection[Any]") -> int:
    """Number of writes in the tables: rows, and versions of awards beyond the first."""
    row = connection.execute(
        "SELECT (SELECT coalesce(sum(version), 0) FROM scholarships"
        " WHERE organization IN (%s, %s))"
        " + (SELECT count(*) FROM interactions WHERE type = 'saved')",
        [WRITERS, IMPORTERS],
    ).fetchone()
    assert row
    return int(row[0])
