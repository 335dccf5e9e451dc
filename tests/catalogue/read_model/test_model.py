"""The model after any writes is the one that would be made anew, and answers as a list would."""

import datetime as dt
import hashlib
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import Change, ReadModel, microseconds
from scholarship_api.catalogue.read_model.postings import Postings
from scholarship_api.catalogue.read_model.records import NEVER, NO_AMOUNT, AwardRecord
from tests.catalogue.read_model.tables import EXTENDED, INSTANTS, NOW, catalogues, examples, records

DAY: Final = dt.timedelta(days=1)


def model_of(awards: list[AwardRecord]) -> ReadModel:
    model = ReadModel(criteria=EXTENDED)
    model.add(awards)
    model.build_orders()
    return model


def ids(model: ReadModel, ordinals: BitMap) -> set[str]:
    return {model.ordinals.id_of(ordinal) for ordinal in ordinals}


def instant(number: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(number / 1_000_000, dt.UTC)


CONDITIONS: Final = (
    "eligibility_sets",
    "criteria_complete",
    "other_requirements",
    "preferences",
    "conditions_digest",
)
FACTS: Final = tuple(
    name for name in AwardRecord._fields if name not in {*CONDITIONS, "id", "row_version"}
)


def with_digest(record: AwardRecord) -> AwardRecord:
    conditions = repr([getattr(record, name) for name in CONDITIONS[:-1]])
    digest = hashlib.sha256(conditions.encode()).digest()
    return record._replace(conditions_digest=int.from_bytes(digest[:8]))


def part_of(record: AwardRecord, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


@st.composite
def rewritten(draw: st.DrawFn, record: AwardRecord) -> AwardRecord:
    """The award after a write that has left its facts, its conditions or both alone."""
    other = with_digest(draw(records(award_id=record.id)))
    names = draw(st.sampled_from([(), FACTS, CONDITIONS, (*FACTS, *CONDITIONS)]))
    return record._replace(**part_of(other, names), row_version=record.row_version + 1)


@st.composite
def writes(draw: st.DrawFn) -> list[list[Change]]:
    """Batches in which awards come, change and go."""
    batches = []
    for _ in range(draw(st.integers(0, 3))):
        numbers = draw(st.lists(st.integers(0, 99), max_size=8))
        batches.append(
            [
                Change(award_id, draw(st.none() | records(award_id=award_id)))
                for award_id in (f"award-{number}" for number in numbers)
            ]
        )
    return batches


def contents(model: ReadModel, now: dt.datetime) -> object:
    """All that the model holds, by id."""
    ordinals = model.ordinals

    def named(postings: Postings) -> object:
        return {value: ids(model, bitmap) for value, bitmap in postings.items()}

    return {
        "columns": {
            ordinals.id_of(each): (
                model.row_versions[each],
                model.closes_at[each],
                model.amounts[each],
                model.created_at[each],
                model.closing_days[each],
            )
            for each in ordinals.used
        },
        "orders": [
            [ordinals.id_of(each) for each in order]
            for order in (model.by_deadline, model.by_amount, model.by_creation)
        ],
        "attributes": {name: named(each) for name, each in model.by_attribute.items()},
        "time zones": named(model.time_zones),
        "layers": [
            (
                ids(model, layer.members),
                {name: named(each) for name, each in layer.postings.items() if each.restricted},
            )
            for layer in model.tables.layers
            if layer.members
        ],
        "preferences": {
            weight: kept
            for weight, layers in model.tables.preferences.items()
            if (kept := [ids(model, layer.members) for layer in layers if layer.members])
        },
        "to confirm": (
            ids(model, model.tables.incomplete),
            ids(model, model.tables.with_texts),
        ),
        "amounts": model.amounts_of(model.all()),
        "open": ids(model, model.open(now)),
        "next closing": model.next_closing(now),
    }


@pytest.mark.slow
@examples
@given(catalogues(), writes(), st.lists(INSTANTS, max_size=3))
def test_after_writes_the_model_is_the_one_that_would_be_made_anew(
    awards: list[AwardRecord], batches: list[list[Change]], instants: list[int]
) -> None:
    model = model_of(awards)
    expected = {award.id: award for award in awards}
    asked = [NOW, *map(instant, instants)]
    for number, batch in enumerate(batches):
        model.open(asked[number % len(asked)])
        model.apply(batch)
        for award_id, record in batch:
            expected.pop(award_id, None)
            if record is not None:
                expected[award_id] = record
    assert contents(model, NOW) == contents(model_of(list(expected.values())), NOW)


@pytest.mark.slow
@examples
@given(catalogues(), st.data())
def test_the_awards_are_told_whose_facts_or_conditions_have_changed(
    awards: list[AwardRecord], data: st.DataObject
) -> None:
    present = {award.id: with_digest(award) for award in awards}
    model = model_of(list(present.values()))
    for _ in range(3):
        chosen = data.draw(st.lists(st.sampled_from(awards), max_size=5)) if awards else []
        after = {each.id: data.draw(rewritten(present[each.id])) for each in chosen}
        found = model.apply([Change(award_id, record) for award_id, record in after.items()])
        assert ids(model, found) == {
            award_id
            for award_id, record in after.items()
            if record._replace(row_version=0) != present[award_id]._replace(row_version=0)
        }
        present |= after
        assert contents(model, NOW) == contents(model_of(list(present.values())), NOW)


@pytest.mark.slow
@examples
@given(catalogues(), st.lists(INSTANTS, max_size=4))
def test_an_award_is_open_until_its_deadline_has_passed(
    awards: list[AwardRecord], instants: list[int]
) -> None:
    model = model_of(awards)
    for number in instants:  # in any order: a request may have been overtaken
        for at in (number - 1, number, number + 1):
            expected = {award.id for award in awards if award.closes_at >= at}
            assert ids(model, model.open(instant(at))) == expected


@pytest.mark.slow
@examples
@given(catalogues())
def test_the_next_closing_is_when_an_open_award_closes_first(awards: list[AwardRecord]) -> None:
    model = model_of(awards)
    at = microseconds(NOW)
    closing = [award.closes_at for award in awards if at <= award.closes_at < NEVER]
    assert model.next_closing(NOW) == min(closing, default=None)


@pytest.mark.slow
@examples
@given(catalogues())
def test_filters_of_attributes_are_alternatives(awards: list[AwardRecord]) -> None:
    model = model_of(awards)
    types = ["merit_based", "need_based"]
    found = model.keep({"scholarship_types": types, "renewable": False})
    assert ids(model, found) == {
        award.id for award in awards if award.scholarship_type in types and not award.renewable
    }


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high"), [(None, 200_000), (0, None), (100_000, 300_000)])
@examples
@given(awards=catalogues())
def test_amounts_that_are_not_known_are_in_no_range(
    awards: list[AwardRecord], low: int | None, high: int | None
) -> None:
    model = model_of(awards)
    assert ids(model, model.amounts_between(low, high)) == {
        award.id
        for award in awards
        if award.amount != NO_AMOUNT
        and (low is None or low <= award.amount)
        and (high is None or award.amount <= high)
    }


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high"), [(NOW - DAY, None), (None, NOW), (NOW - DAY, NOW + DAY)])
@examples
@given(awards=catalogues())
def test_awards_without_a_deadline_close_in_no_range(
    awards: list[AwardRecord], low: dt.datetime | None, high: dt.datetime | None
) -> None:
    model = model_of(awards)
    assert ids(model, model.closing_between(low, high)) == {
        award.id
        for award in awards
        if award.closes_at != NEVER
        and (low is None or microseconds(low) <= award.closes_at)
        and (high is None or award.closes_at <= microseconds(high))
    }


@pytest.mark.slow
@pytest.mark.parametrize("days", [(-2, 2), (0, 0), (-3, 10_000), (-10_000, 1), (2, -2)])
@examples
@given(awards=catalogues())
def test_days_of_deadlines_are_those_in_the_awards_own_zones(
    awards: list[AwardRecord], days: tuple[int, int]
) -> None:
    model = model_of(awards)
    today = microseconds(NOW) // 86_400_000_000
    low, high = (today + day for day in days)
    assert ids(model, model.closing_days_between(low, high)) == {
        award.id
        for award in awards
        if award.closing_day is not None and low <= award.closing_day <= high
    }
