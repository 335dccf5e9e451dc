"""Averages of other scales on the scale of 4.0, by a table that docs/eligibility.md shows.

No conversion is exact: schools grade differently. A result is rounded down, so that it never
claims a higher average than the table gives.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from typing import Final

_Points = Sequence[tuple[str, str]]

_LINES: Final[Mapping[str, _Points]] = {
    "4": (("0", "0"), ("4", "4")),
    "4.3": (("0", "0"), ("4", "4"), ("4.3", "4")),
    "5": (("0", "0"), ("5", "4")),
    "10": (("0", "0"), ("10", "4")),
    "20": (("0", "0"), ("10", "2"), ("12", "3"), ("14", "3.5"), ("16", "4"), ("20", "4")),
}
"""Points of a scale and of 4.0; between two of them the conversion is a straight line."""

_PERCENT_STEPS: Final[_Points] = (
    ("93", "4"),
    ("90", "3.7"),
    ("87", "3.3"),
    ("83", "3"),
    ("80", "2.7"),
    ("77", "2.3"),
    ("73", "2"),
    ("70", "1.7"),
    ("67", "1.3"),
    ("65", "1"),
    ("0", "0"),
)
"""From so many per cent on, so many points: the letter grades of schools in the US."""

PERCENT: Final = "100"
SCALES: Final = (*_LINES, PERCENT)
"""The highest value of each scale."""

_HUNDREDTH: Final = Decimal("0.01")


def on_four(average: Decimal, scale: str) -> Decimal:
    """The average on the scale of 4.0. One of the scale of 4 stays exactly as it is."""
    if scale == "4":
        return average
    if scale == PERCENT:
        return next(
            Decimal(points) for least, points in _PERCENT_STEPS if average >= Decimal(least)
        )
    for (x0, y0), (x1, y1) in pairwise(_LINES[scale]):
        low, high = Decimal(x0), Decimal(x1)
        if average <= high:
            rise = (Decimal(y1) - Decimal(y0)) * (average - low) / (high - low)
            return (Decimal(y0) + rise).quantize(_HUNDREDTH, ROUND_DOWN)
    raise ValueError(f"must not be above {scale}")
