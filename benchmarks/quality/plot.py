"""Draws the comparison: a bar for each category and system, and a line for each query."""

from itertools import groupby
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.quality.labelled import DEPTH, LabelledQuery
from benchmarks.quality.report import LOST, OURS, Comparison

COLUMNS: Final = 3
"""Columns of queries of equal length."""

BETTER, WORSE, EQUAL = "#2a7f3f", "#c0392b", "#8a8a8a"
COLORS: Final = ("#2a7f3f", "#e08a1e", "#5b7fb5", "#9a7bb0")

Gain = tuple[LabelledQuery, float, float]


def draw(comparison: Comparison, path: Path) -> None:
    """Write a PNG to `path`, and create its folder if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(22, 20), layout="constrained")
        grid = figure.add_gridspec(2, COLUMNS, height_ratios=(1, 4))
        _draw_means(figure.add_subplot(grid[0, :]), comparison)
        columns = _columns(comparison.gains())
        for number, gains in enumerate(columns):
            _draw_queries(figure.add_subplot(grid[1, number]), gains, rows=max(map(len, columns)))
        figure.savefig(path, dpi=100)


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
