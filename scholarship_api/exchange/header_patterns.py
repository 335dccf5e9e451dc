"""The English headers of each field, as regular expressions over their words in small letters."""

from typing import Final

from scholarship_api.exchange.targets import APPLY, CONTACT, OPENS_AT, ROUND

_OF: Final = r"(?:scholarship|award|grant|fund|program|programme|opportunity|fellowship|prize)"
_DAY: Final = r"(?:date|day|on)"
PATTERNS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
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
