"""The decision records have one form, and the index lists them all."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT, name, sections

FOLDER: Final = ROOT / "docs" / "decisions"
RECORDS: Final = sorted(FOLDER.glob("[0-9]*.md"))
PARTS: Final = ["Context", "Decision", "Consequences", "Benchmark", "When to drop it"]


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_record_has_a_number_a_title_and_five_parts(record: Path) -> None:
    number = re.fullmatch(r"(\d{4})-[a-z0-9-]+\.md", record.name)
    assert number is not None
    assert record.read_text().startswith(f"# {number[1]}: ")
    assert [one.title for one in sections(record)] == PARTS
    assert all(one.text.strip() for one in sections(record))


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_record_names_files_and_benchmarks_that_exist(record: Path) -> None:
    text = record.read_text()
    for path in re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`", text):
        assert (ROOT / path).exists() or (ROOT / "scholarship_api" / path).exists(), path
    for program in re.findall(r"python -m benchmarks\.([a-z_]+)", text):
        program_path = ROOT / "benchmarks" / program
        assert program_path.is_dir() or program_path.with_suffix(".py").exists(), program


def test_numbers_are_used_once() -> None:
    numbers = [record.name[:4] for record in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_the_index_lists_every_record() -> None:
    index = (FOLDER / "README.md").read_text()
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| .+ \|$", index, re.MULTILINE)
    assert listed == [(record.name[:4], record.name) for record in RECORDS]
