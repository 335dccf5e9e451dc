"""Which coding of an answer a client prefers: the header Accept-Encoding (RFC 9110, 12.5.3)."""

from collections.abc import Iterable, Sequence
from typing import Final

GZIP: Final = b"gzip"
"""The coding for `*`: every client knows it."""

_ALIASES: Final = {b"x-gzip": GZIP}


def preferred_coding(
    headers: Iterable[tuple[bytes, bytes]], offered: Sequence[bytes]
) -> bytes | None:
    """The coding with the greatest weight, of equal ones the first; None: as it is."""
    weights = _weights(headers)
    weights.setdefault(GZIP, weights.get(b"*", 0.0))
    best = max(offered, key=lambda coding: weights.get(coding, 0.0))
    weight = weights.get(best, 0.0)
    return best if weight > 0 and weight >= weights.get(b"identity", 0.0) else None


def _weights(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, float]:
    weights: dict[bytes, float] = {}
    for name, value in headers:
        if name == b"accept-encoding":
            for entry in value.lower().split(b","):
                coding, _, parameter = entry.partition(b";")
                coding = coding.strip()
                weights[_ALIASES.get(coding, coding)] = _weight(parameter)
    return weights


def _weight(parameter: bytes) -> float:
    """1 without a weight; 0 for one that is no number from 0 to 1."""
    text = parameter.strip()
    if not text:
        return 1.0
    if not text.startswith(b"q="):
        return 0.0
    digits = text.removeprefix(b"q=").strip()
    if not digits.replace(b".", b"", 1).isdigit():
        return 0.0
    return min(float(digits), 1.0)
