"""The orders of a search that the read model has: by deadline, by amount, the newest first.

A keyset is the sort key of a row as a cursor holds it, in the texts that PostgreSQL writes.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel, microseconds
from scholarship_api.catalogue.read_model.ordered_index import OrderedIndex, Place
from scholarship_api.catalogue.read_model.records import NEVER, NO_AMOUNT
from scholarship_api.search.cursors import Keyset
from scholarship_api.search.schemas import Sort

_INFINITY: Final = "infinity"
"""The deadline of an award that has none."""
_UNKNOWN_AMOUNT: Final = "-1"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)


def _instant(text: str) -> int:
    return NEVER if text == _INFINITY else microseconds(dt.datetime.fromisoformat(text))


def _instant_text(number: int) -> str:
    if number == NEVER:
        return _INFINITY
    return (_EPOCH + dt.timedelta(microseconds=number)).isoformat(" ")


def _hundredths(text: str) -> int:
    return NO_AMOUNT if text == _UNKNOWN_AMOUNT else int(Decimal(text) * 100)


def _amount_text(number: int) -> str:
    return _UNKNOWN_AMOUNT if number == NO_AMOUNT else str(Decimal(number).scaleb(-2))


@dataclass(frozen=True, slots=True)
class Order:
    index: Callable[[ReadModel], OrderedIndex]
    parse: Callable[[str], int]
    write: Callable[[int], str]
    descending: bool = False

    def page(
        self,
        model: ReadModel,
        awards: BitMap,
        *,
        limit: int,
        keyset: Keyset | None = None,
        offset: int = 0,
    ) -> list[int]:
        """Raises ValueError, LookupError or ArithmeticError for a keyset of another order."""
        return self.index(model).page(
            awards,
            limit=limit,
            offset=offset,
            after=None if keyset is None else self._place(keyset),
            descending=self.descending,
        )

    def keyset_of(self, model: ReadModel, ordinal: int) -> Keyset:
        return (
            self.write(self.index(model).number_of(ordinal)),
            model.ordinals.id_of(ordinal),
        )

    def _place(self, keyset: Keyset) -> Place:
        number, award_id = keyset
        return self.parse(str(number)), str(award_id).encode()


ORDERS: Final[Mapping[Sort, Order]] = {
    Sort.DEADLINE: Order(lambda model: model.by_deadline, _instant, _instant_text),
    Sort.AMOUNT: Order(lambda model: model.by_amount, _hundredths, _amount_text, descending=True),
    Sort.NEWEST: Order(lambda model: model.by_creation, _instant, _instant_text, descending=True),
}
