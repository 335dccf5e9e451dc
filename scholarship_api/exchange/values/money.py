"""Money as people write it: `$5,000`, `up to 5k`, `1,000-2,500 EUR`, `full tuition`, `varies`."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from scholarship_api.catalogue.currencies import CURRENCIES
from scholarship_api.exchange.values.numbers import (
    NUMBER,
    NUMBER_WORDS,
    count,
    parse_number,
    parse_words,
)
from scholarship_api.exchange.values.reading import (
    Reading,
    UnreadableValueError,
    folded,
)

MAX_TEXT: Final = 500
"""Characters of `coverage.text`."""

_SIGNS: Final = {
    "us$": "USD", "usd$": "USD", "ca$": "CAD", "c$": "CAD", "cad$": "CAD", "a$": "AUD",
    "au$": "AUD", "aud$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD",
    "mx$": "MXN", "r$": "BRL", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR",
    "₩": "KRW", "₱": "PHP", "₦": "NGN", "₪": "ILS", "₫": "VND", "₺": "TRY", "zł": "PLN",
    "kč": "CZK", "rs.": "INR", "rs": "INR", "rm": "MYR",
}  # fmt: skip
_NAMES: Final = {
    "us dollars": "USD", "u.s. dollars": "USD", "american dollars": "USD", "dollars": "USD",
    "dollar": "USD", "bucks": "USD", "canadian dollars": "CAD", "australian dollars": "AUD",
    "euros": "EUR", "euro": "EUR", "pounds sterling": "GBP", "pounds": "GBP", "rupees": "INR",
    "swiss francs": "CHF", "yen": "JPY", "dólares": "USD", "dolares": "USD",
}  # fmt: skip
_SHARED: Final = re.compile(
    r"\b(?:kr|kronor|kroner|krona|fr|francs?|sfr|pesos?|rand)\b|[\u20a0-\u20bf¤]"
)
"""Currencies that several countries have, and signs of currencies that are not in the table."""

_ASSUMED: Final = frozenset(
    {"$", "¥", "dollars", "dollar", "bucks", "pounds", "rupees", "dólares", "dolares"}
)
"""Signs and names that several countries use."""

_CURRENCY: Final = "|".join(
    re.escape(sign) for sign in sorted([*_SIGNS, *_NAMES], key=len, reverse=True)
)
_CODE: Final = "|".join(code.lower() for code in sorted(CURRENCIES))
_NUMBER_WORD: Final = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_IN_WORDS: Final = rf"(?:(?:a|an|{_NUMBER_WORD})\b[ -]?(?:and )?)*(?:{_NUMBER_WORD})\b"
_SUFFIX: Final = {
    "k": 1_000, "thousand": 1_000, "grand": 1_000, "m": 1_000_000, "mm": 1_000_000,
    "mil": 1_000_000, "million": 1_000_000, "": 1,
}  # fmt: skip
_AMOUNT: Final = re.compile(
    rf"(?P<minus>-\s?)?(?:(?P<sign>{_CURRENCY})|(?P<code>(?:{_CODE})\b))?\s?(?P<minus2>-)?"
    rf"(?:(?P<number>{NUMBER})(?:\s?(?P<suffix>mm|mil|million|thousand|grand|k|m)\b)?"
    rf"|\b(?P<words>{_IN_WORDS}))"
    rf"(?:\.-|,-)?(?P<percent>\s?(?:%|percent|per cent|pct))?"
    rf"(?:\s?(?:(?P<sign2>{_CURRENCY})|(?P<code2>(?:{_CODE})\b)))?"
)

_VARIES: Final = re.compile(
    r".*\b(?:var(?:y|ies|ying|iable|ied)|various)\b[^\d$€£]*|tb[ad]|to be "
    r"(?:announced|determined)|unknown|multiple"
    r"|negotiable|depends?\b.*|based on need|unspecified|not specified|see (?:web ?site|details)"
    r"|differs|var[ií]an?\b[^\d$€£]*|seg[uú]n\b.*|por (?:definir|determinar|confirmar|anunciar)"
)
_FULL_COST: Final = re.compile(r"full[- ](?:ride|cost|cost of attendance|scholarship|funding)")
_FULL_TUITION: Final = re.compile(
    r"(?:full|all|complete|100 ?%)(?: of)?(?: in-state| resident)?[- ]tuition|tuition[- ]free"
    r"|full(?: in-state)? fee waiver|cost of tuition|(?:matr[ií]cula|colegiatura) completa"
)
_HALF_TUITION: Final = re.compile(r"half[- ]?(?:of )?(?:the )?(?:price )?tuition")
_PERCENT: Final = re.compile(
    r"(?P<percent>\d{1,3}(?:\.\d+)?) ?(?:%|percent)(?: (?:off|of|reduction|discount|waiver|in|on))*"
    r"(?: (?:the|all|your))?(?P<of>.*)"
)
_EACH: Final = r"(?:/|per |each |every |an? )\s?"
_PER: Final = (
    (
        re.compile(
            rf"{_EACH}(?:academic |school |calendar )?(?:year|yr)\b|annual(?:ly)?|yearly|p\.?a\.?$"
            r"|(?:por|al|cada) a[nñ]o\b|anual(?:es)?\b"
        ),
        "year",
    ),
    (
        re.compile(
            rf"{_EACH}(?:semester|sem|term|quarter|trimester)\b"
            r"|(?:por|al|cada) semestre\b|semestral(?:es)?\b"
        ),
        "term",
    ),
    (re.compile(rf"{_EACH}(?:month|mo)\b|monthly|(?:por|al|cada) mes\b|mensual(?:es)?\b"), "month"),
    (
        re.compile(r"one[- ]?time(?: only)?|once|single payment|non-?renewable|not renewable"),
        "once",
    ),
)
_YEARS: Final = re.compile(
    r"(?:for|over|x|up to|renewable(?: for)?(?: up to)?)?\s?(?:up to )?"
    r"(?P<years>\d{1,2}|one|two|three|four|five|six)[- ](?:additional )?(?:year|yr)s?\b"
)
_RENEWABLE: Final = re.compile(r"\brenew(?:able|ed|s)?(?: annually| yearly)?\b")
_COUNT: Final = re.compile(
    r"^(?P<before>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten)\s?(?:x|@|\u00d7"
    r"|awards? of|scholarships? of|becas de|awards? at|at)\s(?=\D{0,4}\d)"
    r"|(?:\(|,|;|\b)\s?(?<![$€£\d.,] )(?<![$€£\d.,])"
    r"(?P<after>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten)"
    r"\s(?:awards|scholarships|recipients|winners|students|award|recipient|winner|student)\b"
    r"(?: available| annually)?\)?"
    r"|^(?P<adjective>one|two|three|four|five|six|seven|eight|nine|ten)\s(?=[$€£])"
)
_FILLER: Final = re.compile(
    r"[\s,;:.()\[\]/*~+&-]|\b(?:of|the|in|and|to|award(?:s|ed)?|scholarships?|grants?|amount"
    r"|prize|each|value|valued|at|worth|about|approx(?:imately)?|approximate|ca|per|student"
    r"|recipient|total|cash|is|are|a|an|for|available)\b"
)
_UP_TO: Final = re.compile(
    r"\b(?:up to|upto|max(?:imum)?(?: of| award of| award)?|not (?:to )?exceed(?:ing)?|no more than"
    r"|at most|under|below|less than|as much as|hasta|m[aá]ximo(?: de)?"
    r"|jusqu'[aà]|bis zu|at[eé])\b[:.]?|[<≤]=?|\bmax(?:imum)?\.?$"
)
_FROM: Final = re.compile(
    r"\b(?:from|starting (?:at|from)|starts at|at least|min(?:imum)?(?: of)?|no less than|over"
    r"|desde|a partir de|m[ií]nimo(?: de)?"
    r"|more than|above|and up|or more|and above|upwards? of|begins at)\b[:.]?|[>≥]=?"
    r"|(?<=[\dk])\s?\+"
)
_BETWEEN: Final = re.compile(
    r"\s?(?:-|to|through|thru|and|or|until|hasta|y|a|/|,|;|&|\.\.\.?)+\s?(?:a |an )?"
)
_COMPONENTS: Final = (
    ("tuition", r"\btuition\b"), ("fees", r"\bfees?\b"), ("housing", r"\b(?:housing|room|rent)\b"),
    ("food", r"\b(?:food|board|meals?)\b"), ("books", r"\b(?:books?|textbooks?|supplies)\b"),
    ("travel", r"\b(?:travel|airfare|flights?)\b"), ("stipend", r"\bstipend\b"),
    ("health", r"\bhealth insurance\b"),
)  # fmt: skip
_IN_KIND: Final = re.compile(
    r"\b(?:laptop|computer|tablet|mentoring|mentorship|internship|equipment|vouchers?|certificate"
    r"|plaque|gift cards?)\b"
)


@dataclass(slots=True)
class _Found:
    """The values that a text has given so far; `rest` is the part that has not been read."""

    rest: str
    fields: dict[str, object] = field(default_factory=dict)
    coverage: dict[str, object] = field(default_factory=dict)
    note: str = ""

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self.rest)
        if found:
            self.rest = f"{self.rest[: found.start()]} {self.rest[found.end() :]}"
        return found


_BETWEEN_AND: Final = re.compile(
    r"\b(?:between|entre)\b((?:(?! and | y ).)*) (?:and|y) (?!.* (?:and|y) )"
)
"""The bounds of a range. In `between five hundred and one thousand`, `and` belongs to no number."""


def money(text: str) -> Reading:
    """Read an amount, a range or words as amount_min, amount_max, currency, max_awards, coverage.

    A dollar sign alone is taken for US dollars, and said so. Raises UnreadableValueError.
    """
    plain = _BETWEEN_AND.sub(r"between\1 to ", folded(text))
    found = _Found(plain)
    if _VARIES.fullmatch(plain.strip(" .*()")):
        found.coverage = {"kind": "varies", "text": text.strip()[:MAX_TEXT]}
        return _reading(found, text)
    if re.fullmatch(r"\(\s?[^()]*\d[^()]*\)", plain) and not re.search(r"[a-z]", plain):
        raise UnreadableValueError("must not be negative")
    _take_count(found)
    _take_terms(found)
    _take_whole(found, plain)
    if not found.coverage.get("kind"):
        _take_amounts(found)
    return _reading(found, text)


def _take_count(found: _Found) -> None:
    match = found.take(_COUNT)
    if match:
        number = match["before"] or match["after"] or match["adjective"]
        found.fields["max_awards"] = count(number)


def _take_terms(found: _Found) -> None:
    for pattern, per in _PER:
        if found.take(pattern):
            found.coverage["per"] = per
            if per == "once":
                found.coverage["renewal"] = "one_time"
            break
    years = found.take(_YEARS)
    if years:
        found.coverage["years"] = count(years["years"])
        found.coverage["renewal"] = "multi_year"
    if found.take(_RENEWABLE):
        found.coverage["renewal"] = "renewable"
        found.fields["renewable"] = True


def _take_whole(found: _Found, plain: str) -> None:
    """Words that stand for a whole: full tuition, full cost, a percentage."""
    components = [name for name, pattern in _COMPONENTS if re.search(pattern, plain)]
    tuition = _FULL_TUITION.search(plain)
    if _FULL_COST.search(plain):
        found.coverage["kind"] = "full_cost"
    elif tuition and _UP_TO.search(plain[: tuition.start()]):
        found.coverage["kind"] = "varies"
    elif tuition or plain in ("tuition", "tuition waiver"):
        found.coverage["kind"] = "full_tuition"
    elif _HALF_TUITION.search(plain):
        found.coverage |= {"kind": "percent", "percent": 50}
        components = components or ["tuition"]
    elif percent := _PERCENT.search(plain):
        if components or percent.start() == 0:
            _take_percent(found, plain, percent)
    elif not any(character.isdigit() for character in plain) and not _mentions_number(plain):
        _take_goods(found, plain, components)
    if found.coverage.get("kind") and components:
        found.coverage["components"] = components


def _take_percent(found: _Found, plain: str, percent: re.Match[str]) -> None:
    share = float(percent["percent"])
    if not 0 < share <= 100:  # noqa: PLR2004
        raise UnreadableValueError("must be a percentage of at most 100")
    if _UP_TO.search(plain[: percent.start()]):
        found.note = "the percentage is the highest one"
    found.coverage |= {"kind": "percent", "percent": int(share) if share.is_integer() else share}


def _take_goods(found: _Found, plain: str, components: list[str]) -> None:
    """Words without an amount: a stipend, a laptop, costs that are paid."""
    if re.search(r"\bstipend\b", plain):
        found.coverage["kind"] = "stipend"
    elif _IN_KIND.search(plain):
        found.coverage["kind"] = "in_kind"
    elif components:
        found.coverage["kind"] = "varies"


def _mentions_number(plain: str) -> bool:
    return any(parse_words(word) is not None for word in re.split(r"[\s-]+", plain) if word != "a")


def _take_amounts(found: _Found) -> None:
    matches = [match for match in _AMOUNT.finditer(found.rest) if not match["percent"]]
    marked = [match for match in matches if _currency_of(match) or match["suffix"]]
    if marked and len(marked) < len(matches):
        # In `$500 for 2 students` only the number with a sign is money; in `1,000-2,500 EUR` both.
        matches = [m for m in matches if m in marked or _touches(found.rest, m, marked)]
    if not matches:
        raise UnreadableValueError("has no amount that can be read")
    if any(match["minus"] and not _is_hyphen(found.rest, match) for match in matches) or any(
        match["minus2"] for match in matches
    ):
        raise UnreadableValueError("must not be negative")
    amounts = _amounts(matches)
    _refuse_unclear(found, matches)
    first, last = matches[0], matches[-1]
    around = found.rest[: first.start()] + "\0" + found.rest[last.end() :]
    low, high = min(amounts), max(amounts)
    if len(set(amounts)) == 1:
        up_to, at_least = _UP_TO.search(around), _FROM.search(found.rest)
        if up_to:
            low_value, high_value = None, high
        elif at_least:
            low_value, high_value = low, None
        else:
            low_value = high_value = low
        around = _FROM.sub(" ", _UP_TO.sub(" ", around))
    else:
        low_value, high_value = low, high
        between = found.rest[first.end() : _start(last)]
        if len(amounts) > 2 or not _BETWEEN.fullmatch(between):  # noqa: PLR2004
            around += between
        around = re.sub(r"\b(?:between|from|range|ranges|ranging)\b", " ", around)
    if low_value is not None:
        found.fields["amount_min"] = _plain(low_value)
    if high_value is not None:
        found.fields["amount_max"] = _plain(high_value)
    _set_currency(found, matches)
    found.rest = around.replace("\0", " ")


def _refuse_unclear(found: _Found, matches: list[re.Match[str]]) -> None:
    text = found.rest
    for match in matches:
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        if (match[0][0].isdigit() and before.isalpha()) or after.isalpha():
            raise UnreadableValueError("has a number that is part of a word")
    if not any(_currency_of(match) for match in matches) and _SHARED.search(text):
        raise UnreadableValueError("names a currency that is not clear")
    are_joined = all(
        _BETWEEN.fullmatch(text[one.end() : _start(other)]) for one, other in pairwise(matches)
    )
    if not are_joined and (found.coverage.get("per") or re.search(r"\btotal\b", text)):
        raise UnreadableValueError("has several amounts that do not count alike")


def _start(match: re.Match[str]) -> int:
    """Where an amount begins, without a hyphen before it."""
    return match.end("minus") if match["minus"] else match.start()


def _touches(text: str, match: re.Match[str], marked: list[re.Match[str]]) -> bool:
    """Whether a number without a currency is the other end of a range with one."""
    return any(
        _BETWEEN.fullmatch(text[min(match.end(), other.end()) : max(_start(match), _start(other))])
        for other in marked
    )


def _is_hyphen(text: str, match: re.Match[str]) -> bool:
    """Whether the minus sign of an amount stands between two amounts."""
    return bool(re.search(r"[\dk%a-z]\s?$", text[: match.start()]))


def _amounts(matches: list[re.Match[str]]) -> list[Decimal]:
    amounts = []
    for at, match in enumerate(matches):
        if match["words"]:
            in_words = parse_words(match["words"])
            value = Decimal(in_words or 0)
        else:
            value = parse_number(match["number"])
        suffix = match["suffix"] or ""
        following = matches[at + 1]["suffix"] if at + 1 < len(matches) else None
        if not suffix and following and value < 1_000:  # noqa: PLR2004 - `1-2k` is 1k-2k
            suffix = following
        amounts.append(value * _SUFFIX[suffix])
    return amounts


def _plain(amount: Decimal) -> Decimal:
    """Without zeros behind the point: 1500.00 is 1500."""
    whole = amount.to_integral_value()
    return whole if whole == amount else amount.normalize()


def _currency_of(match: re.Match[str]) -> str:
    return match["sign"] or match["code"] or match["sign2"] or match["code2"] or ""


def _set_currency(found: _Found, matches: list[re.Match[str]]) -> None:
    names = [name for match in matches if (name := _currency_of(match))]
    codes = [match[group] for match in matches for group in ("code", "code2") if match[group]]
    if codes:  # in `$500 CAD` the code counts
        names = codes
    currencies = {_SIGNS.get(name) or _NAMES.get(name) or name.upper() for name in names}
    if len(currencies) > 1:
        raise UnreadableValueError("names several currencies")
    if currencies:
        [found.fields["currency"]] = currencies
        if not codes and set(names) <= _ASSUMED:
            sign = names[0]
            found.note = f"{sign} is taken for {found.fields['currency']}"


def _reading(found: _Found, text: str) -> Reading:
    fields = found.fields
    coverage = found.coverage
    if coverage and "kind" not in coverage:
        coverage["kind"] = "amount"
    if coverage.get("kind") == "varies":
        is_read = True
        coverage.setdefault("text", text.strip()[:MAX_TEXT])
    else:
        is_read = not _FILLER.sub("", found.rest) or (
            coverage.get("kind") == "full_tuition" and folded(text).strip(" .") == "full tuition"
        )
    if not is_read:
        coverage.setdefault("kind", "amount")
        coverage["text"] = text.strip()[:MAX_TEXT]
    fields.update({f"coverage.{name}": value for name, value in coverage.items()})
    words = text.strip() if len(text.strip()) > MAX_TEXT else ""
    return Reading(fields, words=words, note=found.note)
