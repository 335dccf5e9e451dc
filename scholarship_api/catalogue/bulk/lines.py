"""Divides the bytes of a file into lines, in bounded memory."""

from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_LINE_BYTES: Final = 1_048_576
"""Bytes of a line or a CSV record. The longest valid row, all of it escaped, has less than half."""


class Line(NamedTuple):
    number: int
    content: bytes | None
    """Without the newline; None if it is longer than MAX_LINE_BYTES."""


def lines_of(chunks: Iterator[bytes]) -> Iterator[Line]:
    """Memory holds a chunk and a line of at most MAX_LINE_BYTES."""
    number = 1
    parts: list[bytes] = []
    length = 0
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        for piece in pieces[:-1]:
            length += len(piece)
            content = (b"".join((*parts, piece)) if parts else piece) if _fits(length) else None
            yield Line(number, content)
            number, length = number + 1, 0
            parts.clear()
        length += len(pieces[-1])
        if _fits(length):
            parts.append(pieces[-1])
        else:
            parts.clear()
    if length:
        yield Line(number, b"".join(parts) if _fits(length) else None)


def _fits(length: int) -> bool:
    return length <= MAX_LINE_BYTES
