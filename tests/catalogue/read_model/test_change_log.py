"""The log tells which awards have changed after a revision, for as long as it remembers them."""

from pyroaring import BitMap

from scholarship_api.catalogue.read_model import change_log
from scholarship_api.catalogue.read_model.change_log import Changed, ChangeLog


def changed(number: int, *, is_judged_anew: bool = True, reworded: bool = False) -> Changed:
    """A write of one award."""
    award = frozenset({f"award-{number}"})
    if not is_judged_anew:
        return Changed(award, BitMap(), frozenset(), reworded)
    return Changed(award, BitMap([number]), award, reworded)


def test_the_changes_after_a_revision_are_told_together() -> None:
    log = ChangeLog()
    log.add(changed(1, reworded=True))
    before = log.revision
    log.add(changed(2))
    log.add(changed(3, is_judged_anew=False))
    assert log.since(before) == Changed(
        frozenset({"award-2", "award-3"}), BitMap([2]), frozenset({"award-2"}), reworded=False
    )
    since_the_first = log.since(0)
    assert since_the_first is not None
    assert since_the_first.ids == {"award-1", "award-2", "award-3"}
    assert since_the_first.reworded


def test_nothing_has_changed_since_the_last_revision() -> None:
    log = ChangeLog()
    log.add(changed(1))
    found = log.since(log.revision)
    assert found is not None
    assert not found.ids


def test_changes_that_are_forgotten_or_unknown_are_not_told() -> None:
    log = ChangeLog()
    log.add(changed(1))
    for number in range(change_log.MAX_ENTRIES):
        log.add(changed(number))
    assert log.since(0) is None
    assert log.since(1) is not None
    log.add_unknown()
    assert log.since(log.revision - 1) is None
    assert log.since(log.revision) is not None
