"""POST /scholarships/import reads the body as a file of awards."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from scholarship_api.exchange import routes
from scholarship_api.exchange.template import xlsx_template
from tests.catalogue.api import AWARDS, Api, User, refusal, refused_fields, serving
from tests.catalogue.awards import award, ndjson

pytestmark = pytest.mark.anyio

Catalogue = psycopg.Connection[dict[str, Any]]
IMPORT = f"{AWARDS}/import"
CSV = (
    b"id,name,organization,scholarship_type,amount_max,currency,fields_of_study\n"
    b'a,"One, two",Acme,athletic,10.50,USD,law;arts\n'
    b"b,B,Acme,nonsense,,,\n"
    b"c,C,Acme,athletic,,,\n"
)


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
async def catalogue(module_database_url: str) -> AsyncIterator[Catalogue]:
    # Deleting waits for a refresh on this event loop, which it blocks.
    refreshing = [t for t in asyncio.all_tasks() if t.get_name() == routes.REFRESH_TASK]
    await asyncio.gather(*refreshing)
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        # TRUNCATE would wait for readers on this event loop as well, such as the read model's.
        connection.execute("DELETE FROM scholarships")
        connection.execute("DELETE FROM search_words")
        yield connection


async def send(
    user: User,
    content: bytes | AsyncIterator[bytes],
    media_type: str = "application/x-ndjson",
) -> httpx.Response:
    return await user.client.post(IMPORT, content=content, headers={"Content-Type": media_type})


def ids(catalogue: Catalogue) -> list[str]:
    return [row["id"] for row in catalogue.execute("SELECT id FROM scholarships ORDER BY id")]


async def test_good_rows_are_written_and_bad_ones_explained(api: Api, catalogue: Catalogue) -> None:
    content = ndjson(
        award(id="a"),
        award(id="b", name=""),
        award(id="c", eligibility_criteria={"min_gpa": 5}, unknown=1),
        award(id="a", name="Later"),
        award(id="d"),
    )
    answer = await send(api.admin, content + b"no JSON\n")
    assert answer.status_code == 200
    body = answer.json()
    assert {name: body[name] for name in body if name not in ("errors", "notes")} == {
        "rows": 6,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "repeated": 1,
        "bad": 3,
        "drafts": 0,
        "error_count": 4,
    }
    assert [(error["line"], error["field"]) for error in body["errors"]] == [
        (2, "name"),
        (3, "eligibility_criteria.min_gpa"),
        (3, "unknown"),
        (6, ""),
    ]
    assert all(error["reason"] for error in body["errors"])
    assert ids(catalogue) == ["a", "d"]


async def test_rows_update_awards_with_the_same_id(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(award(id="a"), award(id="b")))
    answer = await send(api.admin, ndjson(award(id="a"), award(id="b", name="New"), award(id="c")))
    body = answer.json()
    assert (body["created"], body["updated"], body["unchanged"]) == (1, 1, 1)
    read = await api.anonymous.get(f"{AWARDS}/b")
    assert (read.json()["name"], read.json()["version"]) == ("New", 2)


async def test_an_import_is_found_at_once(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(award(id="a", name="Theremin award")))
    found = await api.anonymous.get("/api/v1/search", params={"q": "theremin"})
    assert [item["id"] for item in found.json()["items"]] == ["a"]


@pytest.mark.parametrize(
    "media_type",
    ["text/csv", "text/csv; charset=utf-8", 'Text/CSV;charset="UTF-8"', "text/csv;header=present"],
)
async def test_csv_is_imported(api: Api, catalogue: Catalogue, media_type: str) -> None:
    body = (await send(api.admin, CSV, media_type)).json()
    assert (body["rows"], body["created"], body["bad"]) == (3, 2, 1)
    assert [(error["line"], error["field"]) for error in body["errors"]] == [
        (3, "scholarship_type")
    ]
    read = (await api.anonymous.get(f"{AWARDS}/a")).json()
    assert (read["name"], read["amount"]) == ("One, two", 10.5)
    assert read["eligibility_criteria"]["fields_of_study"] == ["law", "arts"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "APPLICATION/JSONL; charset=utf-8",
    ],
)
async def test_ndjson_is_imported(api: Api, catalogue: Catalogue, media_type: str) -> None:
    assert (await send(api.admin, ndjson(award()), media_type)).json()["created"] == 1


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "text/plain",
        "",
        "multipart/form-data",
        "application/jsonl; charset=utf-16",
    ],
)
async def test_other_media_types_are_refused(
    api: Api, catalogue: Catalogue, media_type: str
) -> None:
    answer = await send(api.admin, ndjson(award()), media_type)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert ids(catalogue) == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "text/csv"),
        (b"a,b\n1,2\n", "text/csv"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "application/x-ndjson"),
        (b"PK\x03\x04\x00\x00\x00\x00", "text/csv"),
        (json.dumps([award()]).encode(), "application/x-ndjson"),
    ],
)
async def test_a_file_in_another_format_is_refused_as_a_whole(
    api: Api, catalogue: Catalogue, content: bytes, media_type: str
) -> None:
    assert refused_fields(await send(api.admin, content, media_type)) == {"body"}
    assert ids(catalogue) == []


@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
async def test_a_body_without_rows_is_accepted(
    api: Api, catalogue: Catalogue, content: bytes
) -> None:
    answer = await send(api.admin, content)
    assert (answer.status_code, answer.json()["rows"]) == (200, 0)


async def test_fifty_errors_are_listed_and_all_counted(api: Api, catalogue: Catalogue) -> None:
    answer = await send(api.admin, b"x\n" * 700)
    body = answer.json()
    assert (body["bad"], body["error_count"], len(body["errors"])) == (700, 700, 50)


async def test_only_administrators_import(api: Api, catalogue: Catalogue) -> None:
    for user in (api.partner, api.student, api.reader):
        assert refusal(await send(user, ndjson(award()))) == (403, "FORBIDDEN")
    anonymous = await api.anonymous.post(IMPORT, content=ndjson(award()))
    assert refusal(anonymous) == (401, "UNAUTHORIZED")
    assert ids(catalogue) == []


async def arriving(content: bytes, size: int, pause: float = 0) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(pause)


async def test_a_body_may_arrive_in_chunks_of_any_size(api: Api, catalogue: Catalogue) -> None:
    content = ndjson(*(award(id=f"{number:03}", name="ñ" * 50) for number in range(100)))
    for size in (1, 7, 1000):
        catalogue.execute("DELETE FROM scholarships")
        body = (await send(api.admin, arriving(content, size))).json()
        assert (body["rows"], body["created"]) == (100, 100)


async def test_a_body_over_the_limit_is_refused_with_and_without_a_declared_length(
    api: Api, catalogue: Catalogue
) -> None:
    content = ndjson(*(award(id=f"{number}", description="x" * 10_000) for number in range(110)))
    assert len(content) > 1_048_576
    for body in (content, arriving(content, 65_536)):
        assert refusal(await send(api.admin, body)) == (413, "PAYLOAD_TOO_LARGE")
        assert ids(catalogue) == []


@pytest.mark.slow
async def test_larger_bodies_are_written_batch_by_batch_as_they_arrive(
    module_database_url: str, catalogue: Catalogue
) -> None:
    rows = 12_000
    content = ndjson(*(award(id=f"{number:05}", description="x" * 200) for number in range(rows)))
    assert len(content) > 3 * routes.HEAD_BYTES
    seen_before_the_end: list[int] = []

    async def watched() -> AsyncIterator[bytes]:
        async for chunk in arriving(content, 262_144, pause=0.05):
            yield chunk
        for _ in range(200):
            seen_before_the_end.append(len(ids(catalogue)))
            if seen_before_the_end[-1]:
                break
            await asyncio.sleep(0.05)

    async with serving(module_database_url, max_request_size_bytes=100_000_000) as api:
        answer = await send(api.admin, watched())
    assert (answer.json()["rows"], answer.json()["created"]) == (rows, rows)
    assert seen_before_the_end[-1] >= 5_000
    assert len(ids(catalogue)) == rows


async def test_a_slow_client_holds_no_connection(
    module_database_url: str, catalogue: Catalogue
) -> None:
    async with serving(module_database_url, database_pool_size=1, database_max_overflow=0) as api:
        content = ndjson(*(award(id=f"{number}") for number in range(40)))
        slow = asyncio.create_task(send(api.admin, arriving(content, 100, pause=0.02)))
        await asyncio.sleep(0.2)
        assert not slow.done()
        assert (await api.anonymous.get(f"{AWARDS}/nothing")).status_code == 404
        assert not slow.done()
        assert (await slow).json()["created"] == 40


async def test_rows_are_validated_outside_of_the_event_loop(api: Api, catalogue: Catalogue) -> None:
    """Measured in CPU time, so that a busy machine makes no difference."""
    content = ndjson(*(award(id=f"{number}", unknown=number) for number in range(7_000)))
    process_seconds, loop_seconds = time.process_time(), time.thread_time()
    body = (await send(api.admin, content)).json()
    process_seconds, loop_seconds = (
        time.process_time() - process_seconds,
        time.thread_time() - loop_seconds,
    )
    assert body["bad"] == 7_000
    assert loop_seconds < 0.5 * process_seconds


async def test_concurrent_imports_of_the_same_rows_succeed(api: Api, catalogue: Catalogue) -> None:
    one = ndjson(*(award(id=f"{number}", name="One") for number in range(300)))
    two = ndjson(*(award(id=f"{number}", name="Two") for number in reversed(range(300))))
    answers = await asyncio.gather(*(send(api.admin, content) for content in (one, two, one, two)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum(answer.json()["created"] for answer in answers) == 300
    assert len(ids(catalogue)) == 300


async def test_statistics_are_refreshed_in_the_background(api: Api, catalogue: Catalogue) -> None:
    await send(api.admin, ndjson(*(award(id=f"{number}", name="Viola") for number in range(7))))
    for _ in range(200):
        row = catalogue.execute("SELECT documents FROM search_words WHERE word = 'viola'")
        if (row.fetchone() or {})["documents"] == 7:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the words were not counted")


# --- Tables as people make them ------------------------------------------------------------------

OFFICE = (
    b"Scholarship Name,Award Amount,Deadline,Eligibility,Website\n"
    b'Curie Award,"$1,500","March 4, 2027",Nursing students,www.quay.example\n'
    b"Noether Award,a lot,sometime,Anyone,\n"
)


async def post(
    user: User,
    path: str,
    content: bytes,
    **options: Any,  # noqa: ANN401 - parameters of the query
) -> httpx.Response:
    media_type = options.pop("media_type", "text/csv")
    return await user.client.post(
        path, content=content, params=options, headers={"Content-Type": media_type}
    )


async def test_a_table_without_an_organization_says_what_to_do(
    api: Api, catalogue: Catalogue
) -> None:
    answer = await post(api.admin, IMPORT, OFFICE)
    assert refused_fields(answer) == {"body"}
    assert "organization=NAME" in answer.text
    assert ids(catalogue) == []


async def test_a_table_of_an_office_is_imported(api: Api, catalogue: Catalogue) -> None:
    first = await post(api.admin, IMPORT, OFFICE, set="organization=Quay College")
    again = await post(api.admin, IMPORT, OFFICE, set="organization=Quay College")
    body = again.json()
    assert (first.json()["created"], first.json()["bad"]) == (1, 1)
    assert (body["created"], body["unchanged"], body["bad"]) == (0, 1, 1)
    assert [(error["line"], error["column"], error["value"]) for error in body["errors"]] == [
        (3, "Award Amount", "a lot"),
        (3, "Deadline", "sometime"),
    ]
    assert all(error["reason"] and error["accepted"] for error in body["errors"])
    assert "$ is taken for USD (1 row)" in body["notes"]
    [row] = catalogue.execute("SELECT name, organization, amount_max FROM scholarships")
    assert (row["name"], row["organization"], row["amount_max"]) == (
        "Curie Award",
        "Quay College",
        1500,
    )


async def test_a_field_with_a_bad_value_is_one_error(api: Api) -> None:
    """The value cannot be read, and so the field is missing as well."""
    answer = await post(api.admin, IMPORT, b"id,name,organization\na,Curie Award,\x1b\n")
    body = answer.json()
    assert (body["bad"], body["error_count"], len(body["errors"])) == (1, 1, 1)


async def test_a_lenient_import_keeps_what_cannot_be_read(api: Api, catalogue: Catalogue) -> None:
    answer = await post(api.admin, IMPORT, OFFICE, set="organization=Quay College", lenient="true")
    body = answer.json()
    assert (body["created"], body["drafts"], body["bad"], body["error_count"]) == (2, 1, 0, 2)
    [row] = catalogue.execute("SELECT other_requirements FROM scholarships WHERE status = 'draft'")
    assert row["other_requirements"] == ["Award Amount: a lot", "Deadline: sometime"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"map": "Deadline=due"}, "map"),
        ({"map": "Deadline"}, "map"),
        ({"set": "organization"}, "set"),
        ({"set": "colour=red"}, "set"),
        ({"date_order": "ydm"}, "query.date_order"),
        ({"encoding": "klingon"}, "body"),
        ({"header_line": "0"}, "query.header_line"),
        ({"colour": "red"}, "query.colour"),
    ],
)
async def test_unusable_options_are_refused(
    api: Api, catalogue: Catalogue, options: dict[str, str], field: str
) -> None:
    for path in (IMPORT, f"{IMPORT}/preview"):
        answer = await post(api.admin, path, OFFICE, **options)
        assert {name.removeprefix("query.") for name in refused_fields(answer)} == {
            field.removeprefix("query.")
        }


async def test_a_preview_shows_what_cells_become_and_writes_nothing(
    api: Api, catalogue: Catalogue
) -> None:
    answer = await post(api.admin, f"{IMPORT}/preview", OFFICE, set="organization=Quay College")
    assert answer.status_code == 200
    body = answer.json()
    assert [(each["column"], each["field"]) for each in body["columns"]] == [
        ("Scholarship Name", "name"),
        ("Award Amount", "amount"),
        ("Deadline", "application_deadline"),
        ("Eligibility", "other_requirements"),
        ("Website", "website_url"),
    ]
    good, bad = body["rows"]
    assert good["award"]["website_url"] == "https://www.quay.example"
    assert good["cells"][1]["became"] == {
        "amount_min": 1500, "amount_max": 1500, "currency": "USD",
    }  # fmt: skip
    assert bad["award"] is None
    assert [error["column"] for error in bad["errors"]] == ["Award Amount", "Deadline"]
    assert ids(catalogue) == []


async def test_a_preview_of_ndjson_shows_its_fields(api: Api, catalogue: Catalogue) -> None:
    content = ndjson(award(id="a"), award(id="b", status="lost"))
    answer = await post(api.admin, f"{IMPORT}/preview", content, media_type="application/x-ndjson")
    good, bad = answer.json()["rows"]
    assert (good["award"]["id"], bad["award"]) == ("a", None)
    assert [(error["field"], error["value"]) for error in bad["errors"]] == [("status", "lost")]


async def test_only_administrators_preview(api: Api, catalogue: Catalogue) -> None:
    for user in (api.partner, api.student, api.reader):
        answer = await post(user, f"{IMPORT}/preview", OFFICE)
        assert refusal(answer) == (403, "FORBIDDEN")


async def test_a_workbook_is_imported(api: Api, catalogue: Catalogue) -> None:
    content = xlsx_template()
    answer = await post(api.admin, IMPORT, content, media_type=routes.XLSX)
    assert answer.json()["created"] == 1, answer.text
    [row] = catalogue.execute("SELECT name, max_awards, scholarship_type FROM scholarships")
    assert (row["name"], row["max_awards"], row["scholarship_type"]) == (
        "Curie Nursing Award",
        2,
        "merit_based",
    )
    shown = await post(api.admin, f"{IMPORT}/preview", content, media_type=routes.XLSX)
    assert not [cell for cell in shown.json()["rows"][0]["cells"] if cell["error"]]


async def test_a_table_with_very_many_rows_is_sent_in_parts(api: Api, catalogue: Catalogue) -> None:
    content = b"Name,Sponsor\n" + b"a,b\n" * (routes.MAX_TABLE_ROWS + 1)
    assert refused_fields(await post(api.admin, IMPORT, content)) == {"body"}
    assert ids(catalogue) == []


async def test_a_charset_of_the_media_type_is_used(api: Api, catalogue: Catalogue) -> None:
    content = "Name,Sponsor\nPrix d\u2019été,Acme\n".encode("cp1252")
    answer = await post(api.admin, IMPORT, content, media_type="text/csv; charset=windows-1252")
    assert answer.json()["created"] == 1
    [row] = catalogue.execute("SELECT name FROM scholarships")
    assert row["name"] == "Prix d\u2019été"


async def test_csv_and_json_rows_have_the_same_faults(api: Api, catalogue: Catalogue) -> None:
    csv = (
        b"id,name,organization,scholarship_type,renewable,essay_required,amount_max,currency\n"
        b'm1,A,B,Chess,Yes,Perhaps,"a lot",USD\nm2,A,B,Merit,Yes,No,"$5",USD\n'
    )
    rows = [
        {
            "id": "m1", "name": "A", "organization": "B", "scholarship_type": "Chess",
            "renewable": "Yes", "essay_required": "Perhaps", "amount_max": "a lot",
            "currency": "USD",
        },
        {
            "id": "m2", "name": "A", "organization": "B", "scholarship_type": "Merit",
            "renewable": "Yes", "essay_required": "No", "amount_max": "$5", "currency": "USD",
        },
    ]  # fmt: skip
    of_csv = (await post(api.admin, IMPORT, csv)).json()
    of_json = (
        await post(api.admin, IMPORT, ndjson(*rows), media_type="application/x-ndjson")
    ).json()
    assert (of_csv["created"], of_json["unchanged"]) == (1, 1)
    faults = [
        {(error["field"], error["value"], error["reason"]) for error in body["errors"]}
        for body in (of_csv, of_json)
    ]
    assert faults[0] == faults[1]
    assert {field for field, _, _ in faults[0]} == {
        "scholarship_type",
        "essay_required",
        "amount_max",
    }


async def test_records_of_nspa_are_imported(api: Api, catalogue: Catalogue) -> None:
    record = {"ProgramName": "Curie", "ProgramOrganization": {"OrganizationName": "Acme"}}
    content = json.dumps({"ScholarshipProgramCollection": {"ScholarshipProgramInfo": [record]}})
    answer = await post(
        api.admin, IMPORT, content.encode(), media_type="application/json", format="nspa"
    )
    assert answer.json()["created"] == 1, answer.text
    refused = await post(api.admin, IMPORT, content.encode(), format="nspa")
    assert refusal(refused) == (415, "UNSUPPORTED_MEDIA_TYPE")
