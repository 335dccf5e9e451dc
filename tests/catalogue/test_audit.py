"""The audit holds every change of an award, whoever makes it, and nothing else."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.columns import CRITERIA_FIELDS, PART_FIELDS, TOP_LEVEL_FIELDS
from scholarship_api.catalogue.models import Scholarship
from tests.catalogue.api import AWARDS, Api, address, created, new_award, own_id, refusal, serving
from tests.catalogue.awards import award, ndjson

pytestmark = pytest.mark.anyio

Audit = psycopg.Connection[dict[str, Any]]


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
def audit(module_database_url: str) -> Iterator[Audit]:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        # TRUNCATE would wait for readers on this event loop, which it blocks.
        connection.execute("DELETE FROM scholarships")
        connection.execute("DELETE FROM scholarship_changes")
        yield connection


def changes(audit: Audit) -> list[dict[str, Any]]:
    return audit.execute("SELECT * FROM scholarship_changes ORDER BY id").fetchall()


async def test_a_change_records_the_account_the_trace_and_the_changed_fields(
    api: Api, audit: Audit
) -> None:
    answer = await created(api.partner, amount=10, currency="USD", status="draft")
    at = address(answer)
    steps = [("created", api.partner, answer)]
    for action, user, method, body in (
        ("updated", api.admin, "PATCH", {"amount": 20, "eligibility_criteria": {"min_gpa": 3.5}}),
        ("updated", api.partner, "PUT", new_award(status="published")),
        ("archived", api.admin, "DELETE", None),
        ("updated", api.admin, "PATCH", {"status": "draft"}),
    ):
        answer = await user.client.request(method, at, json=body, headers={"If-Match": "*"})
        assert answer.status_code in (200, 204)
        steps.append((action, user, answer))
    found = changes(audit)
    assert [
        (row["action"], row["account_id"], row["trace_id"], row["source"], row["version"])
        for row in found
    ] == [
        (action, user.id, answer.headers["x-trace-id"], "api", version)
        for version, (action, user, answer) in enumerate(steps, start=1)
    ]
    assert {row["scholarship_id"] for row in found} == {at.rpartition("/")[2]}
    times = [row["changed_at"] for row in found]
    assert times == sorted(times)
    first, patched, replaced, archived, _ = found
    assert first["before"] is None
    assert first["after"].keys() == {*TOP_LEVEL_FIELDS, *CRITERIA_FIELDS, *PART_FIELDS} - {"id"}
    assert (first["after"]["name"], first["after"]["amount_min"]) == ("Name", 10)
    assert patched["before"] == {"amount_min": 10, "amount_max": 10, "min_gpa": None}
    assert patched["after"] == {"amount_min": 20, "amount_max": 20, "min_gpa": 3.5}
    assert replaced["after"] == {
        "amount_min": None,
        "amount_max": None,
        "currency": None,
        "min_gpa": None,
        "status": "published",
    }
    assert archived["before"], archived["after"] == (
        {"status": "published"},
        {"status": "archived"},
    )


async def test_every_past_state_of_an_award_follows_from_its_changes(
    api: Api, audit: Audit
) -> None:
    answer = await created(api.admin)
    for body in ({"name": "B"}, {"max_awards": 3, "name": "C"}, {"max_awards": None}):
        await api.admin.client.patch(address(answer), json=body, headers={"If-Match": "*"})
    audit.execute("DELETE FROM scholarships")
    state: dict[str, Any] = {}
    for row in changes(audit):
        if row["after"] is None:
            assert (row["action"], row["before"]) == ("deleted", state)
        else:
            assert {name: state.get(name) for name in row["before"] or {}} == (row["before"] or {})
            state |= row["after"]
    assert (state["name"], state["max_awards"]) == ("C", None)


async def test_refused_writes_and_writes_without_a_change_are_not_recorded(
    api: Api, audit: Audit
) -> None:
    answer = await created(api.partner, id=own_id("award"))
    for user, method, at, body in (
        (api.partner, "PUT", address(answer), answer.json()),
        (api.partner, "PATCH", address(answer), {"name": ""}),
        (api.other, "PATCH", address(answer), {"name": "New"}),
        (api.partner, "POST", AWARDS, new_award(id=own_id("award"))),
    ):
        await user.client.request(method, at, json=body, headers={"If-Match": "*"})
    stale = await api.partner.client.delete(address(answer), headers={"If-Match": '"2"'})
    assert refusal(stale) == (412, "PRECONDITION_FAILED")
    assert [row["action"] for row in changes(audit)] == ["created"]
    for _ in range(2):
        await api.partner.client.delete(address(answer), headers={"If-Match": "*"})
    assert [row["action"] for row in changes(audit)] == ["created", "archived"]


async def test_a_change_that_cannot_be_recorded_is_not_made(api: Api, audit: Audit) -> None:
    audit.execute("ALTER TABLE scholarship_changes RENAME TO away")
    try:
        answer = await api.admin.client.post(AWARDS, json=new_award(id="unseen"))
    finally:
        audit.execute("ALTER TABLE away RENAME TO scholarship_changes")
    assert refusal(answer) == (500, "INTERNAL_ERROR")
    assert (await api.anonymous.get(f"{AWARDS}/unseen")).status_code == 404


async def test_imports_record_a_change_for_each_award(api: Api, audit: Audit) -> None:
    content = ndjson(award(id="a"), award(id="b"))
    headers = {"Content-Type": "application/x-ndjson"}
    first = await api.admin.client.post(f"{AWARDS}/import", content=content, headers=headers)
    conninfo = audit.info.dsn
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await import_stream(io.BytesIO(ndjson(award(id="a"), award(id="b", name="N"))), connection)
    audit.execute("UPDATE scholarships SET renewable = true WHERE id = 'b'")
    found = [
        (row["scholarship_id"], row["action"], row["source"], row["account_id"], row["trace_id"])
        for row in changes(audit)
    ]
    trace_id = first.headers["x-trace-id"]
    assert found == [
        ("a", "created", "api", api.admin.id, trace_id),
        ("b", "created", "api", api.admin.id, trace_id),
        ("b", "updated", "command_line", None, None),
        ("b", "updated", "database", None, None),
    ]
    assert (changes(audit)[2]["before"], changes(audit)[2]["after"]) == (
        {"name": "Name"},
        {"name": "N"},
    )


@pytest.mark.slow
async def test_the_cost_of_recording_an_import_is_linear(api: Api, audit: Audit) -> None:
    """The planner has no statistics of a trigger's rows: a nested loop took 7 ms for each row."""
    rows = 3000
    async with await psycopg.AsyncConnection.connect(audit.info.dsn, autocommit=True) as other:
        for name in ("A", "B"):
            content = ndjson(*(award(id=f"{number}", name=name) for number in range(rows)))
            await import_stream(io.BytesIO(content), other, refresh=False)
    found = changes(audit)
    assert len(found) == 2 * rows
    assert all(
        (row["before"], row["after"]) == ({"name": "A"}, {"name": "B"}) for row in found[rows:]
    )
    function = audit.execute(
        "SELECT proconfig FROM pg_proc WHERE proname = 'scholarships_audit'"
    ).fetchone()
    assert function is not None
    assert "enable_hashjoin=on" in function["proconfig"]


