"""The rules of interpretation, one row for each way to say a filter.

A row is tried on the query in small letters. The first row that fits a part of the query takes it.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scholarship_api.search.text.capitals import STATE_NAMES
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy

GROUP: Final = "group"
"""Stands for words about a person. They are no filter: awards open to all would stay. The words are
searched for, so that the awards that name the group are found."""

SOON_DAYS: Final = 30
"""The days of "closing soon"."""

_LEAST_AMOUNT: Final = 100
"""A smaller number is no amount of money: an age, a grade or a rank."""


@dataclass(frozen=True, slots=True)
class Effect:
    filters: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    words: str = ""
    """The words to search for in place of the phrase."""


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    filter: str
    effect: Callable[[re.Match[str], dt.date], Effect | None]
    """None if the phrase means something else."""
    hints: tuple[str, ...]
    """Parts of words: the pattern fits only a query with one of them. They are found faster."""
    keeps_words: bool = False
    """Whether the words still rank, because awards say them."""

    def may_fit(self, text: str) -> bool:
        return any(hint in text for hint in self.hints)


def _rule(
    pattern: str,
    name: str,
    value: Any,  # noqa: ANN401
    *,
    hints: str,
    keeps_words: bool = False,
) -> Rule:
    """A rule with a constant, or with a function of the match and the day."""

    def effect(match: re.Match[str], today: dt.date) -> Effect | None:
        result = value(match, today) if callable(value) else value
        if result is None:
            return None
        return Effect(result if isinstance(result, dict) else {name: result})

    return Rule(re.compile(pattern), name, effect, tuple(hints.split()), keeps_words)


def _group(pattern: str, group: str, words: str = "", *, hints: str) -> Rule:
    """A rule for words about a person, which `words` replace if given."""
    return Rule(
        re.compile(pattern),
        GROUP,
        lambda _match, _today: Effect(group=group, words=words),
        tuple(hints.split()),
        keeps_words=not words,
    )


# --- Values --------------------------------------------------------------------------------------


def _amount(match: re.Match[str], _today: dt.date) -> int | None:
    amount = float(match["amount"].replace(",", "")) * (1000 if match["thousands"] else 1)
    return int(amount) if amount >= _LEAST_AMOUNT else None


_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS_BY_ABBREVIATION: Final = {name[:3]: number for name, number in _MONTHS.items()}
_MONTH: Final = (
    rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(_MONTHS_BY_ABBREVIATION)}|sept)\b\.?)"
    r"(?: (?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9]))?\b"
)


def _first_day(match: re.Match[str], today: dt.date) -> dt.date | None:
    """The next day that was named, or the first of the month."""
    month = _MONTHS_BY_ABBREVIATION[match["month"][:3]]
    year = today.year if month >= today.month else today.year + 1
    day = int(match["day"] or 1)
    return dt.date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _last_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _between(first: dt.date, last: dt.date) -> dict[str, dt.date]:
    return {"deadline_after": first, "deadline_before": last}


def _in_month(match: re.Match[str], today: dt.date) -> dict[str, dt.date] | None:
    first = _first_day(match, today)
    if first is None:
        return None
    last = first if match["day"] else _last_of_month(first)
    return _between(max(first, today) if last >= today else first, last)


def _before(match: re.Match[str], today: dt.date) -> dict[str, dt.date] | None:
    first = _first_day(match, today)
    return None if first is None else {"deadline_before": first - dt.timedelta(days=1)}


def _until(match: re.Match[str], today: dt.date) -> dict[str, dt.date] | None:
    first = _first_day(match, today)
    if first is None:
        return None
    return {"deadline_before": first if match["day"] else _last_of_month(first)}


def _after(match: re.Match[str], today: dt.date) -> dict[str, dt.date] | None:
    first = _first_day(match, today)
    if first is None:
        return None
    last = first if match["day"] else _last_of_month(first)
    return {"deadline_after": last + dt.timedelta(days=1)}


def _this_month(_match: re.Match[str], today: dt.date) -> dict[str, dt.date]:
    return _between(today, _last_of_month(today))


def _next_month(_match: re.Match[str], today: dt.date) -> dict[str, dt.date]:
    first = _last_of_month(today) + dt.timedelta(days=1)
    return _between(first, _last_of_month(first))


def _this_week(_match: re.Match[str], today: dt.date) -> dict[str, dt.date]:
    return _between(today, today + dt.timedelta(days=6 - today.weekday()))


def _in_days(first: int, last: int) -> Callable[[re.Match[str], dt.date], dict[str, dt.date]]:
    return lambda _match, today: _between(
        today + dt.timedelta(days=first), today + dt.timedelta(days=last)
    )


_CODES_BY_NAME: Final = {name: code for code, name in STATE_NAMES.items()}
_STATE: Final = (
    rf"(?:the state of )?(?P<state>{'|'.join(sorted(_CODES_BY_NAME, key=len, reverse=True))})"
    r"(?: state\b)?(?! (?:city|university|tech|state|dc|d c))"
)


def _state(match: re.Match[str], _today: dt.date) -> list[str]:
    return [_CODES_BY_NAME[match["state"]]]


_FIELDS: Final = {
    **{name.replace("_", " "): field for name, field in FIELD_ALIASES.items()},
    **{field.replace("_", " "): field for field in FieldOfStudy if field != FieldOfStudy.OTHER},
}
_FIELD: Final = rf"(?P<field>{'|'.join(sorted(_FIELDS, key=len, reverse=True))})"


def _field(match: re.Match[str], _today: dt.date) -> list[str]:
    return [_FIELDS[match["field"]]]


def _gpa(match: re.Match[str], _today: dt.date) -> float | None:
    gpa = float(match["gpa"])
    return gpa if gpa <= 4 else None  # noqa: PLR2004 - the scale of min_gpa


_LOW_GPA: Final = 2.0
_AVERAGE_GPAS: Final = {"b": 3.0, "c": 2.0}
_AVERAGE_GPA: Final = 2.5
"""The grade point average of people who say that they are average students."""


def _gpa_of_average_students(match: re.Match[str], _today: dt.date) -> float:
    letter = match.group().removeprefix("for ").split()[0]
    return _AVERAGE_GPAS.get(letter, _AVERAGE_GPA)


# --- The table -----------------------------------------------------------------------------------

_NO: Final = (
    r"\b(?:(?:that|which) )?(?:with )?(?:no|without(?: an?| any)?|zero"
    r"|(?:don'?t|doesn'?t|do not|does not|not) (?:require|need)(?: an?| any)?)[ -]"
)
_NEEDED: Final = r"(?: (?:required|needed|necessary))?\b"
_NUMBER: Final = r"\$? ?(?P<amount>[0-9][0-9,]*(?:\.[0-9]+)?) ?(?P<thousands>k\b)?"
_DUE: Final = r"\b(?:due|deadlines?|closing|closes|ending|ends)(?: (?:is|are|dates?))?"

RULES: Final = (
    # The contents of an application.
    _rule(rf"{_NO}essays?{_NEEDED}", "essay_required", value=False, hints="essay"),
    _rule(r"\bessay[ -]free\b|\bessayless\b", "essay_required", value=False, hints="essay"),
    _rule(
        rf"{_NO}(?:letters? of rec(?:ommendation)?s?|rec(?:ommendation)?s?(?: letters?)?){_NEEDED}",
        "max_recommendation_letters",
        0,
        hints="rec",
    ),
    _rule(rf"{_NO}(?:application )?fees?\b(?! waiver)", "no_fee", value=True, hints="fee"),
    _rule(r"\bfree to apply\b", "no_fee", value=True, hints="free to"),
    # The money.
    _rule(r"\bfull[ -]rides?\b", "coverage", ["full_cost"], keeps_words=True, hints="ride"),
    _rule(r"\bfully[ -]funded\b", "coverage", ["full_cost"], keeps_words=True, hints="funded"),
    _rule(
        r"\b(?:that )?(?:(?:covers?|pays?) )?full[ -]tuition\b",
        "coverage",
        ["full_tuition", "full_cost"],
        keeps_words=True,
        hints="tuition",
    ),
    _rule(
        rf"\b(?:over|above|more than|at least|minimum(?: of)?|min) {_NUMBER}(?: dollars\b)?",
        "min_amount",
        _amount,
        hints="over above more least min",
    ),
    _rule(rf"(?<![0-9.,]){_NUMBER}\+(?: dollars\b)?", "min_amount", _amount, hints="+"),
    _rule(
        rf"\b(?:under|below|less than|up to|maximum(?: of)?|max) {_NUMBER}(?: dollars\b)?",
        "max_amount",
        _amount,
        hints="under below less up max",
    ),
    _rule(r"\b(?:not|non)[ -]renewable\b", "renewable", value=False, hints="renewable"),
    _rule(
        r"\brenewable\b(?! (?:energ|resource|power|fuel))(?: (?:every|each) year)?",
        "renewable",
        value=True,
        hints="renewable",
    ),
    # When it closes.
    _rule(
        rf"{_DUE} soon\b|\bexpiring soon\b|\blast[ -]minute\b",
        "deadline_before",
        _in_days(0, SOON_DAYS),
        hints="soon minute",
    ),
    _rule(rf"{_DUE} today\b", "deadline_before", _in_days(0, 0), hints="today"),
    _rule(rf"{_DUE} tomorrow\b", "deadline_before", _in_days(1, 1), hints="tomorrow"),
    _rule(rf"(?:{_DUE} )?\bthis week\b", "deadline_before", _this_week, hints="week"),
    _rule(rf"(?:{_DUE} )?\bthis month\b", "deadline_before", _this_month, hints="month"),
    _rule(rf"(?:{_DUE} )?\bnext month\b", "deadline_before", _next_month, hints="month"),
    _rule(rf"(?:{_DUE} )?\bbefore {_MONTH}", "deadline_before", _before, hints="before"),
    _rule(
        rf"{_DUE} (?:by|until)(?: the end of)? {_MONTH}",
        "deadline_before",
        _until,
        hints="due deadline clos end",
    ),
    _rule(rf"{_DUE} after {_MONTH}", "deadline_after", _after, hints="due deadline clos end"),
    _rule(
        rf"{_DUE}(?: (?:in|on))? {_MONTH}",
        "deadline_before",
        _in_month,
        hints="due deadline clos end",
    ),
    _rule(
        rf"\b(?:with )?(?:an? )?{_MONTH} deadlines?\b",
        "deadline_before",
        _in_month,
        hints="deadline",
    ),
    # Who may apply.
    _rule(
        r"\b(?:for )?(?:high ?schoolers?|high[ -]?school (?:seniors?|juniors?|sophomores?|students?"
        r"|freshm[ae]n)|(?:seniors?|juniors?|sophomores?|freshm[ae]n) in high school"
        r"|(?:9|10|11|12)th[ -]grade(?:rs?)?)\b|\bfor high[ -]?school$",
        "grade_level",
        "high_school",
        keeps_words=True,
        hints="high grade",
    ),
    _rule(
        r"\b(?:for )?(?:college (?:freshm[ae]n|sophomores?|juniors?|seniors?)"
        r"|current college students?|undergrad(?:uate)?s|undergrad(?:uate)? students?)\b",
        "grade_level",
        "undergraduate",
        keeps_words=True,
        hints="undergrad college",
    ),
    _rule(
        r"\b(?:for )?post-?doc(?:toral|s)?\b",
        "grade_level",
        "post_doctoral",
        keeps_words=True,
        hints="post",
    ),
    _rule(
        r"\b(?:for )?(?:a )?(?:ph ?d|doctoral|doctorate)s?"
        r"(?: (?:students?|candidates?|degrees?))?\b",
        "grade_level",
        "doctoral",
        keeps_words=True,
        hints="ph doctor",
    ),
    _rule(
        r"\b(?:for )?(?:a )?(?:grad(?:uate)?[ -](?:students?|school)"
        r"|masters(?: students?| degrees?)?"
        r"|master'?s (?:students?|degrees?|programs?))\b",
        "grade_level",
        "graduate",
        keeps_words=True,
        hints="grad master",
    ),
    _rule(
        rf"\b(?:for )?(?:(?:i )?liv(?:e|ing) in|residents? of|students (?:in|of|from)|in)"
        rf" {_STATE}\b",
        "states",
        _state,
        keeps_words=True,
        hints="in residents students",
    ),
    _rule(
        rf"\b(?:for )?{_STATE} residents?(?: only)?\b",
        "states",
        _state,
        keeps_words=True,
        hints="resident",
    ),
    _rule(
        r"\b(?:for )?international students?\b(?! exchange)",
        "citizenship",
        "international",
        keeps_words=True,
        hints="international",
    ),
    _rule(r"\b(?:for )?u\.?s\.? citizens?(?: only)?\b", "citizenship", "US", hints="citizen"),
    _rule(
        r"\b(?:for )?(?:permanent residents?|green card(?: holders?)?)\b",
        "citizenship",
        "permanent_resident",
        hints="resident card",
    ),
    _rule(
        rf"\b(?:for )?{_FIELD} majors?\b",
        "fields_of_study",
        _field,
        keeps_words=True,
        hints="major",
    ),
    _rule(
        rf"\bmajoring in {_FIELD}\b", "fields_of_study", _field, keeps_words=True, hints="majoring"
    ),
    _rule(r"\b(?:my )?gpa(?: is| of)? ?(?P<gpa>[0-4]\.[0-9]{1,2})\b", "min_gpa", _gpa, hints="gpa"),
    _rule(
        r"\b(?:with )?(?:an? )?(?P<gpa>[0-4]\.[0-9]{1,2})\+? gpa\b(?: students?\b)?",
        "min_gpa",
        _gpa,
        hints="gpa",
    ),
    _rule(
        r"\b(?:with )?(?:a )?(?:low|bad|poor) (?:gpas?|grades)\b",
        "min_gpa",
        _LOW_GPA,
        hints="gpa grades",
    ),
    _rule(rf"{_NO}(?:minimum )?gpas?{_NEEDED}(?: requirements?\b)?", "min_gpa", 0.0, hints="gpa"),
    _rule(
        r"\b(?:for )?(?:average|[bc]|b average|c average) students?\b",
        "min_gpa",
        _gpa_of_average_students,
        hints="student",
    ),
    _rule(
        r"\bneed[ -]based\b|\bbased on (?:financial )?need\b",
        "scholarship_types",
        ["need_based"],
        keeps_words=True,
        hints="need",
    ),
    _rule(
        r"\bmerit[ -]based\b|(?<!national )\bmerit scholarships?\b",
        "scholarship_types",
        ["merit_based"],
        keeps_words=True,
        hints="merit",
    ),
    _rule(
        r"\b(?:athletic|sports) scholarships?\b",
        "scholarship_types",
        ["athletic"],
        keeps_words=True,
        hints="athletic sports",
    ),
    _rule(
        r"\bcommunity service scholarships?\b",
        "scholarship_types",
        ["community_service"],
        keeps_words=True,
        hints="service",
    ),
    _rule(
        r"\b(?:for )?part[ -]time\b(?! (?:jobs?|work))(?: students?\b)?",
        "enrollment",
        ["half_time", "three_quarter_time", "less_than_half_time"],
        hints="time",
    ),
    _rule(
        r"\bhalf[ -]time\b(?! (?:jobs?|work))(?: students?\b)?",
        "enrollment",
        ["half_time"],
        hints="time",
    ),
    _rule(r"\b(?:for )?full[ -]time students?\b", "enrollment", ["full_time"], hints="time"),
    # Groups. The more special one comes first.
    _group(
        r"\b(?:my (?:dad|father|mom|mother|parents?) (?:is|was|are|were|served)(?: an?)?"
        r"(?: in the)?(?: (?:veterans?|army|navy|military|marines|air force))"
        r"|(?:child|children|kids|sons?|daughters?|dependents?) of (?:an? )?(?:disabled )?"
        r"veterans?)\b",
        "child_of_veteran",
        "veteran",
        hints="my veteran",
    ),
    _group(
        r"\b(?:military|army|navy) (?:spouses?|wi(?:fe|ves))\b",
        "military_spouse",
        "spouse military",
        hints="spouse wi",
    ),
    _group(r"\b(?:for )?(?:disabled )?(?:military )?veterans?\b(?!')", "veteran", hints="veteran"),
    _group(
        r"\b(?:i'?m )?(?:the )?first in (?:my|their|the) family to (?:go to|attend) college\b",
        "first_generation",
        "first generation",
        hints="family",
    ),
    _group(r"\b(?:first|1st)[ -]gen(?:eration)?\b", "first_generation", hints="gen"),
    _group(r"\b(?:for )?single (?:moms?|mothers?)\b", "single_parent", hints="single"),
    _group(r"\b(?:for )?single (?:dads?|fathers?|parents?)\b", "single_parent", hints="single"),
    _group(r"\b(?:for )?(?:moms|mothers)\b", "parent", hints="moms mothers"),
    _group(
        r"\b(?:for )?(?:daca|undocumented|dreamers)(?: students?| recipients?)?\b",
        "daca",
        hints="daca undocumented dreamers",
    ),
    _group(
        r"\b(?:for )?(?:hispanics?|latin(?:[oax]|os|as))\b(?! (?:scholarship fund|studies|dance))",
        "hispanic",
        hints="hispanic latin",
    ),
    _group(
        r"\b(?:for )?african[ -]americans?\b|\b(?:for )?black(?= (?:students?|women|girls|females?"
        r"|males?|americans?|scholarships?)\b)",
        "black",
        hints="african black",
    ),
    _group(
        r"\b(?:for )?(?:native americans?|(?:american indians?|indigenous|tribal)(?= (?:students?"
        r"|scholarships?|women)\b))",
        "native_american",
        hints="native indian indigenous tribal",
    ),
    _group(
        r"\b(?:for )?(?:asian[ -]americans?|aapi|pacific islanders?)\b",
        "asian",
        hints="asian aapi pacific",
    ),
    _group(
        r"\b(?:for )?(?:lgbtq?(?:ia)?\+?|(?:gay|lesbian|queer|trans(?:gender)?)"
        r"(?= (?:students?|youth|scholarships?|people)\b))",
        "lgbtq",
        hints="lgbt gay lesbian queer trans",
    ),
    _group(
        r"\bstudents? with (?:a )?(?:disabilit(?:y|ies)|adhd|autism|dyslexia)\b"
        r"|\bdisabled students?\b|\badhd\b|\bautis(?:m|tic)\b|\bdyslexi[ac]\b",
        "disability",
        hints="disab adhd autis dyslexi",
    ),
    _group(
        r"\b(?:aged out of )?foster (?:youth|care|children|kids)\b", "foster_youth", hints="foster"
    ),
    _group(r"\b(?:for )?refugees?\b", "refugee", hints="refugee"),
    _group(r"\b(?:for )?immigrants?\b", "immigrant", hints="immigrant"),
    _group(
        r"(?<!little )(?<!of )(?<!of young )\b(?:for )?(?:women|females?|girls)\b(?!'s)"
        r"(?! who code| scouts?)",
        "women",
        hints="women female girls",
    ),
)
"""Before a more general rule comes the more special one."""
