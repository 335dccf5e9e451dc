"""Yes and no, codes of the service, and counts, as people write them."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from scholarship_api.exchange.values.numbers import count
from scholarship_api.exchange.values.reading import (
    NO_LIMIT,
    Reading,
    UnreadableValueError,
    folded,
    says_nothing,
)
from scholarship_api.vocabulary import scholarship_type

Normaliser = Callable[[str], Reading]

_YES: Final = frozenset(
    {
        *(
            "yes",
            "y",
            "true",
            "t",
            "1",
            "1.0",
            "x",
            "✓",
            "✔",
            "☑",
            "✅",
            "on",
            "checked",
            "si",
            "sí",
        ),
        *(
            "verdadero",
            "vrai",
            "wahr",
            "vero",
            "verdadeiro",
        ),  # TRUE of spreadsheets in other languages
        *("ja", "oui", "required", "is required", "yes - required", "mandatory", "must"),
    }
)
_NO: Final = frozenset(
    {
        *("no", "n", "false", "f", "0", "0.0", "✗", "✘", "☐", "❌", "off", "none", "nein", "non"),
        *("falso", "faux", "falsch"),
        *("not required", "no - not required", "optional", "not applicable", "never"),
    }
)


def yes_or_no(text: str) -> bool:
    """Raises UnreadableValueError."""
    plain = folded(text).strip(" .")
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise UnreadableValueError("is neither yes nor no")


def flag(field: str) -> Normaliser:
    def read(text: str) -> Reading:
        note = "optional is taken for no" if folded(text).startswith("optional") else ""
        return Reading({field: yes_or_no(text)}, note=note)

    return read


def renewable(text: str) -> Reading:
    """`One-time` and `renewable for 4 years` are answers as well."""
    plain = folded(text).strip(" .")
    years = re.search(r"(?:up to )?(\d{1,2}|two|three|four|five|six)[- ]?(?:year|yr)", plain)
    if re.fullmatch(
        r"(?:no, )?(?:one[- ]?time(?: only| award)?|non-?renewable|not renewable)", plain
    ):
        return Reading({"renewable": False, "coverage.renewal": "one_time"})
    if years and re.search(r"renew|^up to|^\S+[- ](?:year|yr)s?$", plain):
        is_whole = re.fullmatch(
            r"(?:yes,? ?)?(?:renewable)?(?: for)? ?(?:up to )?\S+[- ]?(?:years?|yrs?)", plain
        )
        return Reading(
            {
                "renewable": True,
                "coverage.renewal": "renewable",
                "coverage.years": count(years[1]),
                **({} if is_whole else {"coverage.renewal_rule": text.strip()[:500]}),
            }
        )
    if re.fullmatch(
        r"(?:yes,? ?)?\(?(?:renewable|renewed)(?: annually| yearly| each year)?\)?", plain
    ):
        return Reading({"renewable": True})
    return Reading({"renewable": yes_or_no(text)})


def letters(text: str) -> Reading:
    """How many letters of recommendation: `2`, `two letters`, `yes`, `none`."""
    plain = re.sub(
        r"\b(?:letters?|references?|recommendations?|recs?|lors?|of|required|needed|minimum)\b",
        " ",
        folded(text),
    )
    plain = " ".join(plain.split())
    if plain in _NO or plain in NO_LIMIT:
        return Reading({"recommendation_letters": 0})
    if plain in ("yes", "y", "true", "x", "✓", ""):
        return Reading({"recommendation_letters": 1}, note="yes is taken for one letter")
    return Reading({"recommendation_letters": count(plain)})


def essay(text: str) -> Reading:
    """Yes or no, or the task itself, as in `500 words on leadership`."""
    try:
        return Reading({"essay_required": yes_or_no(text)})
    except UnreadableValueError:
        task = text.strip()
    plain = folded(task)
    words = re.search(r"(\d{2,5})(?:\s?-\s?(\d{2,5}))?[ -]?words?", plain)
    if "essay" not in plain and not words:
        raise UnreadableValueError("is neither yes nor no, nor an essay")
    requirement: dict[str, object] = {"kind": "essay"}
    if words and words[2]:
        requirement |= {"min_words": int(words[1]), "max_words": int(words[2])}
    elif words:
        is_least = re.search(r"\b(?:at least|min(?:imum)?)\b", plain)
        requirement["min_words" if is_least else "max_words"] = int(words[1])
    return Reading({"requirements": [{**requirement, "prompt": task[:2_000]}]})


_AROUND_COUNT: Final = re.compile(
    r"\b(?:up to|max(?:imum)?(?: of)?|approximately|approx\.?|about|awards?|per year|scholarships?"
    r"|recipients?|students?|winners?|annually|each year|available)\b|~"
)


def awards(text: str) -> Reading:
    """How many awards are given: `2`, `up to 5`, `5 awards`, `varies`."""
    plain = folded(text)
    if re.fullmatch(
        r"var(?:y|ies|ied|ious|iable).*|multiple|several|unlimited|many|unknown|tb[ad]", plain
    ):
        return Reading(words=text.strip())
    plain = _AROUND_COUNT.sub(" ", plain)
    return Reading({"max_awards": count(" ".join(plain.split()))})


_AROUND_NUMBER: Final = re.compile(
    r"\b(?:at least|min(?:imum)?|max(?:imum)?|years?|old|yrs?|up to|of|age|and|older|younger|over"
    r"|under|credits?|hours?|or|more)\b|\+|^[<>\u2264\u2265]=?"
)


def whole_number(field: str) -> Normaliser:
    def read(text: str) -> Reading:
        plain = folded(text).strip(" .")
        if plain in NO_LIMIT:
            return Reading()
        plain = _AROUND_NUMBER.sub(" ", plain)
        return Reading({field: count(" ".join(plain.split()))})

    return read


def code(field: str, aliases: Mapping[str, str]) -> Normaliser:
    """One of a few codes, in any case; `aliases` has other words for them."""

    def read(text: str) -> Reading:
        plain = folded(text).strip(" .").replace("-", " ").replace("_", " ")
        found = aliases.get(plain)
        if found is None:
            raise UnreadableValueError("is not known")
        return Reading({field: found})

    return read


DEADLINE_KINDS: Final = {
    "fixed": "fixed", "rolling": "rolling", "unknown": "unknown", "ongoing": "rolling",
    "tba": "unknown", "tbd": "unknown",
}  # fmt: skip
RECURRENCES: Final = {
    "yearly": "yearly", "annual": "yearly", "annually": "yearly", "every year": "yearly",
    "yes": "yearly", "none": "none", "no": "none", "once": "none", "one time": "none",
}  # fmt: skip
STATUSES: Final = {
    "draft": "draft", "published": "published", "archived": "archived", "active": "published",
    "live": "published", "open": "published", "public": "published", "inactive": "archived",
    "closed": "archived", "discontinued": "archived", "expired": "archived", "pending": "draft",
    "unpublished": "draft", "hidden": "draft",
}  # fmt: skip

_TYPES: Final = {
    "merit": "merit_based", "merit only": "merit_based", "need": "need_based",
    "financial need": "need_based", "needs based": "need_based", "need only": "need_based",
    "athletics": "athletic", "sports": "athletic", "sport": "athletic", "diversity": "minority",
    "minorities": "minority", "underrepresented": "minority", "academic": "academic_achievement",
    "academics": "academic_achievement", "service": "community_service",
    "mérito": "merit_based", "mérito académico": "merit_based", "necesidad": "need_based",
    "necesidad económica": "need_based", "deportiva": "athletic", "excelencia": "merit_based",
    "excelencia académica": "academic_achievement",
    "volunteer": "community_service", "volunteering": "community_service",
    "community": "community_service",
}  # fmt: skip


def award_type(text: str) -> Reading:
    """The type, also as `Merit`, `Need-Based Scholarship` or `Sports`."""
    if says_nothing(text):
        return Reading()
    plain = folded(text).strip(" .").replace("-", " ")
    plain = re.sub(r"\s*\b(?:scholarships?|awards?|grants?|aid)\b\s*", " ", plain).strip()
    if plain in _TYPES:
        return Reading({"scholarship_type": _TYPES[plain]})
    try:
        return Reading({"scholarship_type": scholarship_type(plain).value})
    except ValueError:
        pass
    parts = [part for part in re.split(r"\s*(?:[;,/&+]|\band\b)\s*", plain) if part]
    types = [known for part in parts if (known := _TYPES.get(part) or _known_type(part))]
    if len(parts) > 1 and len(types) == len(parts):
        return Reading(
            {"scholarship_type": types[0]}, words=text.strip(), note="the first type counts"
        )
    raise UnreadableValueError("is not a known type")


def _known_type(text: str) -> str | None:
    try:
        return scholarship_type(text).value
    except ValueError:
        return None


_TYPE_WORDS: Final = (
    ("need_based", r"\bfinancial(?:ly)? need|\bneed[- ]based|\blow[- ]income|\bpell\b|\bhardship"),
    ("athletic", r"\bathlet|\bvarsity\b|\bsports?\b"),
    ("minority", r"\bminorit|\bunder-?represented|\bafrican[- ]american|\bhispanic|\blatin[oax]"),
    ("community_service", r"\bcommunity service|\bvolunteer|\bservice hours"),
    ("academic_achievement", r"\bvaledictorian|\bacademic (?:achievement|excellence)|\bhonor roll"),
)


def type_in_words(text: str) -> str | None:
    """The type that the words of an award name; None if they name none or several."""
    plain = folded(text)
    found = [name for name, pattern in _TYPE_WORDS if re.search(pattern, plain)]
    return found[0] if len(found) == 1 else None
