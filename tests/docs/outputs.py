"""Compares the output of a command with the output that a page shows."""

import re
from typing import Final

_CHANGING: Final = [
    (
        r'"(took_ms|latency_ms|days_left|timestamp|total|count|recommendation_score)":[\d.]+',
        r'"\1":0',
    ),
    (r'"(trace_id|request_id|application_deadline)":"[^"]*"', r'"\1":""'),
    (r'"(next_cursor|search_id)":"[^"]*"', r'"\1":""'),
    (r"(Without the filter \w+): \d+", r"\1: 0"),
    (r" of \d+( +│)", r" of 0\1"),
]
"""Replacements for values that depend on the day, the machine, or chance."""


def matches(shown: str, output: str) -> bool:
    """Whether they are equal. `…` stands for omitted text; line breaks do not matter."""
    pattern = "".join(
        ".*?" if part == "…" else re.escape(part) for part in re.split("(…)", _bare(shown))
    )
    return re.fullmatch(pattern, _bare(output), re.DOTALL) is not None


def _bare(text: str) -> str:
    # The page may have wrapped a line at a space, which is then missing, or after a comma.
    text = re.sub(r"\s+", " ", text.strip())
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text)
    return text.replace(" ", "")
