"""The read model: the structured side of the published awards, in memory.

Filters, totals, facets, orders and matching are operations on bitmaps and sorted numbers; words,
and everything that is shown of an award, stay in PostgreSQL.
"""

import datetime as dt
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.ages import AgeByDay, days_since_1970
from scholarship_api.catalogue.read_model.answers import derive
from scholarship_api.catalogue.read_model.attributes import ATTRIBUTES, FULL_COVERAGE, Attribute
from scholarship_api.catalogue.read_model.criteria import CRITERIA, Alternative, Answers, Criterion
from scholarship_api.catalogue.read_model.matching import Matches, Tables, not_failed
from scholarship_api.catalogue.read_model.ordered_index import OrderedIndex
from scholarship_api.catalogue.read_model.ordinals import Ordinals
from scholarship_api.catalogue.read_model.postings import Postings, Value, union
from scholarship_api.catalogue.read_model.records import NEVER, NO_AMOUNT, NO_DIGEST, AwardRecord
from scholarship_api.catalogue.read_model.relations import Below
from scholarship_api.catalogue.read_model.sums import BitSlices

_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DAY: Final = 86_400_000_000
"""In microseconds."""

DAY_MARGIN: Final = 2
"""Days by which the day of a deadline in its own time zone may differ from that in UTC, and one."""

CACHED_DAY_RANGES: Final = 64
"""Ranges of closing days whose awards are kept: recommendations ask for about ten each time."""

_LAST_DAY: Final = days_since_1970(dt.date.max)

NO_DAY: Final = -(2**31)
"""The closing day of an award without a deadline."""


def microseconds(instant: dt.datetime) -> int:
    """Since 1970, in UTC."""
    return (instant - _EPOCH) // _MICROSECOND


_NO_PARTS: Final = frozenset({"criteria", "attributes", "unchecked", "_closing_days_found"})
"""The attributes of a model that are code, settings or a cache."""


class Change(NamedTuple):
    """An award after a write."""

    id: str
    record: AwardRecord | None
    """None for an award that is not published any more, or deleted."""


