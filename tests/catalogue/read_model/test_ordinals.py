"""Ordinals stand for ids, and are given again when an award is gone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.ordinals import Ordinals
from tests.catalogue.read_model.tables import examples

IDS = st.text(alphabet="ab-é", min_size=1, max_size=4)


@examples
@given(st.lists(st.tuples(st.booleans(), IDS), max_size=60))
def test_every_known_id_is_found_and_no_other(steps: list[tuple[bool, str]]) -> None:
    ordinals = Ordinals()
    expected: dict[str, int] = {}
    for is_added, award_id in steps:
        if is_added and award_id not in expected:
            expected[award_id] = ordinals.add(award_id)
        elif not is_added and award_id in expected:
            ordinals.discard(expected.pop(award_id))
    assert len(ordinals) == len(expected)
    assert set(ordinals.used) == set(expected.values())
    for _, award_id in steps:
        assert ordinals.find(award_id) == expected.get(award_id)
    for award_id, ordinal in expected.items():
        assert ordinals.id_of(ordinal) == award_id


def test_ids_are_found_in_a_table_that_has_grown_and_was_packed() -> None:
    rng = random.Random(3)  # noqa: S311 - test data
    ordinals = Ordinals()
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(6000)]
    for award_id in ids:
        ordinals.add(award_id)
    for award_id in ids[:5000]:
        ordinal = ordinals.find(award_id)
        assert ordinal is not None
        ordinals.discard(ordinal)
    assert all(ordinals.find(award_id) is None for award_id in ids[:5000])
    for award_id in ids[5000:]:
        ordinal = ordinals.find(award_id)
        assert ordinal is not None
        assert ordinals.id_of(ordinal) == award_id


def test_the_ordinal_of_a_removed_award_is_given_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ordinals = Ordinals()
    for award_id in ("a", "b", "c"):
        ordinals.add(award_id)
    ordinals.discard(1)
    assert ordinals.add("d") == 3
    monkeypatch.setattr("time.monotonic", lambda: float("inf"))
    assert ordinals.add("e") == 1
    assert ordinals.limit == 4


def test_an_id_has_one_ordinal() -> None:
    ordinals = Ordinals()
    ordinals.add("a")
    with pytest.raises(ValueError, match="has an ordinal"):
        ordinals.add("a")


def test_unknown_ids_are_left_out_of_a_bitmap() -> None:
    ordinals = Ordinals()
    ordinals.add("a")
    assert list(ordinals.find_all(["b", "a", "c"])) == [0]
