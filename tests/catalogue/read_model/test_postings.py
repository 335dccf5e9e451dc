"""Postings say which awards name a value, and which name any."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.postings import Postings
from tests.catalogue.read_model.tables import examples

AWARDS = st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 5), max_size=3), max_size=12)


def posted(awards: dict[int, list[int]]) -> Postings:
    postings = Postings()
    for ordinal, values in awards.items():
        postings.add(ordinal, values)
    return postings


@examples
@given(AWARDS, st.integers(-1, 6), st.integers(-1, 6))
def test_awards_are_found_by_value_and_by_range(
    awards: dict[int, list[int]], low: int, high: int
) -> None:
    postings = posted(awards)

    def naming(wanted: range) -> set[int]:
        return {ordinal for ordinal, values in awards.items() if set(values) & set(wanted)}

    assert set(postings.restricted) == naming(range(6))
    assert set(postings.of([low, high])) == naming(range(low, low + 1)) | naming(
        range(high, high + 1)
    )
    assert set(postings.at_most(high)) == naming(range(high + 1))
    assert set(postings.at_least(low)) == naming(range(low, 6))


@examples
@given(AWARDS, st.integers(0, 30), st.lists(st.integers(0, 5), max_size=3))
def test_an_award_has_exactly_the_values_that_it_names(
    awards: dict[int, list[int]], ordinal: int, values: list[int]
) -> None:
    named = awards.get(ordinal, [])
    postings = posted(awards)
    assert postings.has_exactly(ordinal, named)
    assert postings.has_exactly(ordinal, values) == (set(values) == set(named))


@examples
@given(AWARDS, st.sets(st.integers(0, 30)))
def test_discarded_awards_are_in_no_bitmap(awards: dict[int, list[int]], gone: set[int]) -> None:
    postings = posted(awards)
    postings.at_most(3)
    postings.discard(BitMap(gone))
    left = {ordinal: values for ordinal, values in awards.items() if ordinal not in gone}
    assert {value: set(bitmap) for value, bitmap in postings.items()} == {
        value: set(bitmap) for value, bitmap in posted(left).items()
    }
    assert set(postings.restricted) == set(posted(left).restricted)
    assert set(postings.at_most(3)) == set(posted(left).at_most(3))
