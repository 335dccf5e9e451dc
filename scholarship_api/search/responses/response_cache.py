"""Answers that were made before, in memory: those of one version of the catalogue, in bounds."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from scholarship_api.catalogue.versions import Version
from scholarship_api.search.responses.json_response import Answer

MAX_ANSWER_BYTES: Final = 8_388_608
MAX_ADDRESS_BYTES: Final = 1_048_576
"""Of one worker. Other workers keep their own: what is asked for often is in each."""

ITEM_BYTES: Final = 400
"""What Python's objects around the bytes of an item take, about."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

Address = tuple[str, bytes, bytes | None, bytes | None]
"""A path, its query string as it was sent, the Host and the Origin."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an address asks for."""

    key: str
    """The same for every way to ask for it."""
    route: str
    """The path template, for logs and metrics."""
    searched: str | None
    """The text to count as searched for."""
    headers: tuple[tuple[bytes, bytes], ...]
    """That were sent with the first answer, and do not differ from request to request."""


class AnswerCache:
    """The answers of the newest version that was asked for or kept, least recently used out."""

    def __init__(
        self,
        *,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_address_bytes: int = MAX_ADDRESS_BYTES,
    ) -> None:
        self._version = 0
        self._answers: _Bounded[str, Answer] = _Bounded(max_answer_bytes)
        self._known: _Bounded[Address, Known] = _Bounded(max_address_bytes)

    def get(self, version: Version, key: str) -> Answer | None:
        return self._answers.get(key) if self._is_newest(version) else None

    def keep(self, version: Version, key: str, answer: Answer) -> None:
        if self._is_newest(version):
            self._answers.keep(key, answer, size=len(key) + answer.size)

    def known(self, address: Address) -> Known | None:
        return self._known.get(address)

    def remember(self, address: Address, known: Known) -> None:
        searched = len(known.searched or "")
        size = sum(len(part or b"") for part in address) + len(known.key) + searched
        self._known.keep(address, known, size=size)

    @property
    def size(self) -> int:
        """In bytes, of all that is kept."""
        return self._answers.size + self._known.size

    def _is_newest(self, version: Version) -> bool:
        if version.number > self._version:
            self._version = version.number
            self._answers.clear()
        return version.number == self._version


class _Bounded(Generic[_Key, _Value]):
    def __init__(self, max_bytes: int) -> None:
        self.size = 0
        self._max_bytes = max_bytes
        self._items: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def keep(self, key: _Key, value: _Value, *, size: int) -> None:
        size += ITEM_BYTES
        if size > self._max_bytes:
            return
        _, replaced = self._items.pop(key, (None, 0))
        self._items[key] = (value, size)
        self.size += size - replaced
        while self.size > self._max_bytes:
            _, (_, freed) = self._items.popitem(last=False)
            self.size -= freed

    def clear(self) -> None:
        self._items.clear()
        self.size = 0
