"""An ordered index gives pages and ranges as a sorted list would."""

import random
from array import array
from typing import Final

import pytest
from pyroaring import BitMap

from scholarship_api.catalogue.read_model import ordered_index
from scholarship_api.catalogue.read_model.ordered_index import OrderedIndex

COUNT: Final = 400


@pytest.fixture(autouse=True)
def small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few awards fill many of them."""
    monkeypatch.setattr(ordered_index, "MAX_LEAF", 8)


class Sample:
    """Awards with few different numbers, and the index of those that are in it."""

    def __init__(self, seed: int, *, is_built: bool) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - test data
        self.numbers = array("q", [self.rng.randrange(20) for _ in range(COUNT)])
        self.ids = [f"{self.rng.getrandbits(32):x}".encode() for _ in range(COUNT)]
        self.index = OrderedIndex(self.numbers, id_of=self.ids.__getitem__)
        self.present = set(self.rng.sample(range(COUNT), COUNT // 2))
        if is_built:
            self.index.build(self.ordered(self.present))
        else:
            for ordinal in self.present:
                self.index.add(ordinal)

    def ordered(self, ordinals: set[int]) -> list[int]:
        return sorted(ordinals, key=lambda ordinal: (self.numbers[ordinal], self.ids[ordinal]))

    def change(self) -> None:
        for ordinal in self.rng.sample(range(COUNT), COUNT // 2):
            if ordinal in self.present:
                self.present.remove(ordinal)
                self.index.discard(ordinal)
            else:
                self.present.add(ordinal)
                self.numbers[ordinal] = self.rng.randrange(20)
                self.index.add(ordinal)


@pytest.fixture(params=[(seed, is_built) for seed in range(6) for is_built in (False, True)])
def sample(request: pytest.FixtureRequest) -> Sample:
    seed, is_built = request.param
    sample = Sample(seed, is_built=is_built)
    sample.change()
    return sample


def test_all_awards_are_in_order(sample: Sample) -> None:
    assert list(sample.index) == sample.ordered(sample.present)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.9])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_are_those_of_a_sorted_list(sample: Sample, share: float, descending: bool) -> None:
    wanted = {ordinal for ordinal in sample.present if sample.rng.random() < share}
    expected = sample.ordered(wanted)
    if descending:
        expected.reverse()
    for offset in (0, 3, 17, COUNT):
        page = sample.index.page(BitMap(wanted), limit=5, offset=offset, descending=descending)
        assert page == expected[offset : offset + 5]
    walked: list[int] = []
    after = None
    while page := sample.index.page(BitMap(wanted), limit=7, after=after, descending=descending):
        walked += page
        after = sample.index.place_of(page[-1])
    assert walked == expected


def test_a_walk_goes_on_behind_an_award_that_is_gone(sample: Sample) -> None:
    [*_, gone] = sample.index.page(BitMap(sample.present), limit=30)
    place = sample.index.place_of(gone)
    sample.index.discard(gone)
    expected = sample.ordered(sample.present)
    following = expected[expected.index(gone) + 1 :][:5]
    wanted = BitMap(sample.present - {gone})
    assert sample.index.page(wanted, limit=5, after=place) == following


@pytest.mark.parametrize(("low", "high"), [(0, 19), (5, 5), (3, 12), (-4, 2), (18, 40), (9, 8)])
def test_ranges_have_both_their_ends(sample: Sample, low: int, high: int) -> None:
    expected = {ordinal for ordinal in sample.present if low <= sample.numbers[ordinal] <= high}
    assert set(sample.index.between(low, high)) == expected


def test_the_next_number_is_the_lowest_above(sample: Sample) -> None:
    for number in range(-1, 21):
        above = [sample.numbers[each] for each in sample.present if sample.numbers[each] > number]
        assert sample.index.next_number(number) == min(above, default=None)


def test_an_empty_index_has_no_pages() -> None:
    index = OrderedIndex(array("q"), id_of=lambda _: b"")
    assert index.page(BitMap(), limit=5) == []
    assert index.page(BitMap(), limit=5, after=(3, b"x"), descending=True) == []
    assert set(index.between(0, 9)) == set()
    assert index.next_number(0) is None
