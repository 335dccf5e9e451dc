"""Criteria as people read them, for formats that have no codes of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scholarship_api.catalogue.criteria_set import requires
from scholarship_api.catalogue.read_model.criteria import CRITERIA
from scholarship_api.catalogue.read_model.wording import in_words

_VOCABULARIES: Final = {
    alternative.field: alternative.vocabulary
    for criterion in CRITERIA
    for alternative in criterion.alternatives
}
_ABBREVIATIONS: Final = {"gpa": "GPA", "sai": "SAI", "cip": "CIP", "lgbtq": "LGBTQ", "zips": "ZIPs"}


def in_sentence(criteria: Mapping[str, Any]) -> str:
    """`Min GPA: 3; residency states: NY, NJ; first generation.`; empty without criteria."""
    parts = [_part(name, value) for name, value in criteria.items() if requires(value)]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def in_sentences(sets: Sequence[Mapping[str, Any]]) -> str:
    """All sets of criteria in words; empty when they require nothing."""
    if len(sets) == 1:
        return in_sentence(sets[0])
    described = [in_sentence(each) or "No criteria." for each in sets]
    return " ".join(f"Alternative {at}: {text}" for at, text in enumerate(described, start=1))


def _part(name: str, value: Any) -> str:  # noqa: ANN401 - the value of any criterion
    title = " ".join(_ABBREVIATIONS.get(word, word) for word in name.split("_"))
    if value is True:
        return title
    return f"{title}: {in_words(value, _VOCABULARIES.get(name))}"
