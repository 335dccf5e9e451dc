"""Every program can be run, and `python -m benchmarks` runs all of them."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, PROGRAMS, rows_of
from benchmarks.goals import EXIT_NOT_MEASURED, Figure, NotMeasuredError, report

FOLDER = Path(__file__).parents[2] / "benchmarks"


def measuring_modules() -> set[str]:
    """The modules that define `measure`."""
    return {
        file.stem
        for file in FOLDER.glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "measure"
            for node in ast.parse(file.read_text()).body
        )
    }


def test_every_program_is_registered() -> None:
    assert set(PROGRAMS) == measuring_modules()


@pytest.mark.parametrize("name", ["__main__", "catalogues", *PROGRAMS])
def test_every_program_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert ended.value.code == 0
    command = "python -m benchmarks" + ("" if name == "__main__" else f".{name}")
    assert f"{command} [" in capsys.readouterr().out


def test_the_readme_names_every_program() -> None:
    table = (FOLDER / "README.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in table] == []


def unmeasured(*, quick: bool) -> list[Figure]:
    raise NotMeasuredError("no engine")


def broken(*, quick: bool) -> list[Figure]:
    raise ValueError("a fault")


def test_a_program_that_cannot_measure_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PROGRAMS, "growth", unmeasured)
    [row] = rows_of("growth", quick=True)
    assert (row.holds, row.detail) == (None, "no engine")
    assert report(unmeasured, quick=True) == EXIT_NOT_MEASURED
    assert "no engine" in capsys.readouterr().err


def test_a_program_that_fails_leaves_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PROGRAMS, "growth", broken)
    [row] = rows_of("growth", quick=True)
    assert row.holds is None
    assert "a fault" in row.detail
    assert "Traceback" in capsys.readouterr().err
