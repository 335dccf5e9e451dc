"""Reads NDJSON, a JSON object on each line, as one mapping for each row.

The file is streamed. Memory holds a chunk and a line of at most MAX_LINE_BYTES.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.lines import MAX_LINE_BYTES, Line, lines_of
from scholarship_api.catalogue.bulk.records import Record, UnreadableFile
from scholarship_api.catalogue.columns import InvalidAward, drop_read_only

_MAGIC_NUMBERS: Final = {
    b"\x1f\x8b": "gzip (unpack it: `gunzip -c FILE | scholarship-api import -`)",
    b"BZh": "bzip2 (unpack it first)",
    b"\xfd7zXZ": "xz (unpack it first)",
    b"\x28\xb5\x2f\xfd": "zstd (unpack it first)",
    b"PK\x03\x04": "zip, as Excel workbooks are (give those with `--format xlsx`)",
    b"%PDF": "PDF",
    b"\xff\xfe": "UTF-16 (save it as UTF-8)",
    b"\xfe\xff": "UTF-16 (save it as UTF-8)",
}
_BOM: Final = b"\xef\xbb\xbf"
_KEY_END: Final = re.compile(rb'"\s*:')
_POSITION: Final = re.compile(r" at line 1 column (\d+)$")


def read_ndjson(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Yield the rows of a file that is given in chunks of any size. Blank lines are skipped.

    Raises UnreadableFile when the file has another format.
    """
    return _json_records(lines_of(_without_signature(iter(chunks))))


def refuse_other_formats(start: bytes, expected: str) -> None:
    """Raise UnreadableFile when the first bytes are those of a format that is not read as text."""
    for signature, kind in _MAGIC_NUMBERS.items():
        if start.startswith(signature):
            raise UnreadableFile(f"The file is not {expected} but {kind}.")


def _without_signature(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Refuse other formats by their first bytes, and drop the byte order mark."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= max(map(len, _MAGIC_NUMBERS)):
            break
    refuse_other_formats(start, "NDJSON")
    start = start.removeprefix(_BOM)
    if start.lstrip().startswith(b"["):
        raise UnreadableFile(
            "The file is a JSON array; NDJSON has one object on each line."
            " Convert it: `jq -c '.[]' FILE | scholarship-api import -`."
        )
    if start.lstrip()[:1] not in (b"{", b"") and _is_table(start):
        raise UnreadableFile("The file is a table, not NDJSON: give it with `--format csv`.")
    yield start
    yield from chunks


def _is_table(start: bytes) -> bool:
    """Whether the first two lines have the same delimiters, as those of CSV."""
    first, _, rest = start[:MAX_LINE_BYTES].partition(b"\n")
    second = rest.partition(b"\n")[0]
    return any(
        first.count(mark) > 1 and (not second.strip() or second.count(mark) > 0)
        for mark in (b",", b";", b"\t")
    )


def _too_long() -> InvalidAward:
    return InvalidAward(f"the line is longer than {MAX_LINE_BYTES:,} bytes")


def _json_records(lines: Iterator[Line]) -> Iterator[Record]:
    for number, line in lines:
        if line is None:
            yield Record(number, _too_long())
            continue
        if not line or line.isspace():
            continue
        try:
            yield Record(number, _json_object(line))
        except InvalidAward as problem:
            yield Record(number, problem)


def _json_object(line: bytes) -> dict[str, object]:
    try:
        content = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise _invalid_json(line, str(error)) from None
    if not isinstance(content, dict):
        raise InvalidAward("the row must be a JSON object")
    # Every key ends like this, and text inside a string may: a surplus needs the exact look.
    if len(_KEY_END.findall(line)) != _count_keys(content):
        _refuse_repeated_keys(line)
    drop_read_only(content)
    return content


def _count_keys(content: dict[str, Any]) -> int:
    """The keys of an object and of all objects in it."""
    count = 0
    objects = [content]
    while objects:
        found = objects.pop()
        count += len(found)
        for value in found.values():
            if isinstance(value, dict):
                objects.append(value)
            elif isinstance(value, list) and value and not isinstance(value[0], str):
                objects += [each for each in value if isinstance(each, dict)]
    return count


def _invalid_json(line: bytes, message: str) -> InvalidAward:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(error)
    message = _POSITION.sub(r" at column \1", message)
    return InvalidAward(f"the row is not valid JSON: {message}")


def _not_utf8(error: UnicodeDecodeError) -> InvalidAward:
    return InvalidAward(f"the row is not UTF-8 text (byte {error.start + 1} of the line)")


def _refuse_repeated_keys(line: bytes) -> None:
    def without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in pairs:
            if name in found:
                raise InvalidAward("is given more than once", name)
            found[name] = value
        return found

    json.loads(line, object_pairs_hook=without_repetition)
