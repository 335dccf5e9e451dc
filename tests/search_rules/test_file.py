"""Synonyms and rules as a file, by the command line."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from scholarship_api.cli import load
from scholarship_api.search_rules.cli import search_rules
from tests.api_keys.conftest import Headers
from tests.search_rules.conftest import QUOKKAS, RULES, SYNONYMS, Create, ids, search

pytestmark = pytest.mark.anyio


Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, module_database_url: str) -> Run:
    """Run the command in a thread, where it has an event loop of its own."""
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", module_database_url)

    async def run(*arguments: str) -> Result:
        invoke = partial(CliRunner().invoke, search_rules, arguments, catch_exceptions=False)
        return await asyncio.to_thread(invoke)

    return run


async def test_a_file_holds_all_and_brings_it_back(
    client: httpx.AsyncClient,
    create: Create,
    admin: Headers,
    run: Run,
    tmp_path: Path,
) -> None:
    rule = await create(
        query="quokka",
        match="contains",
        pin=["wombat"],
        hide=[QUOKKAS[1]],
        boost=[{"factor": 2.5, "organization": "Quokka Trust"}],
        note="Größer.",
        **{"from": "2020-01-01T00:00:00+02:00", "until": "2999-01-01T00:00:00Z"},
    )
    entry = await create(SYNONYMS, kind="one_way", words=["zyzzyva"], others=["wombat"])
    first, second = str(tmp_path / "first.json"), str(tmp_path / "second.json")
    assert (await run("export", first)).exit_code == 0
    for path in (f"{RULES}/{rule['id']}", f"{SYNONYMS}/{entry['id']}"):
        assert (await client.delete(path, headers=admin)).status_code == 204
    assert "wombat" not in ids(await search(client, "quokka"))
    done = await run("import", first)
    assert (done.exit_code, "Created 2, updated 0" in done.output) == (0, True)
    assert ids(await search(client, "quokka"))[0] == "wombat"
    assert ids(await search(client, "zyzzyva")) == ["wombat"]
    assert (await run("export", second)).exit_code == 0
    assert _content(first) == _content(second)
    again = await run("import", first)
    assert "2 are as they were" in again.output


async def test_a_file_replaces_entries_of_the_same_id_and_on_demand_all(
    client: httpx.AsyncClient,
    create: Create,
    admin: Headers,
    run: Run,
    tmp_path: Path,
) -> None:
    kept = await create(query="quokka", pin=["wombat"])
    other = await create(query="ibis", pin=["wombat"])
    file = tmp_path / "rules.json"
    await run("export", str(file))
    content = json.loads(file.read_text())
    content["rules"] = [{**content["rules"][0], "pin": ["ibis"]}]
    file.write_text(json.dumps(content))
    assert "updated 1, deleted 0" in (await run("import", str(file))).output
    assert ids(await search(client, "quokka"))[0] == "ibis"
    assert (await client.get(f"{RULES}/{other['id']}", headers=admin)).status_code == 200
    assert "updated 0, deleted 1" in (await run("import", "--replace", str(file))).output
    assert (await client.get(f"{RULES}/{other['id']}", headers=admin)).status_code == 404
    audit = await client.get(
        "/api/v1/audit", params={"action": "search_rules.imported"}, headers=admin
    )
    entry = audit.json()["items"][0]
    assert entry["actor"]["kind"] == "command_line"
    assert entry["details"] == {"created": 0, "updated": 0, "unchanged": 1, "deleted": 1}
    assert (await client.get(f"{RULES}/{kept['id']}", headers=admin)).status_code == 200


async def test_a_wrong_file_changes_nothing_and_lists_all_that_is_wrong(
    client: httpx.AsyncClient,
    create: Create,
    run: Run,
    tmp_path: Path,
) -> None:
    await create(query="quokka", pin=["wombat"])
    file = tmp_path / "rules.json"
    await run("export", str(file))
    content = json.loads(file.read_text())
    good = content["rules"][0]
    bad = [{**good, "id": "no id"}, {**good, "pin": []}, {**good, "colour": "red"}]
    file.write_text(json.dumps({**content, "rules": [{**good, "pin": ["ibis"]}, *bad]}))
    done = await run("import", str(file))
    assert done.exit_code == 1
    for place in ("rules.1.id", "rules.2", "rules.3.colour"):
        assert place in done.stderr
    assert ids(await search(client, "quokka"))[0] == "wombat"
    separate = {
        "id": good["id"],
        "kind": "separate",
        "words": ["law"],
        "others": ["nurse"],
    }
    file.write_text(json.dumps({**content, "synonyms": [separate], "rules": []}))
    done = await run("import", str(file))
    assert (done.exit_code, "synonyms.0.words" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": "other"}', b"\xff", b"[" * 100_000]
)
async def test_other_files_are_refused(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(content)
    done = await run("import", str(file))
    assert done.exit_code == 1
    assert "Traceback" not in done.output


async def test_a_file_that_is_not_there_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    assert (await run("import", str(tmp_path / "none.json"))).exit_code == 2
    assert load("search-rules")


def _content(file: str) -> bytes:
    return Path(file).read_bytes()
