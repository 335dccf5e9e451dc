"""Where an import's bytes come from: a file, a pipe or a body, packed or not; and its format."""

import zlib
from collections.abc import AsyncIterable, Iterable, Iterator
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO, Final

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange.encodings import temporary_file

CHUNK_BYTES: Final = 262_144
"""Bytes that are read from a file at a time."""

MAX_RATIO: Final = 100
"""Bytes that a packed byte may become. Text packs to a twentieth at best; zeros to a thousandth."""

RATIO_FROM_BYTES: Final = 64 * 1_048_576
"""Unpacked bytes from which the ratio counts; smaller files do no harm."""

MAX_TABLE_BYTES: Final = 4 * 1_073_741_824
"""Bytes of a table from a pipe or a packed file, which is kept in a temporary file."""

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_GZIP_WINDOW: Final = 31
"""The setting of zlib for the format of gzip."""


class ImportFormat(StrEnum):
    """A format that an import reads."""

    AUTO = "auto"
    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"
    NSPA = "nspa"
    COMMON_GRANTS = "common-grants"


_SUFFIXES: Final = {
    ".csv": ImportFormat.CSV,
    ".tsv": ImportFormat.CSV,
    ".tab": ImportFormat.CSV,
    ".txt": ImportFormat.CSV,
    ".xlsx": ImportFormat.XLSX,
    ".xlsm": ImportFormat.XLSX,
    ".xltx": ImportFormat.XLSX,
    ".ndjson": ImportFormat.NDJSON,
    ".jsonl": ImportFormat.NDJSON,
}


_NSPA_MARKS: Final = (b'"ScholarshipProgramCollection"', b'"ScholarshipProgramInfo"')
_COMMON_GRANTS_MARKS: Final = (b'"keyDates"', b'"customFields"', b'"funding"')
"""Names of members that documents of these formats have near their beginnings."""


def format_of(name: str, start: bytes) -> ImportFormat:
    """The format by the name of the file, or else by its first bytes."""
    if start.startswith(_ZIP):
        return ImportFormat.XLSX
    path = PurePath(name.removesuffix(".gz"))
    if known := _SUFFIXES.get(path.suffix.lower()):
        return known
    if any(mark in start for mark in _NSPA_MARKS):
        return ImportFormat.NSPA
    if path.suffix.lower() == ".json" and any(mark in start for mark in _COMMON_GRANTS_MARKS):
        return ImportFormat.COMMON_GRANTS
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return ImportFormat.CSV if first and first not in b"{[" else ImportFormat.NDJSON


def is_packed(start: bytes) -> bool:
    return start.startswith(_GZIP)


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack the chunks of a gzip file. Raises UnreadableFile, also for a bomb."""
    packed_bytes = unpacked_bytes = 0
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    is_complete = True
    for chunk in chunks:
        packed_bytes += len(chunk)
        rest = chunk
        while rest:
            try:
                data = unpacker.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise UnreadableFile(
                    "The packed file is damaged: unpack it, or pack it again."
                ) from None
            unpacked_bytes += len(data)
            if unpacked_bytes > max(RATIO_FROM_BYTES, MAX_RATIO * packed_bytes):
                raise UnreadableFile(
                    f"The packed file becomes more than {MAX_RATIO} times as long: unpack it first."
                )
            if data:
                yield data
            is_complete = unpacker.eof
            if is_complete:  # another file may follow in the same one
                rest = unpacker.unused_data
                unpacker = zlib.decompressobj(_GZIP_WINDOW)
            else:
                rest = unpacker.unconsumed_tail
    if not is_complete:
        raise UnreadableFile("The packed file ends too early.")


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def spooled(chunks: Iterable[bytes]) -> BinaryIO:
    """Keep chunks in a temporary file, because a table is read more than once."""
    target = temporary_file()
    size = 0
    try:
        for chunk in chunks:
            size = _checked_size(size + len(chunk))
            target.write(chunk)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


async def spooled_async(chunks: AsyncIterable[bytes]) -> BinaryIO:
    """The same for chunks that arrive in the event loop."""
    target = temporary_file()
    size = 0
    try:
        async for chunk in chunks:
            size = _checked_size(size + len(chunk))
            target.write(chunk)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def _checked_size(size: int) -> int:
    if size > MAX_TABLE_BYTES:
        raise UnreadableFile(f"A table may have at most {MAX_TABLE_BYTES:,} bytes: divide it.")
    return size
