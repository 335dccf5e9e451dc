"""Draws all that was measured: typing errors by length, Cranfield by query, filters in words by
half, and the labelled queries with a bar for each category and system and a line for each query."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.goals import NotMeasuredError
from benchmarks.quality.cranfield import Cranfield
from benchmarks.quality.interpretation import Quality
from benchmarks.quality.labelled import DEPTH, LabelledQuery
from benchmarks.quality.report import LOST, OURS, Comparison
from benchmarks.quality.typing_errors import TypingErrors

COLUMNS: Final = 3
"""Columns of queries of equal length."""

BETTER, WORSE, EQUAL = "#2a7f3f", "#c0392b", "#8a8a8a"
COLORS: Final = ("#2a7f3f", "#e08a1e", "#5b7fb5", "#9a7bb0")

Gain = tuple[LabelledQuery, float, float]


def draw(
    comparison: Comparison,
    typing_errors: TypingErrors,
    interpretation: Mapping[str, Quality],
    cranfield: Cranfield | NotMeasuredError,
    path: Path,
) -> None:
    """Write a PNG to `path`, and create its folder if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(22, 25), layout="constrained")
        grid = figure.add_gridspec(3, COLUMNS, height_ratios=(1, 1, 4))
        _draw_typing_errors(figure.add_subplot(grid[0, 0]), typing_errors)
        _draw_cranfield(figure.add_subplot(grid[0, 1]), cranfield)
        _draw_interpretation(figure.add_subplot(grid[0, 2]), interpretation)
        _draw_means(figure.add_subplot(grid[1, :]), comparison)
        columns = _columns(comparison.gains())
        for number, gains in enumerate(columns):
            _draw_queries(figure.add_subplot(grid[2, number]), gains, rows=max(map(len, columns)))
        figure.savefig(path, dpi=100)


def _draw_typing_errors(axes: Any, measured: TypingErrors) -> None:  # noqa: ANN401 - matplotlib has few types
    groups = measured.recall_by_letters()
    axes.bar([str(length) for length in groups], [each for each, _ in groups.values()])
    axes.set_xticks(
        range(len(groups)), [f"{length}\n{count}" for length, (_, count) in groups.items()]
    )
    axes.axhline(measured.recall, color=EQUAL)
    axes.set_ylim(0, 1.05)
    axes.set_title(
        f"Misspellings by length: {measured.recall:.3f} searched for rightly;"
        f" frequent words wrongly corrected: {measured.wrong_share:.2%}",
        fontsize=10,
    )


def _draw_cranfield(axes: Any, measured: Cranfield | NotMeasuredError) -> None:  # noqa: ANN401
    if isinstance(measured, NotMeasuredError):
        axes.set_title("Cranfield: not measured", fontsize=10)
        axes.set_axis_off()
        return
    gains = sorted(measured.ours[query] - measured.bm25[query] for query in measured.ours)
    axes.bar(range(len(gains)), gains, color=[BETTER if gain > 0 else WORSE for gain in gains])
    axes.set_title(
        f"Cranfield: NDCG@{DEPTH} of each query above BM25's"
        f" (mean {measured.our_mean:.3f}, BM25 {measured.bm25_mean:.3f})",
        fontsize=10,
    )


def _draw_interpretation(axes: Any, measured: Mapping[str, Quality]) -> None:  # noqa: ANN401
    for number, name in enumerate(("precision", "recall")):
        values = [getattr(quality, name) for quality in measured.values()]
        places = [place + (number - 0.5) * 0.4 for place in range(len(values))]
        bars = axes.bar(places, values, 0.4, label=name, color=COLORS[number])
        axes.bar_label(bars, fmt="%.3f")
    axes.set_xticks(range(len(measured)), list(measured))
    axes.set_ylim(0, 1.15)
    axes.set_title("Filters in words", fontsize=10)
    axes.legend(ncols=2)


def _draw_means(axes: Any, comparison: Comparison) -> None:  # noqa: ANN401 - matplotlib has few types
    groups = list(comparison.groups())
    width = 0.8 / len(comparison.rankings)
    for number, (system, color) in enumerate(zip(comparison.rankings, COLORS, strict=False)):
        values = [comparison.mean(system, group).ndcg for _, group in groups]
        places = [
            place + (number - (len(comparison.rankings) - 1) / 2) * width
            for place in range(len(groups))
        ]
        bars = axes.bar(places, values, width, label=system, color=color)
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    counts = [sum(map(group, comparison.queries)) for _, group in groups]
    axes.set_xticks(
        range(len(groups)),
        [f"{name}\n{count}" for (name, _), count in zip(groups, counts, strict=True)],
        fontsize=9,
    )
    axes.set_ylim(0, 1.08)
    axes.set_title(f"NDCG@{DEPTH} by category, with the number of queries", fontsize=12)
    axes.axvline(len(groups) - 3.5, color="#cccccc")
    axes.legend(ncols=len(comparison.rankings), loc="lower right", bbox_to_anchor=(1, 1.0))
    axes.set_xlabel(
        f"below, each query: {OURS} filled, the best reference hollow;"
        " green gained, red lost, grey the same; · held out",
        fontsize=11,
        labelpad=10,
    )


def _columns(gains: list[Gain]) -> list[list[Gain | str]]:
    """Headings and queries. The queries of a category are sorted by gain, losses first."""
    lines: list[Gain | str] = []
    for category, found in groupby(gains, key=lambda gain: gain[0].category):
        lines += [category, *sorted(found, key=lambda gain: (gain[1] - gain[2], gain[1]))]
    size = -(-len(lines) // COLUMNS)
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def _draw_queries(axes: Any, lines: list[Gain | str], *, rows: int) -> None:  # noqa: ANN401
    labels = []
    for row, line in enumerate(lines):
        if isinstance(line, str):
            labels.append(line.upper())
            axes.axhspan(row - 0.5, row + 0.5, color="#eeeeee")
            continue
        query, ours, theirs = line
        gain = ours - theirs
        color = EQUAL if abs(gain) < LOST else BETTER if gain > 0 else WORSE
        axes.plot([theirs, ours], [row, row], color=color, linewidth=1.6, zorder=1)
        axes.scatter([theirs], [row], s=18, facecolors="white", edgecolors="#555555", zorder=2)
        axes.scatter([ours], [row], s=20, color=color, zorder=3)
        labels.append(f"{query.q} ·" if query.is_held_out else query.q)
    axes.set_yticks(range(len(lines)), labels, fontsize=7)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