def test_every_column_that_can_be_written_is_recorded(audit: Audit) -> None:
    """A migration that adds a column also replaces the function of the trigger."""
    derived = {"id", "version", "created_at", "updated_at", "deadline_date"}
    derived |= {"opens_at", "turns_at"}
    columns = {
        column.name for column in Scholarship.__table__.columns if column.computed is None
    } - derived
    audit.execute(
        "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)"
        " VALUES ('a', 'A', 'O', 'athletic', 'rolling')"
    )
    assert changes(audit)[0]["after"].keys() == columns


async def test_no_token_is_recorded(api: Api, audit: Audit) -> None:
    await created(api.partner)
    token = api.partner.client.headers["authorization"].removeprefix("Bearer ")
    assert token not in json.dumps(changes(audit), default=str)


async def test_the_serving_role_cannot_write_the_audit_itself(api: Api, audit: Audit) -> None:
    audit.execute("CREATE ROLE serving_test")
    try:
        audit.execute("GRANT INSERT, UPDATE, SELECT ON scholarships, search_words TO serving_test")
        audit.execute("SET ROLE serving_test")
        audit.execute(
            "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)"
            " VALUES ('a', 'A', 'O', 'athletic', 'rolling')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            audit.execute("DELETE FROM scholarship_changes")
        audit.execute("RESET ROLE")
        assert len(changes(audit)) == 1
    finally:
        audit.execute("RESET ROLE")
        audit.execute("DROP OWNED BY serving_test")
        audit.execute("DROP ROLE serving_test")
