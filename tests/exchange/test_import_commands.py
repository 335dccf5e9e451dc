"""The commands import, preview and template, run as a user runs them."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.catalogue.awards import award, ndjson
from tests.exchange.spreadsheets import delimited, workbook

pytestmark = pytest.mark.slow

Catalogue = psycopg.Connection[dict[str, Any]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

OFFICE = delimited(
    ("Scholarship", "Donor", "Award Amount", "Cut-off", "Remarks"),
    ("Curie Award", "Acme", "$1,500", "3/4/2027", "Ask for Jane"),
    ("Noether Award", "Acme", "a lot", "5/6/2027", ""),
)


@pytest.fixture
def catalogue(module_database_url: str) -> Iterator[Catalogue]:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("TRUNCATE scholarships, search_words CASCADE")
        yield connection


@pytest.fixture
def run(module_database_url: str, tmp_path: Path) -> Run:
    def run(
        *arguments: str | Path, stdin: bytes = b"", database_url: str = module_database_url
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "scholarship_api", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", "DATABASE_URL": database_url},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


def names(catalogue: Catalogue) -> list[str]:
    return [row["name"] for row in catalogue.execute("SELECT name FROM scholarships ORDER BY 1")]


def test_a_mapping_is_saved_and_used_again(catalogue: Catalogue, run: Run, tmp_path: Path) -> None:
    (tmp_path / "office.csv").write_bytes(OFFICE)
    done = run(
        "import", "office.csv", "--map", "Cut-off=application_deadline", "--date-order", "mdy",
        "--set", "renewable=yes", "--lenient", "--save-mapping", "office.toml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 created, 0 updated, 0 unchanged, 1 as drafts, 0 bad" in done.stderr
    assert "columns without a field, kept as text: Remarks" in done.stderr
    assert names(catalogue) == ["Curie Award", "Noether Award"]
    saved = (tmp_path / "office.toml").read_text()
    assert '"Cut-off" = "application_deadline"' in saved
    assert '"Award Amount" = "amount"' in saved
    again = run("import", "office.csv", "--mapping", "office.toml")
    assert "0 created, 0 updated, 2 unchanged, 1 as drafts, 0 bad" in again.stderr


def test_a_preview_needs_no_database(run: Run, tmp_path: Path) -> None:
    (tmp_path / "office.csv").write_bytes(OFFICE)
    options = ("--map", "Cut-off=application_deadline", "--date-order", "dmy")
    done = run("preview", "office.csv", *options, database_url="")
    assert done.returncode == 1, done.stderr  # a row would be refused
    assert "line 2: id row_" in done.stdout
    assert "line 3: refused" in done.stdout
    assert "cannot be read: has no amount that can be read" in done.stdout
    shown = run("preview", "office.csv", *options, "--json", "--rows", "1", database_url="")
    [row] = json.loads(shown.stdout)["rows"]
    assert row["award"]["application_deadline"] == "2027-04-03T23:59:59Z"


def test_a_template_can_be_imported(catalogue: Catalogue, run: Run) -> None:
    done = []
    for file in ("template.csv", "template.xlsx"):
        assert run("template", "-o", file).returncode == 0
        done.append(run("import", file).stderr)
    assert "1 created, 0 updated, 0 unchanged, 0 bad" in done[0]
    assert "0 created, 0 updated, 1 unchanged, 0 bad" in done[1]
    assert names(catalogue) == ["Curie Nursing Award"]


@pytest.mark.parametrize("name", ["office.csv.gz", "office.ndjson.gz", "-"])
def test_packed_files_and_pipes_are_imported(
    catalogue: Catalogue, run: Run, tmp_path: Path, name: str
) -> None:
    rows = ndjson(award(id="a", name="Curie Award"), award(id="b", name="Noether Award"))
    content = rows if "ndjson" in name else delimited(
        ("Name", "Organization"), ("Curie Award", "Acme"), ("Noether Award", "Acme")
    )  # fmt: skip
    packed = gzip.compress(content)
    if name != "-":
        (tmp_path / name).write_bytes(packed)
    for stdin in (packed, content) if name == "-" else (b"",):
        done = run("import", name, stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert names(catalogue) == ["Curie Award", "Noether Award"]


def test_a_workbook_is_found_by_its_content(catalogue: Catalogue, run: Run) -> None:
    content = workbook(("Name", "Organization"), ("Curie Award", "Acme"))
    done = run("import", "-", stdin=content)
    assert done.returncode == 0, done.stderr
    assert names(catalogue) == ["Curie Award"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--map", "Cut-off=due"), "'due' is not a field"),
        (("--set", "organization"), "must have the form NAME=VALUE"),
        (("--delimiter", "ab"), "A delimiter is one character"),
        (("--encoding", "klingon"), "The encoding 'klingon' is not known"),
        (("--mapping", "absent.toml"), "No such file"),
        (("--mapping", "office.csv"), "is not a mapping file"),
    ],
)
def test_unusable_options_give_exit_code_2(
    run: Run, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "office.csv").write_bytes(OFFICE)
    done = run("import", "office.csv", "--dry-run", *options)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr
