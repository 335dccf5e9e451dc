"""scripts/check-prose finds docstrings and comments that begin with a forbidden word."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.pages import ROOT

PROGRAM: Final = ROOT / "scripts" / "check-prose"


@pytest.fixture(scope="module")
def findings() -> Any:  # noqa: ANN401 - a function of a program without a module
    return runpy.run_path(str(PROGRAM))["findings"]


@pytest.mark.parametrize(
    "text",
    [
        "Of so many matches all are read.",
        "What a search takes.",
        "Whoever comes later waits.",
        "So many matches are read.",
        "And which of them are sorted.",
    ],
)
def test_each_forbidden_opening_is_found_in_docstrings_and_comments(
    findings: Any,  # noqa: ANN401
    text: str,
) -> None:
    assert findings(f'"""{text}"""\n') == [(1, text)]
    assert findings(f'LIMIT = 3\n"""{text}"""\n') == [(2, text)]
    assert findings(f'class A:\n    """{text}"""\n') == [(2, text)]
    assert findings(f'async def a():\n    """\n    {text}\n    """\n') == [(2, text)]
    assert findings(f"a = 1\n\n# {text}\n") == [(3, text)]
    assert findings(f"a = 1  # {text}\n") == [(1, text)]


@pytest.mark.parametrize(
    "source",
    [
        '"""Offers a search."""\n',
        '"""Whatever fails becomes an error."""\n',
        '"""Limits of the search."""\n',
        "# One sentence that goes on for more than one line, and says\n# What it says.\n",
        'text = "Of this string nobody reads more than the program needs."\n',
        "a = '# What looks like a comment'\n",
    ],
)
def test_other_text_is_left_alone(findings: Any, source: str) -> None:  # noqa: ANN401
    assert findings(source) == []


def test_it_names_file_and_line_and_fails(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text('import os\n\nA = 1\n"""Of all."""\n')
    (tmp_path / "right.py").write_text('"""Counts all."""\n')
    done = subprocess.run(
        [sys.executable, PROGRAM, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == f"{tmp_path}/wrong.py:4: begins with a forbidden word: Of all.\n"
    right = subprocess.run([sys.executable, PROGRAM, tmp_path / "right.py"], check=False)
    assert right.returncode == 0
