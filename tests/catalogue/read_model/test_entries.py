"""The keys of entries leave out no value that an entry of a profile may meet."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from scholarship_api.catalogue.read_model import entries
from scholarship_api.catalogue.read_model.postings import Postings
from scholarship_api.catalogue.read_model.relations import AnyEntry, Outcome
from tests.catalogue.read_model.tables import examples

NAMES = st.sampled_from([None, "Ames", "ames", "The Bay"])
STATES = st.sampled_from([None, "CA", "IA"])
PLACES = st.fixed_dictionaries({"name": NAMES, "state": STATES})
INSTITUTIONS = st.fixed_dictionaries(
    {"name": NAMES, "state": STATES, "unitid": st.sampled_from([None, "100654", "100663"])}
)
AFFILIATIONS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "kind": st.sampled_from([None, "employer", "union"]),
        "relations": st.lists(st.sampled_from(["self", "parent"]), unique=True),
    }
)
KINDS = {
    "place": PLACES,
    "institution": INSTITUTIONS,
    "affiliation": AFFILIATIONS,
}


def same(entry: Any) -> Any:  # noqa: ANN401 - what a profile's entry is read as
    return entry


@pytest.mark.parametrize("kind", KINDS)
@examples
@given(st.data())
def test_a_value_that_shares_no_key_with_an_entry_fails(kind: str, data: st.DataObject) -> None:
    freeze: Callable[..., Hashable] = getattr(entries, kind)
    read = same if kind == "affiliation" else freeze
    judge: Callable[..., Outcome] = getattr(entries, f"judge_{kind}")
    keys: Callable[..., Collection[Hashable]] = getattr(entries, f"{kind}_keys")
    to_judge: Callable[..., Collection[Hashable] | None] = getattr(entries, f"{kind}_keys_to_judge")
    wanted, entry = freeze(data.draw(KINDS[kind])), read(data.draw(KINDS[kind]))
    shared = to_judge(entry)
    if shared is not None and set(shared).isdisjoint(keys(wanted)):
        assert judge(wanted, entry) is Outcome.FAILED


@examples
@given(st.lists(PLACES, max_size=5), st.lists(PLACES, max_size=3), st.integers(0, 5))
def test_keys_change_no_selection(
    wanted: list[dict[str, str | None]], told: list[dict[str, str | None]], gone: int
) -> None:
    parts: dict[str, Any] = {
        "freeze": entries.place,
        "read_entry": entries.place,
        "judge_entry": entries.judge_place,
    }
    with_keys = AnyEntry(
        **parts, keys=entries.place_keys, keys_to_judge=entries.place_keys_to_judge
    )
    postings = Postings()
    for ordinal, each in enumerate(wanted):
        postings.add(ordinal, with_keys.values([each]))
        with_keys.select(postings, told)
    postings.discard(BitMap([gone]))
    assert with_keys.select(postings, told) == AnyEntry(**parts).select(postings, told)
