"""Which column of a table is which field of an award, by the words of its header."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS
from scholarship_api.catalogue.columns import READ_ONLY_FIELDS
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.currencies import CURRENCIES

IGNORE: Final = "ignore"
"""The target of a column that is passed over on purpose."""

OPENS_AT: Final = "opens_at"
ROUND: Final = "round"
CONTACT: Final = "contact"
APPLY: Final = "how_to_apply"
_EXTRA_TARGETS: Final = (OPENS_AT, ROUND, CONTACT, APPLY, "amount", IGNORE)

TARGETS: Final = frozenset(
    {*CSV_COLUMNS, *_EXTRA_TARGETS, *EligibilityCriteria.model_fields, *READ_ONLY_FIELDS}
)
"""Names that a column may be mapped to."""

_OF: Final = r"(?:scholarship|award|grant|fund|program|programme|opportunity|fellowship|prize)"
_DAY: Final = r"(?:date|day|on)"
_PATTERNS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "id",
        (
            rf"{_OF}? ?(?:id|identifier|code|key)",
            r"reference(?: (?:number|id|no))?",
            r"ref",
            r"record id",
        ),
    ),
    (
        "name",
        (
            r"name",
            r"title",
            rf"{_OF}s? ?(?:name|title)s?",
            rf"name of (?:the )?{_OF}",
            rf"{_OF} opportunity",
        ),
    ),
    (
        "organization",
        (
            (
                r"(?:sponsor(?:ing)?|providing|awarding|granting|funding|administering"
                r"|offering|host)? ?(?:organi[sz]ation|agency|body|institution"
                r"|foundation)(?: name)?"
            ),
            r"sponsors?(?: name)?",
            r"providers?(?: name)?",
            r"donors?(?: name)?",
            r"funders?",
            r"funding source",
            r"offered by",
            r"sponsored by",
            r"provided by",
            r"awarded by",
            r"administered by",
            r"company",
            r"grantor",
        ),
    ),
    (
        "description",
        (
            rf"(?:{_OF} )?(?:description|summary|overview|details|about|blurb|purpose)",
            r"brief description",
            r"short description",
        ),
    ),
    (
        "amount_min",
        (
            r"(?:min(?:imum)?|low(?:est)?) ?(?:award )?(?:amount|award|value)",
            r"(?:award )?amount (?:min(?:imum)?|from|low)",
            r"from amount",
        ),
    ),
    (
        "amount_max",
        (
            r"(?:max(?:imum)?|high(?:est)?) ?(?:award )?(?:amount|award|value)",
            r"(?:award )?amount (?:max(?:imum)?|to|high)",
            r"up to amount",
        ),
    ),
    (
        "amount",
        (
            (
                rf"(?:{_OF} )?(?:amounts?|values?|worth)(?: awarded| of (?:the )?(?:award"
                rf"|scholarship))?"
            ),
            r"(?:award|annual|dollar|prize|scholarship) (?:amount|value|money)s?",
            r"dollars?",
            r"how much",
            r"stipend",
            r"prize",
            r"amount per (?:award|student|year)",
            r"award range",
            r"amount range",
            r"range",
            r"funding(?: amount)?",
        ),
    ),
    ("currency", (r"currency(?: code)?",)),
    (
        "max_awards",
        (
            (
                r"(?:number|no|count|of|num) ?(?:of )?(?:awards?|recipients?"
                r"|scholarships?|winners?)(?: available| given)?"
            ),
            r"awards? (?:available|given|count)",
            r"how many(?: awards)?",
            r"max(?:imum)? awards",
            r"recipients",
            r"quantity",
        ),
    ),
    (
        OPENS_AT,
        (
            rf"(?:application )?(?:opens?|opening|start|begin|available|release)(?: ?{_DAY})?",
            r"(?:date )?(?:application )?opens",
            r"open(?:s)? at",
            r"application (?:open|start)s?(?: date)?",
            r"date open(?:s|ed)?",
        ),
    ),
    (
        "application_deadline",
        (
            (
                rf"(?:(?:application|submission|due|final|priority|regular|early|fall"
                rf"|autumn|spring|summer|winter|next|first|second|third|scholarship"
                rf"|award) )*(?:deadlines?|due|closes?|closing|cut ?off)(?: "
                rf"?{_DAY}s?)?(?: \d{{1,2}})?"
            ),
            r"(?:end|expiry|expiration) date",
            r"due by",
            r"date due",
            r"apply by",
            r"deadline to apply",
            r"application closes",
            r"closing",
            r"(?:fall|spring) due date",
        ),
    ),
    (
        "deadline_timezone",
        (
            r"time ?zone",
            r"tz",
            r"deadline time ?zone",
        ),
    ),
    (
        "notification_date",
        (
            rf"(?:notification|announcement|award|decision|results?|selection) {_DAY}",
            r"notified(?: by| on)?",
        ),
    ),
    (
        "scholarship_type",
        (
            rf"(?:{_OF} )?(?:type|category|kind|basis)",
            r"based on",
            r"merit or need",
            r"need or merit",
        ),
    ),
    (
        "renewable",
        (
            r"renewable",
            r"renewal",
            r"is renewable",
            r"can (?:it )?be renewed",
            r"renewability",
            r"duration",
        ),
    ),
    (
        "essay_required",
        (
            r"essay",
            r"essays",
            r"essay required",
            r"essay requirement",
            r"requires essay",
            r"essay prompt",
        ),
    ),
    (
        "recommendation_letters",
        (
            (
                r"(?:number of )?(?:recommendation letters?|letters? of (?:recommendation"
                r"|rec|reference)s?|recommendations?|references|lors?|rec letters?)(?: "
                r"required| needed)?"
            ),
        ),
    ),
    (
        "application_url",
        (
            r"(?:application|apply)(?: (?:link|url|site|website|page|form))",
            r"apply (?:at|here|now|online)",
            r"link to (?:apply|application)",
        ),
    ),
    (
        APPLY,
        (
            r"(?:how )?to apply",
            r"apply",
            r"application(?: (?:process|procedure|instructions|method|info(?:rmation)?))?",
        ),
    ),
    (
        "website_url",
        (
            (
                rf"(?:{_OF} )?(?:web ?site|url|web|link|web ?page|homepage|web address"
                rf"|hyperlink|site)s?(?: (?:url|link|address))?"
            ),
            r"more info(?:rmation)?(?: link| url)?",
            r"information link",
            r"info link",
        ),
    ),
    (
        "contact_email",
        (
            r"(?:contact )?e ?mail(?: address)?",
            r"email contact",
        ),
    ),
    (
        CONTACT,
        (
            r"contacts?(?: (?:info(?:rmation)?|person|name))?",
            r"point of contact",
            r"questions",
        ),
    ),
    ("source_url", (r"source(?: (?:url|link))?",)),
    (
        "last_verified_on",
        (
            r"(?:last )?(?:verified|checked|updated|reviewed|modified)(?: (?:on|date))?",
            r"date (?:verified|updated)",
        ),
    ),
    ("status", (r"(?:publication |record |listing )?status",)),
    (
        "other_requirements",
        (
            r"eligibility(?: (?:criteria|requirements?|info(?:rmation)?|details))?",
            (
                r"(?:other |additional |application |special )*(?:requirements?|criteria"
                r"|qualifications?|restrictions?)"
            ),
            r"who (?:can apply|is eligible|may apply)",
            r"eligible",
            r"qualifications",
            r"eligible (?:students|applicants)",
            r"award criteria",
            r"selection criteria",
            r"conditions",
        ),
    ),
    (
        "min_gpa",
        (
            (
                r"(?:min(?:imum)?|required|cumulative|low(?:est)?)? ?(?:gpa|grade point "
                r"average)(?: (?:min(?:imum)?|required|requirement))?"
            ),
        ),
    ),
    (
        "max_gpa",
        (
            r"max(?:imum)? gpa",
            r"gpa max(?:imum)?",
        ),
    ),
    (
        "grade_levels",
        (
            (
                r"(?:eligible |student |education(?:al)? |academic |current )?(?:grade"
                r"|class|education|academic|study|student|school)? ?(?:levels?(?: of "
                r"(?:study|education))?|standing|year in school|classification|year of "
                r"study)"
            ),
            r"grades?",
            r"class year",
            r"year in school",
        ),
    ),
    (
        "citizenship_required",
        (
            r"citizenship(?: (?:required|requirement|status))?",
            r"nationality",
            r"residency status",
            r"immigration status",
        ),
    ),
    (
        "residency_states",
        (
            r"states?(?: of (?:residen(?:ce|cy)))?",
            r"residency(?: states?| requirement)?",
            r"state residency",
            r"eligible states?",
            r"residen(?:ce|cy) states?",
            r"geographic(?:al)? (?:area|restriction|location)s?",
            r"location",
            r"where",
        ),
    ),
    (
        "residency_counties",
        (
            r"count(?:y|ies)(?: of residence)?",
            r"eligible counties",
        ),
    ),
    (
        "fields_of_study",
        (
            (
                r"(?:eligible |intended |academic )?(?:fields?(?: of (?:study|interest))?"
                r"|majors?|areas? of study|discipline|subject|program(?:s)? of study"
                r"|course of study|degree program|field of study or major|major field)s?"
            ),
        ),
    ),
    (
        "min_age",
        (
            r"min(?:imum)? age",
            r"age min(?:imum)?",
            r"age from",
        ),
    ),
    (
        "max_age",
        (
            r"max(?:imum)? age",
            r"age max(?:imum)?",
            r"age to",
            r"age limit",
        ),
    ),
    (
        "financial_need",
        (
            r"(?:financial )?need(?: based| required)?",
            r"financial need(?: required)?",
            r"demonstrated need",
            r"need based\??",
        ),
    ),
    (
        "genders",
        (
            r"gender",
            r"sex",
            r"genders",
        ),
    ),
    (
        "heritages",
        (r"(?:race|ethnicity|heritage|race ethnicity|ethnic background|race or ethnicity)",),
    ),
    ("first_generation", (r"first gen(?:eration)?(?: (?:student|college student)s?)?",)),
    (
        "enrollment",
        (
            r"enrol?lment(?: (?:status|type))?",
            r"full time or part time",
        ),
    ),
    ("degree_levels", (r"degrees?(?: (?:level|sought|type))?",)),
    (
        "class_rank_percent_max",
        (
            r"class rank",
            r"rank",
        ),
    ),
    (
        ROUND,
        (
            r"round",
            r"cycle",
            r"application cycle",
            r"academic year",
            r"award year",
            r"term",
            r"semester",
            r"year",
            r"school year",
            r"season",
        ),
    ),
)
"""For each target, what its headers match as a whole, in the order in which they are tried."""

_TARGETS_IN_ORDER: Final = tuple(target for target, _ in _PATTERNS)
_COMPILED: Final = re.compile(
    "|".join(f"(?P<p{at}>{'|'.join(patterns)})" for at, (_, patterns) in enumerate(_PATTERNS))
)
"""All patterns in one: a file may have thousands of cells that could be headers."""

CODE_LENGTH: Final = 3
"""Letters of a code of ISO 4217."""

MAX_HEADER: Final = 200
"""Characters of a header; longer texts are sentences."""

MAX_ALTERNATIVES: Final = 4
"""Names of a field in one header, such as `Provider / Sponsor`."""

_EITHER: Final = re.compile(
    r"awards?|scholarships?|funds?|grants?|opportunit(?:y|ies)|fellowships?"
)
"""Headers that name the award itself, or its amount when another column has the name."""

_PARENTHESES: Final = re.compile(r"[(\[{]([^)\]}]*)[)\]}]")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_WORDS: Final = re.compile(r"[^a-z0-9]+")
_SIGNS: Final[dict[str, str]] = {
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "usd$": "USD",
    "us dollars": "USD",
}
_ASKED: Final = re.compile(
    r"^(?:what is the|what are the|is there an?|does it require an?|please enter)\b"
)


class HeaderMatch(NamedTuple):
    """The meaning of a header for its column."""

    target: str | None
    """A name of TARGETS; None when the words are not known."""
    currency: str | None = None
    """The currency of the column, as in `Amount (USD)`."""


def normalised(header: str) -> str:
    """`ScholarshipName *` and `scholarship_name` are `scholarship name`."""
    text = _CAMEL.sub(" ", header.strip()).casefold().replace("#", " number ")
    text = _NOT_WORDS.sub(" ", text).strip()
    return _ASKED.sub("", text).removesuffix(" required field").strip()


def match_header(header: str) -> HeaderMatch:
    """Find the field that a header names, as people write it."""
    if len(header) > MAX_HEADER or not header.strip():
        return HeaderMatch(None)
    currency = _currency_in(header)
    exact = header.strip().strip("*: ").casefold().replace("-", "_").replace(" ", "_")
    if exact in TARGETS and exact != IGNORE:
        return HeaderMatch(exact, currency)
    for text in (header, _PARENTHESES.sub(" ", header)):
        words = normalised(text)
        if words.replace(" ", "_") in TARGETS:
            return HeaderMatch(words.replace(" ", "_"), currency)
        found = _COMPILED.fullmatch(words)
        if words and found and found.lastgroup:
            return HeaderMatch(_TARGETS_IN_ORDER[int(found.lastgroup[1:])], currency)
    return HeaderMatch(_target_of_all(header), currency)


def _target_of_all(header: str) -> str | None:
    """The field that each part of `Provider / Sponsor` names."""
    parts = header.split("/")
    if not 1 < len(parts) <= MAX_ALTERNATIVES:
        return None
    targets = {match_header(part).target for part in parts}
    return targets.pop() if len(targets) == 1 else None


def names_an_award(header: str) -> bool:
    return bool(_EITHER.fullmatch(normalised(_PARENTHESES.sub(" ", header))))


def match_headers(headers: Sequence[str]) -> list[HeaderMatch]:
    """Match all headers of a table; `Award` is the name unless another column has it."""
    found = [match_header(header) for header in headers]
    for at, header in enumerate(headers):
        if found[at].target is None and names_an_award(header):
            targets = {each.target for each in found}
            target = "name" if "name" not in targets else "amount"
            if not (target == "amount" and targets & {"amount", "amount_min", "amount_max"}):
                found[at] = found[at]._replace(target=target)
    return found


def _currency_in(header: str) -> str | None:
    inner: list[str] = _PARENTHESES.findall(header)
    for inside in [*inner, header.rpartition(" ")[2]]:
        word = inside.strip().casefold().removeprefix("in ")
        if word in _SIGNS:
            return _SIGNS[word]
        if (
            len(word) == CODE_LENGTH
            and word.upper() in CURRENCIES
            and inside.strip() == inside.strip().upper()
        ):
            return word.upper()
    return None
