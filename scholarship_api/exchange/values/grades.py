"""Grade point averages as people write them: `3.0+`, `3.5/4.0`, `85%`, `B average`."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from scholarship_api.catalogue.read_model.gpa_scales import PERCENT, SCALES, on_four
from scholarship_api.exchange.values.reading import (
    NO_LIMIT,
    Reading,
    UnreadableValueError,
    folded,
)
from scholarship_api.exchange.values.words import Normaliser

_NUMBER: Final = r"\d{1,3}(?:[.,]\d{1,3})?"
_WITH_SCALE: Final = re.compile(
    rf"(?P<average>{_NUMBER})\s?(?:/|out of|of|on (?:a|an|the))\s?(?P<scale>{_NUMBER})"
    r"(?:\s?-?\s?(?:point )?scale)?"
)
_RANGE: Final = re.compile(rf"(?P<low>{_NUMBER})\s?(?:-|to)\s?(?P<high>{_NUMBER})")
_WORDS: Final = re.compile(
    r"\b(?:min(?:imum)?|at least|gpa|cumulative|cum|overall|unweighted|average|avg|or (?:higher"
    r"|above|better|greater|more)|and (?:above|up|higher)|required|of|a|an|grade point|high school"
    r"|college|must have|above|over|points?)\b\.?|[>≥]=?|\+|[:.]$"
)
_LETTERS: Final = {
    "a": "4", "a-": "3.7", "b+": "3.3", "b": "3", "b-": "2.7", "c+": "2.3", "c": "2", "c-": "1.7",
    "d+": "1.3", "d": "1",
}  # fmt: skip
_HIGHEST: Final = 4
_HIGHEST_PERCENT: Final = 100
_LOWEST_PERCENT: Final = 40


def grade_average(field: str) -> Normaliser:
    """An average on the scale of 4.0; one of another scale is converted, and its text kept."""

    def read(text: str) -> Reading:
        plain = folded(text).strip()
        if plain.strip(" .") in NO_LIMIT:
            return Reading()
        if found := re.fullmatch(
            r"(?:an? )?([a-d][+-]?)(?: (?:average|avg|or (?:better|higher|above)))*", plain
        ):
            return (
                _converted(field, Decimal(_LETTERS[found[1]]), text)
                if found[1] in _LETTERS
                else _no()
            )
        percent = re.search(rf"({_NUMBER})\s?(?:%|percent)", plain)
        if percent:
            return _on_scale(field, percent[1], PERCENT, text)
        if found := _WITH_SCALE.search(plain):
            return _on_scale(field, found["average"], found["scale"], text)
        rest = " ".join(_WORDS.sub(" ", plain).split())
        if (found := _RANGE.fullmatch(rest)) and field.endswith("min_gpa"):
            low, high = _decimal(found["low"]), _decimal(found["high"])
            if low <= high <= _HIGHEST:
                return Reading({field: low, field.replace("min_", "max_"): high})
        if not re.fullmatch(_NUMBER, rest):
            raise UnreadableValueError("is not a grade point average")
        average = _decimal(rest)
        if average > _HIGHEST:
            raise UnreadableValueError("is above 4.0 and names no scale")
        return Reading({field: average})

    return read


def _no() -> Reading:
    raise UnreadableValueError("is not a grade point average")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise UnreadableValueError("is not a grade point average") from None


def _on_scale(field: str, average: str, scale: str, text: str) -> Reading:
    value, highest = _decimal(average), _decimal(scale)
    known = next((each for each in SCALES if Decimal(each) == highest), None)
    if known is None:
        raise UnreadableValueError(f"has a scale that is none of {', '.join(SCALES)}")
    if value > highest:
        raise UnreadableValueError("is above its scale")
    if known == "4":
        return Reading({field: value})
    return _converted(field, on_four(value, known), text)


def _converted(field: str, value: Decimal, text: str) -> Reading:
    return Reading({field: value}, words=text.strip(), note=f"is converted to {value} of 4.0")
