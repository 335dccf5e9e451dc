"""Finds the encoding of a text file, and turns it into UTF-8 where lines of bytes need that."""

import codecs
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple, cast

from scholarship_api.catalogue.bulk.records import UnreadableFile

CHUNK_BYTES: Final = 1_048_576
"""Bytes that are read at a time."""

SPOOLED_BYTES: Final = 8 * 1_048_576
"""Bytes of a temporary file that stay in memory."""

_HEAD_BYTES: Final = 4_096
_SAMPLE_BYTES: Final = 65_536
"""Bytes of lines that are not UTF-8, of which the encoding is guessed."""

_LEGACY: Final = ("cp1252", "mac_roman", "cp850")
"""Encodings of one byte that spreadsheets in Western languages save."""

_NAMES: Final = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "DOS 850"}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHARE_OF_NULS: Final = 0.25
"""The share of NULs among the bytes at odd or even places, in UTF-16 text of Latin letters."""


class Encoding(NamedTuple):
    name: str
    """A codec of Python."""
    note: str = ""
    """A remark for the report when the file is not UTF-8."""


def encoding_of(file: BinaryIO, given: str | None = None) -> Encoding:
    """Find the encoding from the first byte of the file to the last. Raises UnreadableFile."""
    if given:
        try:
            return Encoding(codecs.lookup(given).name)
        except LookupError:
            raise UnreadableFile(f"The encoding {given!r} is not known.") from None
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, "" if name == "utf-8" else f"the file is {name.upper()}")
    if unmarked := _utf16_without_mark(head):
        return Encoding(unmarked, f"the file is {unmarked.upper()} without a byte order mark")
    file.seek(0)
    if _is_utf8(file):
        return Encoding("utf-8")
    return _legacy(file)


def _utf16_without_mark(head: bytes) -> str | None:
    if len(head) < 4 or b"\0" not in head:  # noqa: PLR2004
        return None
    even, odd = head[::2].count(0) / len(head[::2]), head[1::2].count(0) / len(head[1::2])
    if odd > _SHARE_OF_NULS > even:
        return "utf-16-le"
    return "utf-16-be" if even > _SHARE_OF_NULS > odd else None


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _legacy(file: BinaryIO) -> Encoding:
    """A file with more good lines of UTF-8 than bad ones is UTF-8 with some bad rows."""
    file.seek(0)
    good = bad = 0
    sample = bytearray()
    for line in iter(lambda: file.readline(CHUNK_BYTES), b""):
        if line.isascii():
            continue
        try:
            line.decode()
            good += 1
        except UnicodeDecodeError:
            bad += 1
            if len(sample) < _SAMPLE_BYTES:
                sample += line
    if good > bad:
        return Encoding("utf-8")
    # Imported here: few files need it, and it would slow down the start of every worker.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    best = from_bytes(bytes(sample[:_SAMPLE_BYTES]), cp_isolation=list(_LEGACY)).best()
    name = best.encoding if best is not None and best.encoding in _NAMES else "cp1252"
    return Encoding(
        name,
        f"the file is not UTF-8 and was read as {_NAMES[name]}; if letters with accents look"
        " wrong, save it as CSV UTF-8, or name its encoding",
    )


def as_lines_of_bytes(file: BinaryIO, encoding: Encoding) -> tuple[BinaryIO, str]:
    """A file whose lines end in a byte b"\\n", and its encoding: UTF-16 is turned into UTF-8."""
    if not encoding.name.replace("_", "-").startswith(("utf-16", "utf-32")):
        return file, encoding.name
    file.seek(0)
    target = temporary_file()
    try:
        for text in codecs.iterdecode(_chunks(file), encoding.name):
            target.write(text.encode())
    except UnicodeError:
        target.close()
        raise UnreadableFile(f"The file is not {encoding.name.upper()} to its end.") from None
    return target, "utf-8"


def temporary_file() -> BinaryIO:
    """A file that its user closes; it stays in memory while it is small."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
