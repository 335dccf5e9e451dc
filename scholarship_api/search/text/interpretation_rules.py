"""The rules of interpretation, one row for each way to say a filter.

A row is tried on the query in small letters. The first row that fits a part of the query takes it.
"""

import datetime as dt
import re
from typing import Final

from scholarship_api.search.text.capitals import STATE_NAMES
from scholarship_api.search.text.deadline_rules import DEADLINE_RULES
from scholarship_api.search.text.interpretation_rule import filter_rule, group_rule
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy

_LEAST_AMOUNT: Final = 100
"""A smaller number is no amount of money: an age, a grade or a rank."""

_FIRST_YEAR: Final = 1900
_YEARS_END: Final = 2100
"""Numbers that are rather years than amounts, where no sign says so."""

# --- Values --------------------------------------------------------------------------------------


def _amount(match: re.Match[str], _today: dt.date) -> int | None:
    amount = float(match["amount"].replace(",", "")) * (1000 if match["thousands"] else 1)
    return int(amount) if amount >= _LEAST_AMOUNT else None


def _amounts(match: re.Match[str], _today: dt.date) -> dict[str, int] | None:
    """The bounds of a range; "5-10k" means thousands on both sides."""
    thousands = 1000 if match["thousands"] else 1
    least, most = (
        float(match[name].replace(",", "")) * factor
        for name, factor in (
            ("least", 1000 if match["least_thousands"] else thousands),
            ("amount", thousands),
        )
    )
    are_years = all(_FIRST_YEAR <= bound < _YEARS_END for bound in (least, most))
    if least < _LEAST_AMOUNT or most < least or (are_years and "$" not in match.group()):
        return None
    return {"min_amount": int(least), "max_amount": int(most)}


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


_LITTLE_WORK: Final = {"essay_required": False, "max_recommendation_letters": 0}
"""The filters for people who ask for easy awards: nothing to write, and nobody to ask."""

# --- The table -----------------------------------------------------------------------------------

_NO: Final = (
    r"\b(?:(?:that|which) )?(?:with )?(?:no|without(?: an?| any)?|zero"
    r"|(?:don'?t|doesn'?t|do not|does not|not) (?:require|need)(?: an?| any)?)[ -]"
)
_NEEDED: Final = r"(?: (?:required|needed|necessary))?\b"
_NUMBER: Final = r"\$? ?(?P<amount>[0-9][0-9,]*(?:\.[0-9]+)?) ?(?P<thousands>k\b)?"
_LEAST: Final = r"\$? ?(?P<least>[0-9][0-9,]*(?:\.[0-9]+)?) ?(?P<least_thousands>k\b)?"
_APPLIED_FOR: Final = r"(?:scholarships?|grants?|awards?|applications?|apps?|money|ones?)"

