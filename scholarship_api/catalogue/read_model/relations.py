"""How an answer of a profile stands to what an award requires.

Each relation gives the rule twice: `rule` for one award, and `select` for all awards at once, by
their postings. A value of the award that is met, or may be met, decides for every award with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.ages import AgeByDay
from scholarship_api.catalogue.read_model.postings import Postings


class Outcome(StrEnum):
    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not_checked"
    """The operator does not match on this criterion: a person has to check it."""


Sentences = Mapping[Outcome, str]
"""By outcome, with the places {noun}, {required} and {actual}."""

_NOT_CHECKED: Final = "{noun} is not checked here; required: {required}."

_AT_LEAST_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} reaches the minimum of {required}.",
    Outcome.FAILED: "{noun} {actual} is below the minimum of {required}.",
    Outcome.UNKNOWN: "{noun} must be at least {required}; the profile does not say.",
    Outcome.NOT_CHECKED: "{noun} is not checked here; it must be at least {required}.",
}
_AT_MOST_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} is within the maximum of {required}.",
    Outcome.FAILED: "{noun} {actual} is above the maximum of {required}.",
    Outcome.UNKNOWN: "{noun} must be at most {required}; the profile does not say.",
    Outcome.NOT_CHECKED: "{noun} is not checked here; it must be at most {required}.",
}
_IS_TRUE_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} is required and stated.",
    Outcome.FAILED: "{noun} is required.",
    Outcome.UNKNOWN: "{noun} is required; the profile does not say.",
    Outcome.NOT_CHECKED: "{noun} is required, and is not checked here.",
}
ANY_OF_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} {actual} is accepted.",
    Outcome.FAILED: "{noun} {actual} is not among: {required}.",
    Outcome.UNKNOWN: "{noun} must be among: {required}; the profile does not say.",
    Outcome.NOT_CHECKED: _NOT_CHECKED,
}
LIST_SENTENCES: Final[Sentences] = {
    Outcome.MET: "{noun} is accepted: {actual}.",
    Outcome.FAILED: "{noun} must be among: {required}; the profile says: {actual}.",
    Outcome.UNKNOWN: "{noun} must be among: {required}; the profile does not say.",
    Outcome.NOT_CHECKED: _NOT_CHECKED,
}
"""For answers of several values, such as heritages."""


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
    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        """The rule for one award: a function of what it requires."""

    @abstractmethod
    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        """The rule for all awards."""


class AtLeast(Relation):
    """The answer is a number, or an age that depends on the day."""

    sentences = _AT_LEAST_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (required,)

    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        return lambda required: Outcome.MET if answer >= required else Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        if isinstance(answer, AgeByDay):
            return Selection(answer.reaching(postings), BitMap())
        return Selection(postings.at_most(answer), BitMap())


class AtMost(Relation):
    """The answer is a number, or an age that depends on the day."""

    sentences = _AT_MOST_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (required,)

    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        return lambda required: Outcome.MET if answer <= required else Outcome.FAILED

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        if isinstance(answer, AgeByDay):
            return Selection(answer.not_exceeding(postings), BitMap())
        return Selection(postings.at_least(answer), BitMap())


class IsTrue(Relation):
    """Only true requires anything."""

    sentences = _IS_TRUE_SENTENCES

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return (True,) if required else ()

    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        outcome = Outcome.MET if answer else Outcome.FAILED
        return lambda required: outcome  # noqa: ARG005 - the same for all that require it

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        return Selection(postings.restricted if answer else BitMap(), BitMap())


class Below(NamedTuple):
    """The value under which awards are posted that name a narrower code than `broader`."""

    broader: str


def itself(code: str) -> tuple[str, ...]:
    return (code,)


def nothing(code: str) -> tuple[str, ...]:  # noqa: ARG001 - one of the functions that AnyOf takes
    return ()


class AnyOf(Relation):
    """One of the award's codes is met by one of the profile's.

    `accepts` gives the award's codes that somebody with a code meets: by default that code alone.
    `broader` gives the answers that leave open whether an award's code is met: somebody who said
    `asian` may be `asian.hmong`, which is unknown.
    """

    def __init__(
        self,
        *,
        accepts: Callable[[str], Collection[str]] = itself,
        broader: Callable[[str], Collection[str]] = nothing,
        sentences: Sentences = ANY_OF_SENTENCES,
    ) -> None:
        self._accepts = accepts
        self._broader = broader
        self.sentences = sentences

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        codes = _codes(required)
        if self._broader is nothing:
            return codes
        return {*codes, *(Below(broader) for code in codes for broader in self._broader(code))}

    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        given = set(_codes(answer))
        accepted, broader = self._accepted(given), self._broader

        def judge(required: Any) -> Outcome:  # noqa: ANN401
            codes = _codes(required)
            if not accepted.isdisjoint(codes):
                return Outcome.MET
            if broader is not nothing and any(
                not given.isdisjoint(broader(code)) for code in codes
            ):
                return Outcome.UNKNOWN
            return Outcome.FAILED

        return judge

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        given = _codes(answer)
        met = postings.of(self._accepted(given))
        if self._broader is nothing:
            return Selection(met, BitMap())
        return Selection(met, postings.of([Below(code) for code in given]))

    def accepted(self, value: Hashable) -> Collection[Hashable]:
        return self._accepts(str(value))

    def _accepted(self, given: Iterable[str]) -> set[str]:
        return {code for each in given for code in self._accepts(each)}


def _codes(value: Any) -> Collection[Any]:  # noqa: ANN401
    """One code is a list of one; years are codes, too."""
    return (value,) if isinstance(value, str | int) else value


class AnyEntry(Relation):
    """One of the award's entries is fulfilled as a whole by one of the profile's.

    Entries are mappings. `freeze` makes an entry of the award a hashable value, `read_entry` does
    what can be done with an entry of the profile alone, and `judge_entry` compares the two.

    `keys` and `keys_to_judge` spare the rule for all awards the values that fail for certain: it
    judges those that have one of the entry's keys. Without keys, or for an entry for which
    `keys_to_judge` is None, it judges all values.
    """

    def __init__(
        self,
        *,
        freeze: Callable[[Mapping[str, Any]], Hashable],
        judge_entry: Callable[[Any, Any], Outcome],
        read_entry: Callable[[Mapping[str, Any]], Any] | None = None,
        keys: Callable[[Any], Collection[Hashable]] | None = None,
        keys_to_judge: Callable[[Any], Collection[Hashable] | None] | None = None,
        sentences: Sentences = LIST_SENTENCES,
    ) -> None:
        self._freeze = freeze
        self._judge_entry = judge_entry
        self._read_entry = read_entry
        self._keys = keys
        self._keys_to_judge = keys_to_judge
        self.sentences = sentences

    def values(self, required: Any) -> Collection[Hashable]:  # noqa: ANN401
        return tuple(self._freeze(entry) for entry in required)

    def rule(self, answer: Any) -> Callable[[Any], Outcome]:  # noqa: ANN401
        judge, given = self._judge_entry, self._given(answer)
        return lambda required: best(
            judge(value, each) for value in self.values(required) for each in given
        )

    def select(self, postings: Postings, answer: Any) -> Selection:  # noqa: ANN401
        judge = self._judge_entry
        met: set[Hashable] = set()
        unknown: set[Hashable] = set()
        for entry in self._given(answer):
            for value in self._candidates(postings, entry):
                outcome = judge(value, entry)
                if outcome is Outcome.MET:
                    met.add(value)
                elif outcome is Outcome.UNKNOWN:
                    unknown.add(value)
        return Selection(postings.of(met), postings.of(unknown - met))

    def _candidates(self, postings: Postings, entry: Any) -> Iterable[Hashable]:  # noqa: ANN401
        """The values that the entry of a profile may not fail; some may be there twice."""
        keys = None if self._keys_to_judge is None else self._keys_to_judge(entry)
        if self._keys is None or keys is None:
            return postings
        groups = postings.grouped(self._keys)
        return [value for key in keys for value in groups.get(key, ())]

    def _given(self, answer: Iterable[Mapping[str, Any]]) -> Sequence[Any]:
        read = self._read_entry
        return list(answer) if read is None else [read(entry) for entry in answer]


_BEST_FIRST: Final = (Outcome.MET, Outcome.UNKNOWN, Outcome.NOT_CHECKED)


def best(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of alternatives: met if any is met, else unknown if any may be, else not checked
    if any is not."""
    seen = set()
    for outcome in outcomes:
        if outcome is Outcome.MET:
            return outcome
        seen.add(outcome)
    return next((outcome for outcome in _BEST_FIRST if outcome in seen), Outcome.FAILED)


def worst_part(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of parts that all have to be met."""
    seen = set(outcomes)
    if Outcome.FAILED in seen:
        return Outcome.FAILED
    return Outcome.UNKNOWN if Outcome.UNKNOWN in seen else Outcome.MET


AT_LEAST: Final = AtLeast()
AT_MOST: Final = AtMost()
IS_TRUE: Final = IsTrue()
ONE_OF: Final = AnyOf()
