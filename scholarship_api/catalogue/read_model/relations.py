"""How an answer of a profile stands to what an award requires.

Each relation gives the rule twice: `judge` for one award, and `select` for all awards at once, by
their postings. A value of the award that is met, or may be met, decides for every award with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.postings import Postings, union


class Outcome(StrEnum):
    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"


Sentences = Mapping[Outcome, str]
"""By outcome, with the places {noun}, {required} and {actual}."""


_AT_LEAST_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} reaches the minimum of {required}.",
    Outcome.FAILED: "{noun} {actual} is below the minimum of {required}.",
    Outcome.UNKNOWN: "{noun} must be at least {required}; the profile does not say.",
}
_AT_MOST_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} is within the maximum of {required}.",
    Outcome.FAILED: "{noun} {actual} is above the maximum of {required}.",
    Outcome.UNKNOWN: "{noun} must be at most {required}; the profile does not say.",
}
_IS_TRUE_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} is required and stated.",
    Outcome.FAILED: "{noun} is required.",
    Outcome.UNKNOWN: "{noun} is required; the profile does not say.",
}
_ANY_OF_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} is accepted.",
    Outcome.FAILED: "{noun} {actual} is not among: {required}.",
    Outcome.UNKNOWN: "{noun} must be among: {required}; the profile does not say.",
}


class Selection(NamedTuple):
    """The awards of some postings for one answer; all others of the postings fail."""

    met: BitMap
    unknown: BitMap


class Relation(ABC):
    """`required` is the award's value, `answer` the profile's; neither is None."""

    sentences: Sentences

    @abstractmethod
    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        """Under which values the award is posted; any one of them is enough."""

    def accepted(self, value: Hashable) -> Collection[Hashable]:
        """The values of awards that somebody with this value meets."""
        return (value,)

    @abstractmethod
    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401
        """The rule for one award."""

    @abstractmethod
    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        """The rule for all awards."""


class AtLeast(Relation):
    sentences = _AT_LEAST_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (required,)

    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401
        return Outcome.MET if answer >= required else Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        return Selection(postings.at_most(answer), BitMap())


class AtMost(Relation):
    sentences = _AT_MOST_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (required,)

    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401
        return Outcome.MET if answer <= required else Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        return Selection(postings.at_least(answer), BitMap())


class IsTrue(Relation):
    """Only true requires anything."""

    sentences = _IS_TRUE_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (True,) if required else ()

    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401, ARG002
        return Outcome.MET if answer else Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        return Selection(postings.restricted if answer else BitMap(), BitMap())


def itself(code: str) -> tuple[str, ...]:
    return (code,)


def with_parents(code: str) -> tuple[str, ...]:
    """A dotted code and the codes that it is part of: `asian.hmong` is `asian`, too."""
    parts = code.split(".")
    return tuple(".".join(parts[:end]) for end in range(len(parts), 0, -1))


class AnyOf(Relation):
    """One of the award's codes is met by one of the profile's.

    `accepts` gives the award's codes that somebody with a code meets: by default that code alone.
    `is_narrower` tells whether an award's code is a narrower one than the profile's: somebody who
    gave the broader code may meet it, which is unknown.
    """

    sentences = _ANY_OF_SENTENCES

    def __init__(
        self,
        *,
        accepts: Callable[[str], Collection[str]] = itself,
        is_narrower: Callable[[str, str], bool] | None = None,
        sentences: Sentences | None = None,
    ) -> None:
        self._accepts = accepts
        self._is_narrower = is_narrower
        if sentences is not None:
            self.sentences = sentences

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (required,) if isinstance(required, str) else tuple(required)

    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401
        codes = self.values(required)
        if not self._accepted(answer).isdisjoint(codes):
            return Outcome.MET
        if any(self._may_be_met(code, answer) for code in codes):
            return Outcome.UNKNOWN
        return Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        met = postings.of(self._accepted(answer))
        if self._is_narrower is None:
            return Selection(met, BitMap())
        narrower = (code for code in postings if self._may_be_met(code, answer))
        return Selection(met, postings.of(narrower))

    def accepted(self, value: Hashable) -> Collection[Hashable]:
        return self._accepts(str(value))

    def _accepted(self, answer: Any) -> frozenset[str]:  # noqa: ANN401
        return frozenset(code for given in _codes(answer) for code in self._accepts(given))

    def _may_be_met(self, code: Any, answer: Any) -> bool:  # noqa: ANN401
        is_narrower = self._is_narrower
        return is_narrower is not None and any(is_narrower(code, given) for given in _codes(answer))


def is_part_of(code: str, broader: str) -> bool:
    """Whether a dotted code is part of another one."""
    return code.startswith(f"{broader}.")


def _codes(answer: Any) -> Iterable[str]:  # noqa: ANN401
    return (answer,) if isinstance(answer, str) else answer


class AnyEntry(Relation):
    """One of the award's entries is fulfilled as a whole by one of the profile's.

    Entries are mappings. `freeze` makes an entry of the award a hashable value, and `judge_entry`
    holds that value against one entry of the profile.
    """

    sentences = _ANY_OF_SENTENCES

    def __init__(
        self,
        *,
        freeze: Callable[[Mapping[str, Any]], Hashable],
        judge_entry: Callable[[Any, Mapping[str, Any]], Outcome],
    ) -> None:
        self._freeze = freeze
        self._judge_entry = judge_entry

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return tuple(self._freeze(entry) for entry in required)

    def judge(self, required: Any, answer: Any) -> Outcome:  # noqa: ANN401
        return best(self._judge_value(value, answer) for value in self.values(required))

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        met, unknown = [], []
        for value, bitmap in postings.items():
            outcome = self._judge_value(value, answer)
            if outcome is Outcome.MET:
                met.append(bitmap)
            elif outcome is Outcome.UNKNOWN:
                unknown.append(bitmap)
        return Selection(union(met), union(unknown))

    def _judge_value(self, value: Hashable, answer: Iterable[Mapping[str, Any]]) -> Outcome:
        return best(self._judge_entry(value, entry) for entry in answer)


def best(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of alternatives: met if any is met, else unknown if any may be."""
    worst = Outcome.FAILED
    for outcome in outcomes:
        if outcome is Outcome.MET:
            return outcome
        if outcome is Outcome.UNKNOWN:
            worst = outcome
    return worst


AT_LEAST: Final = AtLeast()
AT_MOST: Final = AtMost()
IS_TRUE: Final = IsTrue()
ONE_OF: Final = AnyOf()
