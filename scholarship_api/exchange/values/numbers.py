"""Numbers as people write them: with separators of any country, suffixes, or in English words."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from scholarship_api.exchange.values.reading import UnreadableValueError, folded

NUMBER: Final = r"\d(?:[\d.,'\u2019\u00a0\u202f ]*\d)?"
"""A number with separators; `parse_number` decides which of them is the decimal one."""

_GROUPED: Final = re.compile(r"\d{1,3}(?:([.,'\u2019 ])\d{3})(?:\1\d{3})*")
_INDIAN: Final = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")
_SPACES: Final = re.compile("[\u00a0\u202f]")
_MAX_DIGITS: Final = 15

_UNITS: Final = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
        " fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS: Final = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
NUMBER_WORDS: Final = frozenset({*_UNITS, *_TENS, *_SCALES})


def parse_number(text: str) -> Decimal:
    """Read `5,000`, `5.000,00`, `1 500`, `1'500.50`, `1,00,000` and `2.5`.

    A single separator before exactly three digits separates thousands, because amounts have two
    decimals. Raises UnreadableValueError.
    """
    digits = _SPACES.sub(" ", text).strip()
    if len(digits) > 2 * _MAX_DIGITS:
        raise UnreadableValueError("the number is too long")
    last = max(digits.rfind("."), digits.rfind(","))
    whole, fraction = digits, ""
    if last >= 0:
        tail = digits[last + 1 :]
        separator = digits[last]
        is_decimal = digits.count(separator) == 1 and (
            len(tail) != 3 or any(other in digits[:last] for other in ".,") or digits[:last] == "0"  # noqa: PLR2004
        )
        if is_decimal:
            whole, fraction = digits[:last], tail
    if not (whole.isdigit() or _GROUPED.fullmatch(whole) or _INDIAN.fullmatch(whole)):
        raise UnreadableValueError("the number has separators in unusual places")
    try:
        return Decimal(re.sub(r"\D", "", whole) + (f".{fraction}" if fraction else ""))
    except InvalidOperation:
        raise UnreadableValueError("the number cannot be read") from None


def parse_words(text: str) -> int | None:
    """Read `five thousand`, `twenty-five hundred` and `one thousand two hundred`; None if it has
    other words."""
    total = current = 0
    words = [word for word in re.split(r"[\s-]+", folded(text)) if word != "and"]
    if not words:
        return None
    for word in words:
        if word in ("a", "an"):
            current += 1
        elif word in _UNITS:
            current += _UNITS[word]
        elif word in _TENS:
            current += _TENS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total, current = total + (current or 1) * _SCALES[word], 0
        else:
            return None
    return total + current


def count(text: str) -> int:
    """Read a small whole number such as `2`, `two`, `2.0` or `Two (2)`. Raises
    UnreadableValueError."""
    plain = folded(text)
    found = re.fullmatch(r"(?P<word>[a-z -]+?) ?\((?P<digits>\d+)\)", plain)
    if found:
        plain = found["digits"]
    in_words = parse_words(plain)
    if in_words is not None and not plain[:1].isdigit():
        return in_words
    if re.fullmatch(r"\d+(?:[.,]0+)?", plain):
        return int(re.split(r"[.,]", plain)[0][:_MAX_DIGITS])
    return int(parse_number(plain)) if re.fullmatch(NUMBER, plain) else _not_a_number()


def _not_a_number() -> int:
    raise UnreadableValueError("is not a whole number")
