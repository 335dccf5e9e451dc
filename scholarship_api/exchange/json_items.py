"""Finds the items of a list in a JSON document of any size, without holding the document."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple

from scholarship_api.catalogue.bulk.records import UnreadableFile

MAX_ITEM_BYTES: Final = 1_048_576
"""Bytes of one item. A longer one is passed over, and reported."""

_IN_STRING: Final = re.compile(rb'["\\]')
_BETWEEN: Final = re.compile(rb'["{}\[\]:]')
_INSIDE: Final = re.compile(rb'["{}\[\]]')
_BOM: Final = b"\xef\xbb\xbf"


class JsonItem(NamedTuple):
    line: int
    """On which it begins, counted from 1."""
    content: bytes | None
    """Its JSON text; None if it is longer than MAX_ITEM_BYTES."""


def json_items(chunks: Iterable[bytes], names: Collection[str]) -> Iterator[JsonItem]:
    """The objects that members of one of these names hold, alone or in a list.

    A document that is itself a list gives its items. Several documents may follow each other, as
    the pages of a server do. Raises UnreadableFile when the document ends too early, or holds no
    such member.
    """
    splitter = _Splitter({name.encode() for name in names})
    for chunk in chunks:
        yield from splitter.feed(chunk)
    splitter.finish()


class _Splitter:
    def __init__(self, names: Collection[bytes]) -> None:
        self._names = names
        self._buffer = bytearray()
        self._at = 0
        """Everything in the buffer before this has been looked at."""
        self._line = 1
        self._state: Callable[[], JsonItem | bool] = self._begin
        """Reads on: an item, True for progress, or False when more bytes are needed."""
        self._after: Callable[[], JsonItem | bool] = self._seek
        self._last_string = b""
        self._found = False
        self._depth = 0
        self._in_string = False
        self._start = 0
        self._start_line = 1
        self._is_long = False

    def feed(self, chunk: bytes) -> Iterator[JsonItem]:
        self._buffer += chunk
        while result := self._state():
            if isinstance(result, JsonItem):
                yield result
        self._forget()

    def finish(self) -> None:
        if self._state == self._collect:
            raise UnreadableFile(
                f"The file ends inside of the record that begins on line {self._start_line}."
            )
        if self._state == self._list:
            raise UnreadableFile("The file ends inside of its list.")
        if not self._found:
            names = ", ".join(sorted(name.decode() for name in self._names))
            raise UnreadableFile(f"The file is no JSON document with a list named {names}.")

    def _forget(self) -> None:
        """Drop what has been read, except the item that is being collected."""
        keep = self._start if self._state == self._collect and not self._is_long else self._at
        self._line += self._buffer.count(b"\n", 0, keep)
        del self._buffer[:keep]
        self._at -= keep
        self._start = 0

    # --- States -----------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """At the first character: a list is the list of items."""
        if len(self._buffer) < len(_BOM):
            return False
        if self._buffer.startswith(_BOM):
            self._at = len(_BOM)
        first = self._skip_space()
        if first is None:
            return False
        if first == ord("["):
            self._at += 1
            self._found = True
            self._state = self._list
        elif first == ord("{"):
            self._state = self._seek
        else:
            raise UnreadableFile("The file is no JSON document.")
        return True

    def _seek(self) -> bool:
        """Between items: look for a member of one of the names."""
        if self._in_string:
            return self._read_string()
        found = _BETWEEN.search(self._buffer, self._at)
        if found is None:
            self._at = len(self._buffer)
            return False
        self._at = found.end()
        if found[0] == b'"':
            self._in_string = True
            self._last_string = b""
        elif found[0] == b":" and self._last_string in self._names:
            self._state = self._value
        elif found[0] != b":":
            self._last_string = b""
        return True

    def _read_string(self) -> bool:
        found = _IN_STRING.search(self._buffer, self._at)
        end = len(self._buffer) if found is None else found.start()
        if len(self._last_string) <= MAX_NAME_BYTES:
            self._last_string += bytes(self._buffer[self._at : end])
        if found is None:
            self._at = end
            return False
        if found[0] == b"\\":
            if found.end() == len(self._buffer):
                self._at = found.start()
                return False
            self._at = found.end() + 1
            self._last_string += b"\\"
            return True
        self._at = found.end()
        self._in_string = False
        return True

    def _value(self) -> bool:
        """Behind the name: a list of items, one item, or anything else."""
        first = self._skip_space()
        if first is None:
            return False
        if first == ord("["):
            self._at += 1
            self._found = True
            self._state = self._list
        elif first == ord("{"):
            self._found = True
            self._after = self._seek
            self._collect_from_here()
        else:
            self._state = self._seek
        self._last_string = b""
        return True

    def _list(self) -> bool:
        """Between the items of a list."""
        first = self._skip_space(b",")
        if first is None:
            return False
        if first == ord("]"):
            self._at += 1
            self._state = self._seek
            return True
        if first == ord("{"):
            self._after = self._list
            self._collect_from_here()
            return True
        line = self._line + self._buffer.count(b"\n", 0, self._at)
        raise UnreadableFile(f"Line {line}: the list holds something that is no JSON object.")

    def _collect_from_here(self) -> None:
        self._start = self._at
        self._start_line = self._line + self._buffer.count(b"\n", 0, self._at)
        self._depth = 0
        self._is_long = False
        self._state = self._collect

    def _collect(self) -> JsonItem | bool:
        """Inside of an item, until its last brace."""
        while True:
            pattern = _IN_STRING if self._in_string else _INSIDE
            found = pattern.search(self._buffer, self._at)
            if found is None:
                self._at = len(self._buffer)
                self._is_long = self._is_long or self._at - self._start > MAX_ITEM_BYTES
                return False
            token = found[0]
            if token == b"\\":
                if found.end() == len(self._buffer):
                    self._at = found.start()
                    return False
                self._at = found.end() + 1
                continue
            self._at = found.end()
            if token == b'"':
                self._in_string = not self._in_string
            elif token in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return self._collected()

    def _collected(self) -> JsonItem:
        is_long = self._is_long or self._at - self._start > MAX_ITEM_BYTES
        content = None if is_long else bytes(self._buffer[self._start : self._at])
        self._state = self._after
        return JsonItem(self._start_line, content)

    def _skip_space(self, also: bytes = b"") -> int | None:
        space = b" \t\r\n" + also
        while self._at < len(self._buffer):
            if self._buffer[self._at] not in space:
                return self._buffer[self._at]
            self._at += 1
        return None


MAX_NAME_BYTES: Final = 200
"""Bytes of a member's name that are compared; the names of lists are shorter."""
