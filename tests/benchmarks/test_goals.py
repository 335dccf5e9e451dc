"""Figures, the table of figures, and the exit code."""

import io

from rich.console import Console

from benchmarks.goals import EXIT_HOLDS, EXIT_MISSED, Figure, Row, exit_code, report, table_of

HELD = Figure("fast", 0.47, "at least", 0.45)
MISSED = Figure("small", 91.2, "at most", 90, "MB", "2 workers")


def test_a_value_equal_to_the_bound_holds() -> None:
    assert Figure("", 2.0, "at most", 2).holds
    assert Figure("", 2.0, "at least", 2).holds
    assert not Figure("", 2.01, "at most", 2).holds
    assert not Figure("", 1.99, "at least", 2).holds


def test_nan_does_not_hold() -> None:
    assert not Figure("", float("nan"), "at most", 2).holds
    assert not Figure("", float("nan"), "at least", 2).holds


def test_an_infinite_time_does_not_hold() -> None:
    never = Figure("", float("inf"), "at most", 2, "x")
    assert not never.holds
    assert never.measured_text == "no answer in time"


def test_a_row_shows_wanted_and_measured_values() -> None:
    row = Row.of(MISSED)
    assert (row.wanted, row.measured, row.holds) == ("at most 90 MB", "91.2 MB", False)
    assert Row.of(Figure("", 21.04, "at least", 10, "x")).measured == "21x"


def test_the_table_has_every_row_with_its_verdict() -> None:
    rows = [Row.of(HELD), Row.of(MISSED), Row("[image]", "", "", None, "no engine")]
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(table_of(rows))
    held, missed, absent = console.export_text().splitlines()[2:]
    assert "yes" in held
    assert "NO" in missed
    assert "2 workers" in missed
    assert "[image]" in absent
    assert "not measured" in absent


def test_one_missed_row_fails_the_run() -> None:
    absent = Row("image", "", "", None)
    assert exit_code([Row.of(HELD)]) == EXIT_HOLDS
    assert exit_code([Row.of(HELD), Row.of(MISSED)]) == EXIT_MISSED
    assert exit_code([Row.of(HELD), absent]) == EXIT_MISSED


def test_a_program_prints_its_figures_last_and_exits_by_them() -> None:
    def measure(*, quick: bool) -> list[Figure]:
        return [HELD, MISSED] if quick else [HELD]

    assert report(measure, quick=False) == EXIT_HOLDS
    assert report(measure, quick=True) == EXIT_MISSED