RULES: Final = (
    # The contents of an application.
    filter_rule(rf"{_NO}essays?{_NEEDED}", "essay_required", value=False, hints="essay"),
    filter_rule(r"\bessay[ -]free\b|\bessayless\b", "essay_required", value=False, hints="essay"),
    filter_rule(
        r"\b(?:easy|easiest|quick|quickest|simple|simplest)(?: (?:and|&) (?:easy|quick|simple))?"
        r"(?: to (?:get|win|enter|apply(?: for| to)?))?"
        rf"(?= (?:(?!essay)[a-z]+ ){{0,2}}{_APPLIED_FOR}\b|$)",
        "essay_required",
        _LITTLE_WORK,
        hints="eas quick simpl",
    ),
    filter_rule(
        rf"{_NO}(?:letters? of rec(?:ommendation)?s?|rec(?:ommendation)?s?(?: letters?)?){_NEEDED}",
        "max_recommendation_letters",
        0,
        hints="rec",
    ),
    filter_rule(rf"{_NO}(?:application )?fees?\b(?! waiver)", "no_fee", value=True, hints="fee"),
    filter_rule(r"\bfree to apply\b", "no_fee", value=True, hints="free to"),
    # The money.
    filter_rule(r"\bfull[ -]rides?\b", "coverage", ["full_cost"], keeps_words=True, hints="ride"),
    filter_rule(
        r"\bfully[ -]funded\b", "coverage", ["full_cost"], keeps_words=True, hints="funded"
    ),
    filter_rule(
        r"\b(?:that )?(?:(?:covers?|pays?) )?full[ -]tuition\b",
        "coverage",
        ["full_tuition", "full_cost"],
        keeps_words=True,
        hints="tuition",
    ),
    filter_rule(
        rf"\b(?:between|from) {_LEAST} ?(?:and|to|-) ?{_NUMBER}(?: ?dollars\b)?",
        "min_amount",
        _amounts,
        hints="between from",
    ),
    filter_rule(
        rf"(?<![0-9.,])(?=\$|[0-9.,k]+ ?(?:-|to) ?(?:\$|[0-9.,]+ ?(?:k|dollars)\b))"
        rf"{_LEAST} ?(?:-|to) ?{_NUMBER}(?: ?dollars\b)?(?! ?(?:gpa|hours?|weeks?|years?)\b)",
        "min_amount",
        _amounts,
        hints="$ k dollars",
    ),
    filter_rule(
        rf"\b(?:over|above|more than|at least|minimum(?: of)?|min) {_NUMBER}(?: ?dollars\b)?",
        "min_amount",
        _amount,
        hints="over above more least min",
    ),
    filter_rule(rf"(?<![0-9.,]){_NUMBER}\+(?: ?dollars\b)?", "min_amount", _amount, hints="+"),
    filter_rule(
        rf"\b(?:under|below|less than|up to|maximum(?: of)?|max) {_NUMBER}(?: ?dollars\b)?",
        "max_amount",
        _amount,
        hints="under below less up max",
    ),
    filter_rule(r"\b(?:not|non)[ -]renewable\b", "renewable", value=False, hints="renewable"),
    filter_rule(
        r"\brenewable\b(?! (?:energ|resource|power|fuel))(?: (?:every|each) year)?",
        "renewable",
        value=True,
        hints="renewable",
    ),
    *DEADLINE_RULES,
    # Who may apply.
    filter_rule(
        r"\b(?:for )?(?:high ?schoolers?|high[ -]?school (?:seniors?|juniors?|sophomores?|students?"
        r"|freshm[ae]n)|(?:seniors?|juniors?|sophomores?|freshm[ae]n) in high school"
        r"|(?<=girls )in high school|(?<=boys )in high school|(?<=kids )in high school"
        r"|(?<=students )in high school|still in high school"
        r"|(?:9|10|11|12)th[ -]grade(?:rs?)?)\b|\bfor high[ -]?school$",
        "grade_level",
        "high_school",
        keeps_words=True,
        hints="high grade",
    ),
    filter_rule(
        r"\b(?:for )?(?:college (?:freshm[ae]n|sophomores?|juniors?|seniors?)"
        r"|current college students?|undergrad(?:uate)?s|undergrad(?:uate)? students?)\b",
        "grade_level",
        "undergraduate",
        keeps_words=True,
        hints="undergrad college",
    ),
    filter_rule(
        r"\b(?:for )?post-?doc(?:toral|s)?\b",
        "grade_level",
        "post_doctoral",
        keeps_words=True,
        hints="post",
    ),
    filter_rule(
        r"\b(?:for )?(?:a )?(?:ph ?d|doctoral|doctorate)s?"
        r"(?: (?:students?|candidates?|degrees?))?\b",
        "grade_level",
        "doctoral",
        keeps_words=True,
        hints="ph doctor",
    ),
    filter_rule(
        r"\b(?:for )?(?:a )?(?:grad(?:uate)?[ -](?:students?|school)"
        r"|masters(?: students?| degrees?)?"
        r"|master'?s (?:students?|degrees?|programs?))\b",
        "grade_level",
        "graduate",
        keeps_words=True,
        hints="grad master",
    ),
    filter_rule(
        rf"\b(?:for )?(?:(?:i )?liv(?:e|ing) in|residents? of|students (?:in|of|from)|in)"
        rf" {_STATE}\b",
        "states",
        _state,
        keeps_words=True,
        hints="in residents students",
    ),
    filter_rule(
        rf"\b(?:for )?{_STATE} residents?(?: only)?\b",
        "states",
        _state,
        keeps_words=True,
        hints="resident",
    ),
    filter_rule(
        r"\b(?:for )?international students?\b(?! exchange)",
        "citizenship",
        "international",
        keeps_words=True,
        hints="international",
    ),
    filter_rule(
        r"\b(?:for )?(?:(?:not|non)[ -](?:an? )?(?:u\.?s\.? )?citizens?)\b",
        "citizenship",
        "international",
        hints="citizen",
    ),
    filter_rule(r"\b(?:for )?u\.?s\.? citizens?(?: only)?\b", "citizenship", "US", hints="citizen"),
    filter_rule(
        r"\b(?:for )?(?:permanent residents?|green card(?: holders?)?)\b",
        "citizenship",
        "permanent_resident",
        hints="resident card",
    ),
    filter_rule(
        rf"\b(?:for )?{_FIELD} majors?\b",
        "fields_of_study",
        _field,
        keeps_words=True,
        hints="major",
    ),
    filter_rule(
        rf"\bmajoring in {_FIELD}\b", "fields_of_study", _field, keeps_words=True, hints="majoring"
    ),
    filter_rule(
        r"\b(?:my )?gpa(?: is| of)? ?(?P<gpa>[0-4]\.[0-9]{1,2})\b", "min_gpa", _gpa, hints="gpa"
    ),
    filter_rule(
        r"\b(?:with )?(?:an? )?(?P<gpa>[0-4]\.[0-9]{1,2})\+? gpa\b(?: students?\b)?",
        "min_gpa",
        _gpa,
        hints="gpa",
    ),
    filter_rule(
        r"\b(?:with )?(?:a )?(?:low|bad|poor) (?:gpas?|grades)\b",
        "min_gpa",
        _LOW_GPA,
        hints="gpa grades",
        words="gpa",
    ),
    filter_rule(
        rf"{_NO}(?:minimum )?gpas?{_NEEDED}(?: requirements?\b)?", "min_gpa", 0.0, hints="gpa"
    ),
    filter_rule(
        r"\b(?:for )?(?:average|[bc]|b average|c average) students?\b",
        "min_gpa",
        _gpa_of_average_students,
        hints="student",
        words="gpa",
    ),
    filter_rule(
        r"\bneed[ -]based\b|\bbased on (?:financial )?need\b",
        "scholarship_types",
        ["need_based"],
        keeps_words=True,
        hints="need",
    ),
    filter_rule(
        r"\bmerit[ -]based\b|(?<!national )\bmerit scholarships?\b",
        "scholarship_types",
        ["merit_based"],
        keeps_words=True,
        hints="merit",
    ),
    filter_rule(
        r"\b(?:athletic|sports) scholarships?\b",
        "scholarship_types",
        ["athletic"],
        keeps_words=True,
        hints="athletic sports",
    ),
    filter_rule(
        r"\bcommunity service scholarships?\b",
        "scholarship_types",
        ["community_service"],
        keeps_words=True,
        hints="service",
    ),
    filter_rule(
        r"\b(?:for )?part[ -]time\b(?! (?:jobs?|work))(?: students?\b)?",
        "enrollment",
        ["half_time", "three_quarter_time", "less_than_half_time"],
        hints="time",
    ),
    filter_rule(
        r"\bhalf[ -]time\b(?! (?:jobs?|work))(?: students?\b)?",
        "enrollment",
        ["half_time"],
        hints="time",
    ),
    filter_rule(r"\b(?:for )?full[ -]time students?\b", "enrollment", ["full_time"], hints="time"),
    # Groups. The more special one comes first.
    group_rule(
        r"\b(?:my (?:dad|father|mom|mother|parents?) (?:is|was|are|were|served)(?: an?)?"
        r"(?: in the)?(?: (?:veterans?|army|navy|military|marines|air force))"
        r"|(?:child|children|kids|sons?|daughters?|dependents?) of (?:an? )?(?:disabled )?"
        r"veterans?)\b",
        "child_of_veteran",
        "veteran",
        hints="my veteran",
    ),
    group_rule(
        r"\b(?:military|army|navy) (?:spouses?|wi(?:fe|ves))\b",
        "military_spouse",
        "spouse military",
        hints="spouse wi",
    ),
    group_rule(
        r"\b(?:for )?(?:disabled )?(?:military )?veterans?\b(?!')", "veteran", hints="veteran"
    ),
    group_rule(
        r"\b(?:i'?m )?(?:the )?first in (?:my|their|the) family to (?:go to|attend) college\b",
        "first_generation",
        "first generation",
        hints="family",
    ),
    group_rule(r"\b(?:first|1st)[ -]gen(?:eration)?\b", "first_generation", hints="gen"),
    group_rule(r"\b(?:for )?single (?:moms?|mothers?)\b", "single_parent", hints="single"),
    group_rule(r"\b(?:for )?single (?:dads?|fathers?|parents?)\b", "single_parent", hints="single"),
    group_rule(r"\b(?:for )?(?:moms|mothers)\b", "parent", hints="moms mothers"),
    group_rule(
        r"\b(?:for )?(?:daca|undocumented|dreamers)(?: students?| recipients?)?\b",
        "daca",
        hints="daca undocumented dreamers",
    ),
    group_rule(
        r"\b(?:for )?(?:hispanics?|latin(?:[oax]|os|as))\b(?! (?:scholarship fund|studies|dance))",
        "hispanic",
        hints="hispanic latin",
    ),
    group_rule(
        r"\b(?:for )?african[ -]americans?\b|\b(?:for )?black(?= (?:students?|women|girls|females?"
        r"|males?|americans?|scholarships?)\b)",
        "black",
        hints="african black",
    ),
    group_rule(
        r"\b(?:for )?(?:native americans?|(?:american indians?|indigenous|tribal)(?= (?:students?"
        r"|scholarships?|women)\b))",
        "native_american",
        hints="native indian indigenous tribal",
    ),
    group_rule(
        r"\b(?:for )?(?:asian[ -]americans?|aapi|pacific islanders?)\b",
        "asian",
        hints="asian aapi pacific",
    ),
    group_rule(
        r"\b(?:for )?(?:lgbtq?(?:ia)?\+?|(?:gay|lesbian|queer|trans(?:gender)?)"
        r"(?= (?:students?|youth|scholarships?|people)\b))",
        "lgbtq",
        hints="lgbt gay lesbian queer trans",
    ),
    group_rule(
        r"\bstudents? with (?:a )?(?:disabilit(?:y|ies)|adhd|autism|dyslexia)\b"
        r"|\bdisabled students?\b|\badhd\b|\bautis(?:m|tic)\b|\bdyslexi[ac]\b",
        "disability",
        hints="disab adhd autis dyslexi",
    ),
    group_rule(
        r"\b(?:aged out of )?foster (?:youth|care|children|kids)\b", "foster_youth", hints="foster"
    ),
    group_rule(r"\b(?:for )?refugees?\b", "refugee", hints="refugee"),
    group_rule(r"\b(?:for )?immigrants?\b", "immigrant", hints="immigrant"),
    group_rule(
        r"(?<!little )(?<!of )(?<!of young )\b(?:for )?(?:women|females?|girls)\b(?!'s)"
        r"(?! who code| scouts?)",
        "women",
        hints="women female girls",
    ),
)
"""Before a more general rule comes the more special one."""
