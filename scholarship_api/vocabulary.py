"""The enumerations that all features share, and types for values of requests.

Input may use legacy aliases: `field_of_study("computer_science")` is technology. Output uses the
canonical values. The parsers raise ValueError with a message that lists the allowed values. The
annotated types at the end do the same in pydantic models.
"""

import datetime as dt
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class FieldOfStudy(StrEnum):
    ENGINEERING = "engineering"
    TECHNOLOGY = "technology"
    SCIENCE = "science"
    MATHEMATICS = "mathematics"
    MEDICINE = "medicine"
    NURSING = "nursing"
    BUSINESS = "business"
    ARTS = "arts"
    EDUCATION = "education"
    LAW = "law"
    SOCIAL_SCIENCES = "social_sciences"
    OTHER = "other"


class ScholarshipType(StrEnum):
    MERIT_BASED = "merit_based"
    NEED_BASED = "need_based"
    ATHLETIC = "athletic"
    MINORITY = "minority"
    ACADEMIC_ACHIEVEMENT = "academic_achievement"
    COMMUNITY_SERVICE = "community_service"


class GradeLevel(StrEnum):
    HIGH_SCHOOL = "high_school"
    UNDERGRADUATE = "undergraduate"
    GRADUATE = "graduate"
    DOCTORAL = "doctoral"
    POST_DOCTORAL = "post_doctoral"


class DeadlineKind(StrEnum):
    FIXED = "fixed"
    ROLLING = "rolling"
    UNKNOWN = "unknown"


class Recurrence(StrEnum):
    YEARLY = "yearly"
    NONE = "none"


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Availability(StrEnum):
    OPEN = "open"
    UPCOMING = "upcoming"
    ROLLING = "rolling"
    CLOSED = "closed"
    UNKNOWN = "unknown"


PERMANENT_RESIDENT: Final = "permanent_resident"
INTERNATIONAL: Final = "international"

FIELD_ALIASES: Final = {
    "computer_science": FieldOfStudy.TECHNOLOGY,
    "sciences": FieldOfStudy.SCIENCE,
    "psychology": FieldOfStudy.SOCIAL_SCIENCES,
    "social_work": FieldOfStudy.SOCIAL_SCIENCES,
}

STATES: Final = frozenset(
    """AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM
    NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI""".split()
)
"""ISO 3166-2:US codes of the 50 states, DC and the five inhabited territories."""

COUNTRIES: Final = frozenset(
    """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
    ZW""".split()
)
"""The 249 officially assigned codes of ISO 3166-1 alpha-2."""


def _fold(value: str) -> str:
    """Bring spellings such as `Need-Based ` and `need based` to the same form, `need_based`."""
    return re.sub(r"[\s\-]+", "_", value.strip()).casefold()


def field_of_study(value: str) -> FieldOfStudy:
    folded = _fold(value)
    if folded in FIELD_ALIASES:
        return FIELD_ALIASES[folded]
    return _parse_member(FieldOfStudy, folded, "field of study", extra=FIELD_ALIASES)


def scholarship_type(value: str) -> ScholarshipType:
    return _parse_member(ScholarshipType, _fold(value), "scholarship type")


def grade_level(value: str) -> GradeLevel:
    return _parse_member(GradeLevel, _fold(value), "grade level")


def state(value: str) -> str:
    code = value.strip().upper()
    if code not in STATES:
        raise ValueError(f"unknown state; allowed: {', '.join(sorted(STATES))}")
    return code


def citizenship(value: str) -> str:
    folded = _fold(value)
    if folded in (PERMANENT_RESIDENT, INTERNATIONAL):
        return folded
    code = value.strip().upper()
    if code not in COUNTRIES:
        raise ValueError(
            "unknown citizenship; allowed: an ISO 3166-1 alpha-2 country code such as US or DE, "
            f"{PERMANENT_RESIDENT}, {INTERNATIONAL}"
        )
    return code


def accepted_by(citizenship: str) -> tuple[str, ...]:
    """The values of `citizenship_required` that a student with this citizenship meets.

    Awards for permanent residents of the US are open to its citizens too.
    """
    if citizenship in (PERMANENT_RESIDENT, INTERNATIONAL):
        return (citizenship,)
    return (citizenship, PERMANENT_RESIDENT if citizenship == "US" else INTERNATIONAL)


def _parse_member(
    enumeration: type[E], folded: str, noun: str, extra: dict[str, E] | None = None
) -> E:
    try:
        return enumeration(folded)
    except ValueError:
        allowed = ", ".join([*enumeration, *(extra or {})])
        raise ValueError(f"unknown {noun}; allowed: {allowed}") from None


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT: Final = re.compile(r" 00:00(?::00(?:\.0+)?)?$")
"""The time that spreadsheets and databases write behind a plain date."""

_LONGEST_DATE: Final = len("2027-03-04")

_DATE_OR_INSTANT: Final = "must be a date (2027-01-31) or an instant (2027-01-31T17:00:00Z)"


def unique(values: list[T]) -> list[T]:
    return list(dict.fromkeys(values))


def parse_date_or_instant(value: object) -> object:
    """Parse text as a date, or else as an ISO 8601 instant.

    Every form of an ISO date is a date, and `2027-03-04 00:00:00` too: taken for instants, they
    would close on the day before. Pydantic itself would read digits as Unix seconds, and a date as
    midnight.
    """
    if not isinstance(value, str):
        if isinstance(value, dt.date):
            return value
        raise ValueError(_DATE_OR_INSTANT)
    # A plus sign that is not escaped in a query string arrives as a space.
    text = re.sub(r"(T\S+) (\d{2}:?\d{2})$", r"\1+\2", value.strip())
    text = _MIDNIGHT.sub("", text)
    try:
        if len(text) <= _LONGEST_DATE:  # also 20270304 and 2027-W09-4 are dates
            return dt.date.fromisoformat(text)
        instant = dt.datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            instant = instant.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError(_DATE_OR_INSTANT) from None
    return instant


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _plain_date(value: object) -> object:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        raise ValueError("must be a date such as 2027-01-31")
    return value.strip()


Money = Annotated[
    Decimal,
    Field(ge=0, max_digits=12, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
Gpa = Annotated[
    Decimal,
    Field(ge=0, le=4, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
PlainDate = Annotated[dt.date, BeforeValidator(_plain_date)]
FieldName = Annotated[FieldOfStudy, BeforeValidator(field_of_study), BeforeValidator(_text)]
TypeName = Annotated[ScholarshipType, BeforeValidator(scholarship_type), BeforeValidator(_text)]
GradeName = Annotated[GradeLevel, BeforeValidator(grade_level), BeforeValidator(_text)]
StateCode = Annotated[str, AfterValidator(state)]
Citizenship = Annotated[str, AfterValidator(citizenship)]
