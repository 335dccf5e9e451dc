"""Reads records of the NSPA Scholarship Program Data Standard v1.0, and of its drafts c and d.

The standard is known in parts only. The reader is tolerant: one item may stand without its list,
and what it does not know becomes a text of `other_requirements`. Nothing is dropped, and nothing
unknown is taken for met: `criteria_complete` is false.
"""

import hashlib
import json
import re
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from pydantic_core import from_json

from scholarship_api.catalogue.award_parts import MAX_ROUNDS, MAX_SOURCES
from scholarship_api.catalogue.bulk.records import Record
from scholarship_api.catalogue.columns import InvalidAward
from scholarship_api.exchange.json_items import json_items
from scholarship_api.exchange.nspa.program import to_award

LISTS: Final = ("ScholarshipProgramInfo", "ScholarshipApplicationInfo")
"""The members of the collection that hold records: of v1.0, and of its draft d."""

MAX_RECORDS_OF_AWARD: Final = min(MAX_ROUNDS, MAX_SOURCES)
"""Records that become rounds of one award; further ones begin another award."""

_NOT_OF_AWARD: Final = frozenset(
    {
        "AnnouncementDate",
        "ApplicationCycle",
        "CloseDate",
        "LastVerifiedBy",
        "LastVerifiedOn",
        "OpenDate",
        "ProgramReferenceId",
    }
)
_NOT_OF_METADATA: Final = frozenset({"CreatedBy", "CreatedOn", "LastModifiedOn", "UniqueID"})
"""Properties in which the records of one award may differ: dates and numbers of the record."""
_MEMORY_BYTES: Final = 8_388_608
"""Bytes of records that are held in memory; more are in a temporary file."""
_TEST_RECORD: Final = re.compile(r"\bTEST\b")


class NspaReader:
    """A RecordReader. Records that differ in dates only become rounds of one award.

    The records are in a temporary file until all are known; about 150 bytes of each are in memory.
    """

    def __init__(self, *, timezone: str = "UTC") -> None:
        """`timezone`: where the days of the file begin and end, as the file does not say."""
        self._timezone = timezone

    def __call__(self, chunks: Iterable[bytes], /) -> Iterator[Record]:
        with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as file:
            groups: dict[bytes, array[int]] = {}
            for item in json_items(chunks, LISTS):
                program = None if item.content is None else _parsed(item.content)
                if program is None or item.content is None:
                    yield Record(item.line, InvalidAward("the record is too long, or no object"))
                    continue
                if _TEST_RECORD.search(str(program.get("ProgramName"))):
                    yield Record(item.line, InvalidAward("is a test record, and was skipped"))
                    continue
                place = groups.setdefault(_key_of(program), array("Q"))
                place.append(file.tell())
                file.write(b"%d %d\n" % (item.line, len(item.content)))
                file.write(item.content)
            for places in groups.values():
                for start in range(0, len(places), MAX_RECORDS_OF_AWARD):
                    yield self._award(file, places[start : start + MAX_RECORDS_OF_AWARD])

    def _award(self, file: IO[bytes], places: Sequence[int]) -> Record:
        records = [_read(file, place) for place in places]
        line, _ = records[0]
        programs = [program for _, program in records]
        return Record(line, to_award(programs, timezone=self._timezone))


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        program = from_json(content)
    except ValueError:
        return None
    return program if isinstance(program, dict) else None


def _read(file: IO[bytes], place: int) -> tuple[int, dict[str, Any]]:
    file.seek(place)
    line, length = map(int, file.readline().split())
    program: dict[str, Any] = from_json(file.read(length))
    return line, program


def _key_of(program: Mapping[str, Any]) -> bytes:
    """The same for records of the same award."""
    content = {name: value for name, value in program.items() if name not in _NOT_OF_AWARD}
    if isinstance(metadata := content.get("Metadata"), dict):
        kept = {name: each for name, each in metadata.items() if name not in _NOT_OF_METADATA}
        content["Metadata"] = kept
    text = json.dumps({name: value for name, value in content.items() if value}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