class ReadModel:
    """`criteria` and `attributes` are the rows of its table; `unchecked` are the fields of criteria
    that nobody is matched on."""

    def __init__(
        self,
        *,
        criteria: Sequence[Criterion] = CRITERIA,
        attributes: Sequence[Attribute] = ATTRIBUTES,
        unchecked: Collection[str] = (),
    ) -> None:
        self.criteria = criteria
        self.attributes = attributes
        self.ordinals = Ordinals()
        self.row_versions = array("I")
        self.closes_at = array("q")
        self.amounts = array("q")
        self.created_at = array("q")
        self.unchecked = unchecked
        self.tables = Tables(criteria)
        self._conditions_digests = array("Q")
        """The digests of the conditions that `tables` has, by ordinal."""
        self._amount_sums = BitSlices()
        self.by_attribute = {attribute.name: Postings() for attribute in attributes}
        self.closing_days = array("i")
        self.time_zones = Postings()
        self._opens_at: dict[int, int] = {}
        """When an award opens next, in microseconds; only of those that are not open yet."""
        id_of = self.ordinals.bytes_of
        self.by_deadline = OrderedIndex(self.closes_at, id_of=id_of)
        self.by_amount = OrderedIndex(self.amounts, id_of=id_of)
        self.by_creation = OrderedIndex(self.created_at, id_of=id_of)
        self._open = BitMap()
        self._open_at = 0
        """In microseconds: `_open` are the awards that close then or later."""
        self._next_closing = NEVER
        self._closing_days_found: dict[tuple[int, int], BitMap] = {}
        """The last results of `closing_days_between`, while no award changes."""

    def __len__(self) -> int:
        return len(self.ordinals)

    # --- Writing ----------------------------------------------------------------------------------

    def add(self, records: Iterable[AwardRecord]) -> None:
        """Take awards that are not in the model; `build_orders` has to follow."""
        for record in records:
            self._set(self.ordinals.add(record.id), record)

    def build_orders(self) -> None:
        """Put all awards in every order: far faster than one by one."""
        by_id = sorted(self.ordinals.used, key=self.ordinals.bytes_of)
        for order, _ in self._orders:
            order.build(sorted(by_id, key=order.number_of))
        self._set_open(self._open_at)
        self._closing_days_found.clear()

    def apply(self, changes: Sequence[Change]) -> BitMap:
        """Apply the changes of a write. The last change of each award counts.

        Return the ordinals, before and after, of the awards that filters and orders may treat in
        another way now. What has changed of the others is not in the model.

        Conditions that stay the same, as in most writes, stay where they are: to take an award out
        of the bitmaps of thousands of institutions and places takes 0.5 ms.
        """
        self._closing_days_found.clear()
        latest = {change.id: change.record for change in changes}
        removed, replaced, new = BitMap(), dict[int, AwardRecord](), list[AwardRecord]()
        for award_id, record in latest.items():
            ordinal = self.ordinals.find(award_id)
            if record is None:
                removed |= BitMap([] if ordinal is None else [ordinal])
            elif ordinal is None:
                new.append(record)
            else:
                replaced[ordinal] = record
        changed = removed | BitMap(replaced)
        same_facts, same_conditions = self._unchanged(replaced)
        self._take_out_facts(changed - same_facts)
        self.tables.discard(changed - same_conditions)
        for ordinal in removed:
            self._remove(ordinal)
        for ordinal, record in replaced.items():
            self.row_versions[ordinal] = record.row_version
            if ordinal not in same_facts:
                self._replace_facts(ordinal, record)
            if ordinal not in same_conditions:
                self._set_conditions(ordinal, record)
        changed |= BitMap([self._add(record) for record in new])
        return changed - (same_facts & same_conditions)

    def _unchanged(self, replaced: Mapping[int, AwardRecord]) -> tuple[BitMap, BitMap]:
        """The awards whose facts are those of their record, and those whose conditions are."""
        facts = [each for each, record in replaced.items() if self._has_facts(each, record)]
        conditions = [
            each for each, record in replaced.items() if self._has_conditions(each, record)
        ]
        return BitMap(facts), BitMap(conditions)

    def _add(self, record: AwardRecord) -> int:
        """Take a new award; its ordinal."""
        ordinal = self.ordinals.add(record.id)
        self._set(ordinal, record)
        for order, _ in self._orders:
            order.add(ordinal)
        return ordinal

    def _remove(self, ordinal: int) -> None:
        """Let an award go that no bitmap has any more."""
        for order, _ in self._orders:
            order.discard(ordinal)
        self.ordinals.discard(ordinal)

    def _has_facts(self, ordinal: int, record: AwardRecord) -> bool:
        """Whether all but the version of the row and the conditions is as in the record."""
        return (
            self.closes_at[ordinal] == record.closes_at
            and self.amounts[ordinal] == record.amount
            and self.created_at[ordinal] == record.created_at
            and self.closing_days[ordinal] == _closing_day(record)
            and self._opens_at.get(ordinal) == record.opens_at
            and self.time_zones.has_exactly(ordinal, (record.time_zone,))
            and all(
                self.by_attribute[each.name].has_exactly(ordinal, each.values(record))
                for each in self.attributes
            )
        )

    def _has_conditions(self, ordinal: int, record: AwardRecord) -> bool:
        """Whether the conditions are known to be those of the record."""
        digest = record.conditions_digest
        return digest != NO_DIGEST and digest == self._conditions_digests[ordinal]

    def _take_out_facts(self, replaced: BitMap) -> None:
        """Take awards out of the bitmaps of facts, but not out of the orders, where most stay in
        place."""
        if not replaced:
            return
        for postings in (*self.by_attribute.values(), self.time_zones):
            postings.discard(replaced)
        self._amount_sums.discard(replaced)
        for ordinal in replaced if self._opens_at else ():
            self._opens_at.pop(ordinal, None)
        self._open = self._open - replaced  # a request may hold the bitmap as it was

    def _replace_facts(self, ordinal: int, record: AwardRecord) -> None:
        moved = [
            order
            for order, name in self._orders
            if order.number_of(ordinal) != getattr(record, name)
        ]
        for order in moved:
            order.discard(ordinal)
        self._set_facts(ordinal, record)
        for order in moved:
            order.add(ordinal)

    @property
    def _orders(self) -> tuple[tuple[OrderedIndex, str], ...]:
        """Each with the record's field that it goes by."""
        return (
            (self.by_deadline, "closes_at"),
            (self.by_amount, "amount"),
            (self.by_creation, "created_at"),
        )

    def _set(self, ordinal: int, record: AwardRecord) -> None:
        if ordinal == len(self.row_versions):
            for column in self._columns:
                column.append(0)
        self.row_versions[ordinal] = record.row_version
        self._set_facts(ordinal, record)
        self._set_conditions(ordinal, record)

    def _set_facts(self, ordinal: int, record: AwardRecord) -> None:
        self.closes_at[ordinal] = record.closes_at
        self.amounts[ordinal] = record.amount
        self.created_at[ordinal] = record.created_at
        self.closing_days[ordinal] = _closing_day(record)
        for attribute in self.attributes:
            self.by_attribute[attribute.name].add(ordinal, attribute.values(record))
        if record.opens_at is not None:
            self._opens_at[ordinal] = record.opens_at
        self.time_zones.add(ordinal, (record.time_zone,))
        if record.closes_at >= self._open_at:
            self._open.add(ordinal)
            self._next_closing = min(self._next_closing, record.closes_at)
        if record.amount != NO_AMOUNT:
            self._amount_sums.add(ordinal, record.amount)

    def _set_conditions(self, ordinal: int, record: AwardRecord) -> None:
        self.tables.add(ordinal, record.conditions)
        self._conditions_digests[ordinal] = record.conditions_digest

    @property
    def _columns(self) -> "tuple[array[int], ...]":
        return (
            self.row_versions,
            self.closes_at,
            self.amounts,
            self.created_at,
            self.closing_days,
            self._conditions_digests,
        )

    # --- Snapshots --------------------------------------------------------------------------------

    def parts(self) -> dict[str, object]:
        """Everything that the model holds but its table and its cache, for `restore`."""
        return {
            name: part.leaves() if isinstance(part, OrderedIndex) else part
            for name, part in vars(self).items()
            if name not in _NO_PARTS
        }

    def restore(self, parts: Mapping[str, Any]) -> None:
        """Become the model that gave these parts, which has the same table."""
        for name, part in parts.items():
            if not isinstance(getattr(self, name), OrderedIndex):
                setattr(self, name, part)
        for name, numbers in (
            ("by_deadline", self.closes_at),
            ("by_amount", self.amounts),
            ("by_creation", self.created_at),
        ):
            index = OrderedIndex(numbers, id_of=self.ordinals.bytes_of)
            index.restore(parts[name])
            setattr(self, name, index)

    # --- Reading ----------------------------------------------------------------------------------

    def all(self) -> BitMap:
        """Every published award. Not to be changed."""
        return self.ordinals.used

    def open(self, now: dt.datetime) -> BitMap:
        """The awards that close at `now` or later, or never. Not to be changed."""
        at = microseconds(now)
        if at > self._next_closing:
            self._set_open(at)
        elif at < self._open_at:  # of a request that was overtaken
            return self._open | self.by_deadline.between(at, self._open_at - 1)
        return self._open

    def next_closing(self, now: dt.datetime) -> int | None:
        """The instant in microseconds after which `open` is another one; None: there is none."""
        following = self.by_deadline.next_number(microseconds(now) - 1)
        return None if following == NEVER else following

    def _set_open(self, at: int) -> None:
        self._open = self.by_deadline.between(at, NEVER)
        self._open_at = at
        following = self.by_deadline.next_number(at - 1)
        self._next_closing = NEVER if following is None else following

    def keep(self, filters: Mapping[str, Any]) -> BitMap:
        """The awards that the filters of the table leave, by the filters' names.

        The values of a filter are alternatives. A filter that goes by a criterion keeps the awards
        that are open to all.
        """
        kept = BitMap(self.ordinals.used)
        criteria: list[Criterion] = []
        told: dict[str, Any] = {}
        for criterion in self.criteria:
            for alternative in criterion.alternatives:
                if alternative.filter is not None and alternative.filter in filters:
                    criteria.append(criterion)
                    told[alternative.profile_field] = filters[alternative.filter]
        if criteria:
            rows = list(dict.fromkeys(criteria))
            kept = kept & not_failed(self.tables.layers, rows, derive(told), self.unchecked)
        for attribute in self.attributes:
            if attribute.filter in filters:
                value = filters[attribute.filter]
                if attribute.at_most:
                    kept = kept & self.by_attribute[attribute.name].at_most(value)
                    continue
                values = value if isinstance(value, list) else [value]
                kept = kept & self.with_attribute(attribute.name, values)
        return kept

    @property
    def filters(self) -> Collection[str]:
        """The names of the filters that `keep` knows."""
        by_criteria = {
            alternative.filter
            for criterion in self.criteria
            for alternative in criterion.alternatives
            if alternative.filter is not None
        }
        return by_criteria | {attribute.filter for attribute in self.attributes}

    def naming(self, field: str, values: Iterable[Value]) -> BitMap:
        """The awards of which some set of criteria names one of the values. Not to be changed."""
        wanted = list(values)
        return union([layer.of(field).of(wanted) for layer in self.tables.layers])

    def with_attribute(self, name: str, values: Iterable[Value]) -> BitMap:
        """The awards whose attribute has one of the values. Not to be changed."""
        return self.by_attribute[name].of(values)

    def amounts_between(self, low: int | None, high: int | None) -> BitMap:
        """The awards whose amount in hundredths is known and in these bounds."""
        first = NO_AMOUNT + 1 if low is None else low
        return self.by_amount.between(first, NEVER if high is None else high)

    def without_amount(self) -> BitMap:
        """The awards whose amount is not known."""
        return self.by_amount.between(NO_AMOUNT, NO_AMOUNT)

    def covering_all(self) -> BitMap:
        """The awards that cover the whole tuition or cost, whatever that amounts to."""
        return self.with_attribute("coverage", FULL_COVERAGE)

    def opening_after(self, moment: dt.datetime) -> BitMap:
        """The awards that are not open, and will open later than this."""
        at = microseconds(moment)
        return BitMap([ordinal for ordinal, opens in self._opens_at.items() if opens > at])

    def amount_bounds(self, awards: BitMap) -> tuple[int, int] | None:
        """The lowest and the highest known amount of the awards, in hundredths."""
        known = awards - self.without_amount()
        if not known:
            return None
        [lowest] = self.by_amount.page(known, limit=1)
        [highest] = self.by_amount.page(known, limit=1, descending=True)
        return self.amounts[lowest], self.amounts[highest]

    def amounts_of(self, awards: BitMap) -> int:
        """The sum of the known amounts of the awards, in hundredths."""
        return self._amount_sums.sum(awards)

    def closing_between(self, low: dt.datetime | None, high: dt.datetime | None) -> BitMap:
        """The awards with a deadline from `low` to `high`, both included."""
        first = -NEVER if low is None else microseconds(low)
        last = NEVER - 1 if high is None else microseconds(high)
        return self.by_deadline.between(first, last)

    def closing_days_between(self, low: int, high: int) -> BitMap:
        """The awards whose deadline is on a calendar day of their own time zone from `low` to
        `high`, both included, in days since 1970. Not to be changed."""
        found = self._closing_days_found.get((low, high))
        if found is None:
            found = self._find_closing_days(low, high)
            if len(self._closing_days_found) >= CACHED_DAY_RANGES:
                self._closing_days_found.clear()
            self._closing_days_found[low, high] = found
        return found

    def _find_closing_days(self, low: int, high: int) -> BitMap:
        near_low = self._closing_about(low, days=DAY_MARGIN)
        near_high = self._closing_about(high, days=DAY_MARGIN)
        inside = self.by_deadline.between(
            (low + DAY_MARGIN + 1) * _DAY, min((high - DAY_MARGIN) * _DAY, NEVER) - 1
        )
        days = self.closing_days
        at_the_ends = [each for each in near_low | near_high if low <= days[each] <= high]
        return inside | BitMap(at_the_ends)

    def _closing_about(self, day: int, *, days: int) -> BitMap:
        return self.by_deadline.between((day - days) * _DAY, (day + days + 1) * _DAY - 1)

    def match(self, answers: Answers, *, within: BitMap, now: dt.datetime) -> Matches:
        """The awards of `within`, judged for a profile; `now` decides how old its student is."""
        if answers.get("age") is None and answers.get("birth_date") is not None:
            answers = {**answers, "age": self._age_by_day(answers, within=within, now=now)}
        return Matches(self.tables, answers, within=within, unchecked=self.unchecked)

    def _age_by_day(self, answers: Answers, *, within: BitMap, now: dt.datetime) -> AgeByDay:
        dated = within & self.by_deadline.between(-NEVER, NEVER - 1)
        first = self.by_deadline.page(dated, limit=1)
        last = self.by_deadline.page(dated, limit=1, descending=True)
        return AgeByDay(
            answers["birth_date"],
            today=now.date(),
            within=within,
            closing_from=lambda day: self.closing_days_between(day, _LAST_DAY),
            earliest=self.closes_at[first[0]] // _DAY - DAY_MARGIN if first else 0,
            latest=self.closes_at[last[0]] // _DAY + DAY_MARGIN if last else 0,
        )

    def page(self, groups: Iterable[BitMap], *, limit: int, offset: int = 0) -> list[int]:
        """Awards of one group after the other, by deadline and id within a group."""
        found: list[int] = []
        for group in groups:
            if offset >= len(group):
                offset -= len(group)
                continue
            found += self.by_deadline.page(group, limit=limit - len(found), offset=offset)
            offset = 0
            if len(found) >= limit:
                break
        return found

    def facets(self, awards: BitMap) -> dict[str, dict[str, int]]:
        """By the name of a facet, how many of the awards suit each value.

        Those are the awards that name the value, or one that includes it, or are open to all. A
        value that none of the awards names is left out.
        """
        counted: dict[str, dict[str, int]] = {}
        for criterion in self.criteria:
            for facet in dict.fromkeys(each.facet for each in criterion.alternatives):
                if facet is not None:
                    counted[facet] = self._suited(criterion, facet, awards)
        for attribute in self.attributes:
            if attribute.facet is None:
                continue
            postings = self.by_attribute[attribute.name]
            counted[attribute.facet] = {
                _as_text(value): number
                for value, bitmap in postings.items()
                if (number := bitmap.intersection_cardinality(awards))
            }
        return counted

    def _suited(self, criterion: Criterion, facet: str, awards: BitMap) -> dict[str, int]:
        unrestricted = [
            layer.members
            - union([layer.of(each.field).restricted for each in criterion.alternatives])
            for layer in self.tables.layers
        ]
        open_to_all = awards & union(unrestricted)
        others = awards - open_to_all
        counted = [each for each in criterion.alternatives if each.facet == facet]
        values = {
            value
            for layer in self.tables.layers
            for each in counted
            for value in layer.of(each.field)
            if not isinstance(value, Below)
        }
        return {
            _as_text(value): len(open_to_all)
            + self._naming(counted, value, accepted=True).intersection_cardinality(others)
            for value in values
            if self._naming(counted, value, accepted=False).intersect(awards)
        }

    def _naming(
        self, alternatives: Iterable[Alternative], value: Value, *, accepted: bool
    ) -> BitMap:
        return union(
            [
                self.naming(each.field, each.relation.accepted(value) if accepted else [value])
                for each in alternatives
            ]
        )


def _closing_day(record: AwardRecord) -> int:
    return NO_DAY if record.closing_day is None else record.closing_day


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
