"""Tokens under which a saved search is found by a changed award.

A token is a word, the beginning of a word, or a value of a filter. A search keeps a set of them of
which each of its results has at least one: the rarest set that the search requires. So an award
looks up only the searches that share a token with it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.text import required_lexemes
from scholarship_api.search.text.required_lexemes import BEGINNING, Required
from scholarship_api.vocabulary import STATES, FieldOfStudy, GradeLevel

EVERY_AWARD: Final = "*"
"""The token of searches that require nothing that is indexed. Every award has it."""

WORD_PREFIX: Final = "w:"
BEGINNING_PREFIX: Final = "b:"

_CRITERIA: Final[Mapping[str, Sequence[str]]] = {
    "states": sorted(STATES),
    "fields_of_study": [field.value for field in FieldOfStudy],
    "grade_level": [level.value for level in GradeLevel],
}
"""Filters by criteria, which also keep awards that are open to all, with their values. One filter
of each criterion: filters of the same criterion are alternatives to each other."""

_ATTRIBUTES: Final = (
    "scholarship_types",
    "renewable",
    "essay_required",
    "coverage",
    "requirement_kinds",
)
"""Filters by fields of the award itself, which keep awards that have one of the values."""


def word_token(required: Required) -> str:
    kind, letters = required
    return (BEGINNING_PREFIX if kind == BEGINNING else WORD_PREFIX) + letters


def filter_tokens_of_search(request: SearchRequest) -> list[frozenset[str]]:
    """For each indexed filter of a search, the tokens of which each result has one."""
    names = [*_CRITERIA, *_ATTRIBUTES]
    # A country is an alternative to a state, and phrases of q may become filters.
    if request.countries or (request.q and request.interpret):
        names.remove("states")
    found = []
    for name in names:
        value = getattr(request, name)
        values = value if isinstance(value, list) else [value]
        tokens = frozenset(_token(name, each) for each in values if each is not None)
        if tokens:
            found.append(tokens)
    return found


def choose(
    words: required_lexemes.Node,
    filters: Iterable[frozenset[str]],
    *,
    awards_with: Callable[[str], float],
) -> list[str]:
    """The set of tokens that the fewest awards have, by the number of awards of each token."""
    options = [(sum(map(awards_with, tokens)), tokens) for tokens in filters]
    rarest = required_lexemes.rarest(words, lambda required: awards_with(word_token(required)))
    if rarest is not None:
        cost, lexemes = rarest
        options.append((cost, frozenset(map(word_token, lexemes))))
    if not options:
        return [EVERY_AWARD]
    return sorted(min(options, key=lambda option: (option[0], sorted(option[1])))[1])


def awards_by_filter(model: ReadModel) -> dict[str, int]:
    """How many awards have each token of a filter."""
    return {token: len(awards) for token, awards in _awards_by_token(model)}


def filter_tokens_of_awards(model: ReadModel) -> dict[str, list[str]]:
    """The tokens of filters that each award has, by its id."""
    found: dict[str, list[str]] = defaultdict(list)
    for token, awards in _awards_by_token(model):
        for award_id in model.ordinals.ids_of(awards):
            found[award_id].append(token)
    return found


def _awards_by_token(model: ReadModel) -> Iterator[tuple[str, BitMap]]:
    for name, values in _CRITERIA.items():
        for value in values:
            yield _token(name, value), model.keep({name: [value]})
    for attribute in model.attributes:
        if attribute.filter in _ATTRIBUTES:
            for value, awards in model.by_attribute[attribute.name].items():
                yield _token(attribute.filter, value), awards


def _token(name: str, value: object) -> str:
    return f"{name}:{value}"
