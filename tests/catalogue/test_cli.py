"""The commands import, export and sample, run as a user runs them."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scholarship_api.catalogue.cli import load_bundled
from tests.catalogue.awards import award, ndjson

Catalogue = psycopg.Connection[dict[str, Any]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = """
import typer
from scholarship_api.catalogue import cli
from scholarship_api.exchange.cli import import_command
from scholarship_api.exchange.export.cli import export_command
app = typer.Typer(pretty_exceptions_enable=False)
app.command("import")(import_command)
app.command("export")(export_command)
app.command("sample")(cli.sample_command)
app()
"""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", **variables}


@pytest.fixture
def run(module_database_url: str, tmp_path: Path) -> Run:
    def run(
        *arguments: str | Path, stdin: str = "", database_url: str = module_database_url
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment(DATABASE_URL=database_url),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def ids(catalogue: Catalogue) -> list[str]:
    return [row["id"] for row in catalogue.execute("SELECT id FROM scholarships ORDER BY id")]


@pytest.mark.slow
def test_import_prints_counts(catalogue: Catalogue, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "awards.ndjson"
    file.write_bytes(ndjson(award(id="a"), award(id="b")))
    done = run("import", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("2 created, 0 updated, 0 unchanged, 0 bad, ")
    file.write_bytes(ndjson(award(id="a"), award(id="b", name="New"), award(id="b", name="Newer")))
    done = run("import", file)
    assert done.stderr.startswith("0 created, 1 updated, 1 unchanged, 1 repeated, 0 bad, ")


@pytest.mark.slow
def test_bad_rows_are_listed_and_give_exit_code_1(
    catalogue: Catalogue, run: Run, tmp_path: Path
) -> None:
    errors = tmp_path / "errors.ndjson"
    bad = [award(id="[red]"), *(award(id="x", status=f"s{number}") for number in range(60))]
    done = run("import", "-", "--errors", errors, stdin=ndjson(award(id="a"), *bad).decode())
    assert done.returncode == 1
    assert ids(catalogue) == ["a"]
    lines = [json.loads(line) for line in errors.read_text().splitlines()]
    assert lines[0] == {
        "line": 2, "field": "id", "reason": "must be 1 to 128 letters, digits or . _ : ~ -",
        "column": "id", "value": "[red]",
        "accepted": "letters, digits and . _ : ~ -, at most 128; or no id, and one is derived",
    }  # fmt: skip
    assert [line["line"] for line in lines] == list(range(2, 63))
    assert "draft, published or archived" in done.stderr
    assert "│ 51 " in done.stderr
    assert "│ 52 " not in done.stderr
    assert f"of 61 errors; to list all: {errors}" in done.stderr
    assert "1 created, 0 updated, 0 unchanged, 61 bad" in done.stderr


@pytest.mark.slow
def test_a_dry_run_needs_no_database_and_writes_nothing(
    catalogue: Catalogue, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "awards.csv"
    file.write_text("id,name,organization,scholarship_type\na,N,O,athletic\n")
    done = run("import", file, "--dry-run", database_url="")
    assert (done.returncode, ids(catalogue)) == (0, [])
    assert done.stderr.startswith("1 good, 0 bad, ")
    file.write_text("id,name,organization,scholarship_type\na,N,O,chess\n")
    assert run("import", file, "--dry-run", database_url="").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.ndjson", None, "missing.ndjson: No such file or directory"),
        ("a.csv", b"id,colour\n", "Line 1 has: id, colour"),
        ("a.csv", b"", "The file is empty"),
        ("a.ndjson", b"\x1f\x8b\x08", "ends too early"),
        ("a.ndjson", b"id,name,organization,scholarship_type\n", "--format csv"),
    ],
)
def test_an_unusable_file_gives_exit_code_2(
    run: Run, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = run("import", name)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("import", "-"), ("export",), ("export", "out.csv")])
def test_an_unreachable_database_gives_exit_code_69(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    url = f"postgresql://nobody:hunter2@/none?host={tmp_path}"
    done = run(*arguments, database_url=url)
    assert done.returncode == 69
    assert done.stderr.startswith("The database cannot be used: connection")
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_database_without_a_schema_gives_a_hint(run: Run, scratch_database_url: str) -> None:
    for arguments in (("import", "-"), ("export",)):
        done = run(*arguments, stdin=ndjson(award()).decode(), database_url=scratch_database_url)
        assert (done.returncode, done.stdout) == (69, "")
        assert "scholarship-api migrate" in done.stderr


@pytest.mark.slow
def test_export_replaces_a_file_only_when_it_is_complete(
    catalogue: Catalogue, run: Run, tmp_path: Path
) -> None:
    run("import", "-", stdin=ndjson(award(id="a"), award(id="b", status="draft")).decode())
    target = tmp_path / "out.ndjson"
    target.write_text("old")
    target.chmod(0o640)
    done = run("export", target, database_url=f"postgresql:///none?host={tmp_path}")
    assert (done.returncode, target.read_text()) == (69, "old")
    done = run("export", target)
    assert (done.returncode, done.stderr) == (0, "2 exported\n")
    assert [json.loads(line)["id"] for line in target.read_text().splitlines()] == ["a", "b"]
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]
    done = run("export", "--status", "draft", "--format", "csv")
    assert done.stdout.splitlines()[1].startswith("b,Name,Organization,")


@pytest.mark.slow
def test_importing_an_export_changes_nothing(
    catalogue: Catalogue, run: Run, tmp_path: Path
) -> None:
    sample = run("sample", "--count", "200", "--seed", "4").stdout
    assert run("import", "-", stdin=sample).returncode == 0
    assert run("export", "out.csv").returncode == 0
    done = run("import", "out.csv")
    assert done.stderr.startswith("0 created, 0 updated, 200 unchanged, 0 bad")


@pytest.mark.slow
def test_samples_are_the_same_in_both_formats(catalogue: Catalogue, run: Run) -> None:
    assert run("sample", "--count", "150", "-o", "a.csv").returncode == 0
    assert run("sample", "--count", "150", "-o", "a.ndjson").returncode == 0
    assert run("import", "a.csv").stderr.startswith("150 created")
    assert run("import", "a.ndjson").stderr.startswith("0 created, 0 updated, 150 unchanged")
    assert run("sample", "--count", "-1").returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("sample", "--count", "100000"), ("export",)])
def test_a_closed_pipe_ends_the_command_without_a_message(
    catalogue: Catalogue, run: Run, module_database_url: str, arguments: tuple[str, ...]
) -> None:
    catalogue.execute(
        "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,"
        " description) SELECT 'id' || n, 'N', 'O', 'athletic', 'rolling', repeat('1 ', 500)"
        " FROM generate_series(1, 2000) AS n"
    )
    with subprocess.Popen(
        command(*arguments),
        env=environment(DATABASE_URL=module_database_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_ctrl_c_ends_an_import_that_waits_for_input(module_database_url: str) -> None:
    with subprocess.Popen(
        command("import", "-"),
        env=environment(DATABASE_URL=module_database_url),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(ndjson(award()).decode())
        process.stdin.flush()
        end = time.monotonic() + 30
        while threads(process.pid) < 2 and time.monotonic() < end:  # a second thread reads
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert (
            process.stderr.read() == "Stopped. Rows that are written stay; run the command again.\n"
        )


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal(
    catalogue: Catalogue, module_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "awards.ndjson"
    file.write_bytes(ndjson(*(award(id=f"{number}") for number in range(20))))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("import", file),
        env=environment(DATABASE_URL=module_database_url, TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # Linux: the other side has closed
        pass
    os.close(ours)
    assert process.wait(20) == 0
    assert "Importing" in shown.decode()
    assert "20 rows" in shown.decode()


def test_the_bundled_catalogue_can_be_imported_twice(
    catalogue: Catalogue, module_database_url: str
) -> None:
    report = load_bundled(module_database_url)
    assert (report.bad, report.accepted) == (0, report.created)
    assert report.created == len(ids(catalogue)) >= 80
    again = load_bundled(module_database_url)
    assert (again.unchanged, again.accepted) == (report.created, report.created)
    passed = catalogue.execute(
        "SELECT id FROM scholarships WHERE recurs = 'yearly' AND application_deadline < now()"
    )
    assert passed.fetchall() == []
