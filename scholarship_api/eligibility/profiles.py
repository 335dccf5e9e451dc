"""A student's answers about themselves, in requests.

Every answer is optional. An empty list says nothing unless the field is named in `answered`: then
it says "none of these". `prefer_not_to_say` is the same as no answer.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scholarship_api.catalogue import codes
from scholarship_api.catalogue.codes import CodeList
from scholarship_api.catalogue.criteria_set import (
    LOWEST_SAI,
    MAX_MONEY,
    Condition,
    Institution,
    MilitaryTie,
    Place,
    UnitId,
    Year,
)
from scholarship_api.catalogue.field_types import Line
from scholarship_api.catalogue.read_model.answers import Answers, derive
from scholarship_api.catalogue.read_model.gpa_scales import SCALES
from scholarship_api.errors import ValidationFailed
from scholarship_api.input_limits import RequestModel, split_commas
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabulary import (
    Citizenship,
    FieldName,
    GradeName,
    Money,
    PlainDate,
    StateCode,
)

T = TypeVar("T")

MAX_CREDITS: Final = 300
"""Credits that a student may have completed; a bachelor's degree takes about 120."""

NOT_SAID: Final = "prefer_not_to_say"

MAX_AGE: Final = 120
MIN_AGE: Final = 13
"""Years. Younger students may not use a service that asks them for personal data."""

_SINGULAR: Final = {
    "class_year": "class_years",
    "degree_level": "degree_levels",
    "graduation_status": "graduation_statuses",
    "graduation_year": "graduation_years",
    "mode": "modes",
    "gender": "genders",
    "heritage": "heritages",
    "religion": "religions",
    "immigration_status": "immigration_statuses",
}
"""Names for a field with one value."""

PROFILE_EXAMPLE: Final[dict[str, JsonValue]] = {
    "gpa": 3.4,
    "grade_level": "undergraduate",
    "field_of_study": "nursing",
    "citizenship": "US",
    "state_of_residence": "CA",
    "age": 19,
}

RICH_EXAMPLE: Final[dict[str, JsonValue]] = {
    "gpa": 8.4,
    "gpa_scale": 10,
    "class_years": ["undergraduate_2"],
    "cip_codes": ["51.38"],
    "enrollment": ["half_time"],
    "citizenships": ["US"],
    "residence": {"state": "CA", "county": "06037", "zip": "90012"},
    "birth_date": "2006-05-17",
    "first_generation": True,
    "genders": ["woman"],
    "heritages": ["hispanic_latino.mexican"],
    "military": [{"relations": ["child"], "statuses": ["veteran"], "branches": ["navy"]}],
    "tests": [{"test": "sat", "section": "total", "score": 1280}],
    "conditions": [],
    "answered": ["conditions"],
}


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _scale(value: float) -> float:
    if f"{value:g}" not in SCALES:
        raise ValueError(f"must be one of {', '.join(SCALES)}")
    return value


def _named(name: str) -> BeforeValidator:
    """A text stands for an object with that one field."""

    def parse(value: object) -> object:
        return {name: value} if isinstance(value, str) else value

    return BeforeValidator(parse)


# More digits than the two decimals of awards, because an average may be a fraction such as 11/3.
GradeAverage = Annotated[
    Decimal,
    Field(ge=0, le=100, max_digits=20, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
GpaScale = Annotated[
    float,
    # No enumeration: generators of clients know none of numbers.
    Field(json_schema_extra={"minimum": 4, "maximum": 100, "examples": [4, 4.3, 5, 10, 20, 100]}),
    BeforeValidator(_number),
    AfterValidator(_scale),
]
Age = Annotated[int, Field(ge=MIN_AGE, le=MAX_AGE), BeforeValidator(_number)]
Credits = Annotated[int, Field(ge=0, le=MAX_CREDITS), BeforeValidator(_number)]
Codes = Annotated[CodeList[T], BeforeValidator(split_commas)]
"""Codes in a list, or in a text with commas."""


class StudentScore(RequestModel):
    """A score of a test."""

    test: str = Field(description="The part before the dot of a code of /api/v1/vocabularies/tests")
    section: str = Field(
        "", description="The part behind it; the total or composite score unless given."
    )
    score: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False), BeforeValidator(_number)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = VOCABULARIES["tests"]
        section = self.section
        if not section:
            first = (code for code in known.terms if code.startswith(f"{self.test.casefold()}."))
            section = next(first, "").rpartition(".")[2]
        self.test, _, self.section = known.parse(f"{self.test}.{section}").partition(".")
        return self


class StudentAffiliation(RequestModel):
    """A group or employer that the student or a relative belongs to."""

    name: Line | None = None
    kind: codes.AffiliationKind | None = None
    relations: CodeList[codes.AffiliationRelation] = Field(
        [], description="Who belongs to it; the student unless given."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.kind is None:
            raise ValueError("give a name, a kind or both")
        return self


class StudentInstitution(Institution):
    """A school, college or university, by its UNITID, its name or both."""

    name: Line | None = None  # type: ignore[assignment]
    unitid: UnitId | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.unitid is None:
            raise ValueError("give a name, a unitid or both")
        return self


class Residence(RequestModel):
    """Where the student lives. What is narrower tells what is broader: a county its state."""

    country: codes.CountryCode | None = None
    state: StateCode | None = Field(None, description="USPS code.")
    county: codes.CountyCode | None = Field(None, description="Five digits of FIPS.")
    zip: codes.ZipCode | None = Field(None, description="Tells the county, unless that is given.")
    place: Annotated[Place, _named("name")] | None = Field(None, description="A town.")


Institutions = CodeList[Annotated[StudentInstitution, _named("name")]]

_SENSITIVE: Final = "Optional, and taken in request bodies only."


class OpenAnswers(RequestModel):
    """The answers that may stand in a URL."""

    model_config = ConfigDict(use_enum_values=True)

    gpa_scale: GpaScale | None = Field(
        None, description="The highest value of your scale: 4, 4.3, 5, 10, 20 or 100. Default: 4."
    )
    gpa: GradeAverage | None = Field(
        None, description="On the scale of 4.0, or of gpa_scale, from which it is converted."
    )
    class_rank_percent: Annotated[
        float | None, Field(ge=0, le=100, allow_inf_nan=False), BeforeValidator(_number)
    ] = Field(None, description="10: among the best tenth of the class.")
    grade_level: GradeName | None = None
    grade_levels: Codes[GradeName] | None = Field(None, description="If there are several.")
    class_years: Codes[codes.ClassYear] | None = None
    degree_levels: Codes[codes.DegreeLevel] | None = None
    graduation_statuses: Codes[codes.GraduationStatus] | None = None
    graduation_years: Codes[Year] | None = None
    field_of_study: FieldName | None = None
    fields_of_study: Codes[FieldName] | None = Field(None, description="If there are several.")
    cip_codes: Codes[codes.CipCode] | None = Field(None, description="Programs, as 51.38.")
    citizenship: Citizenship | None = Field(
        None, description="ISO 3166-1 alpha-2 code, permanent_resident or international."
    )
    citizenships: Codes[Citizenship] | None = Field(None, description="If there are several.")
    state_of_residence: StateCode | None = Field(None, description="USPS code.")
    age: Age | None = None
    enrollment: Codes[codes.EnrollmentCode] | None = None
    modes: Codes[codes.ModeCode] | None = None
    study_abroad: bool | None = None
    credits_completed: Credits | None = None
    institution_types: Codes[codes.InstitutionType] | None = Field(
        None, description="Of the school that you go to, or will go to."
    )
    institution_categories: Codes[codes.InstitutionCategory] | None = None
    institution_states: Codes[codes.UsStateCode] | None = None
    annual_income: Money | None = Field(
        None, description="Of the household in a year. Only an award with a limit asks for it."
    )
    sai: Annotated[int | None, Field(ge=LOWEST_SAI, le=MAX_MONEY), BeforeValidator(_number)] = (
        Field(None, description="Student Aid Index.")
    )
    pell_eligible: bool | None = None
    financial_need: bool | None = None
    first_generation: bool | None = Field(
        None, description="Whether you are the first in your family to go to college."
    )
    activities: Codes[codes.ActivityCode] | None = None
    interests: Codes[codes.InterestCode] | None = None
    languages: Codes[codes.LanguageCode] | None = None
    professions: Codes[codes.ProfessionCode] | None = None
    parent_professions: Codes[codes.ProfessionCode] | None = None
    future_professions: Codes[codes.ProfessionCode] | None = None
    answered: Codes[str] | None = Field(
        None, description='The fields whose empty list says "none of these".'
    )

    @model_validator(mode="before")
    @classmethod
    def _settle_names(cls, values: object) -> object:
        """Replace singular names, and leave out what says nothing."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for singular, plural in _SINGULAR.items():
            if singular in values and plural not in values and plural in cls.model_fields:
                values[plural] = values.pop(singular)
        for name in values.keys() & OPEN_FIELDS.union(PRIVATE_FIELDS):
            value = values[name]
            if value is None or value in ("", NOT_SAID, [""], [NOT_SAID]):
                del values[name]
            elif isinstance(value, list) and NOT_SAID in value:
                values[name] = [each for each in value if each != NOT_SAID]
        return values

    @field_validator("gpa")
    @classmethod
    def _within_scale(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        scale = info.data.get("gpa_scale") or 4
        if value is not None and value > Decimal(f"{scale:g}"):
            raise ValueError(f"must be at most {scale:g}; name another scale in gpa_scale")
        return value

    @field_validator("answered")
    @classmethod
    def _lists(cls, value: list[str] | None) -> list[str] | None:
        unknown = set(value or ()) - LIST_FIELDS
        if unknown:
            raise ValueError(f"must name lists of the profile: {', '.join(sorted(LIST_FIELDS))}")
        return value

    def known(self) -> dict[str, Any]:
        """The values that were given, by name, as Python has them."""
        names = self._given_names()
        return self.model_dump(include=names, exclude_none=True)

    def answers(self) -> Answers:
        """The answers that the criteria are held against."""
        return derive(self.known())

    def sent(self) -> dict[str, Any]:
        """The values that were given, canonical, as JSON."""
        return self.model_dump(mode="json", include=self._given_names(), exclude_none=True)

    def _given_names(self) -> set[str]:
        answered = self.answered or ()
        return {
            name
            for name in ANSWER_FIELDS & type(self).model_fields.keys()
            if (value := getattr(self, name)) is not None and (value != [] or name in answered)
        }

    @property
    def says_something(self) -> bool:
        return bool(self._given_names() - _SAYING_NOTHING)


_SAYING_NOTHING: Final = frozenset({"gpa_scale", "answered"})


class ProfileAnswers(OpenAnswers):
    """A student's answers about themselves. Values that are not given are unknown."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROFILE_EXAMPLE, RICH_EXAMPLE]})

    birth_date: PlainDate | None = Field(
        None,
        description="Instead of age: the age on the day that an award closes counts.",
    )
    residence: Residence | None = None
    tests: CodeList[StudentScore] | None = None
    current_institutions: Institutions | None = None
    future_institutions: Institutions | None = None
    high_schools: Institutions | None = None
    alumni_of: Institutions | None = None
    events: Codes[codes.EventCode] | None = None
    affiliations: CodeList[Annotated[StudentAffiliation, _named("name")]] | None = None
    immigration_statuses: Codes[codes.ImmigrationStatus] | None = Field(
        None, description=_SENSITIVE
    )
    genders: Codes[codes.GenderCode] | None = Field(None, description=_SENSITIVE)
    heritages: Codes[codes.HeritageCode] | None = Field(None, description=_SENSITIVE)
    religions: Codes[codes.ReligionCode] | None = Field(None, description=_SENSITIVE)
    lgbtq: bool | None = Field(None, description=_SENSITIVE)
    military: CodeList[MilitaryTie] | None = Field(None, description=_SENSITIVE)
    conditions: CodeList[Annotated[Condition, _named("condition")]] | None = Field(
        None, description=_SENSITIVE
    )
    circumstances: Codes[codes.CircumstanceCode] | None = Field(None, description=_SENSITIVE)

    @field_validator("birth_date")
    @classmethod
    def _of_age(cls, value: dt.date | None) -> dt.date | None:
        if value is not None:
            years = dt.datetime.now(dt.UTC).year - value.year
            if not MIN_AGE <= years <= MAX_AGE:
                raise ValueError(f"must be {MIN_AGE} to {MAX_AGE} years ago")
        return value


OPEN_FIELDS: Final = frozenset(OpenAnswers.model_fields)
PRIVATE_FIELDS: Final = frozenset(ProfileAnswers.model_fields) - OPEN_FIELDS
"""Fields that are taken in the bodies of requests only: sensitive ones, and objects."""
ANSWER_FIELDS: Final = OPEN_FIELDS | PRIVATE_FIELDS
LIST_FIELDS: Final = frozenset(
    name
    for name, field in ProfileAnswers.model_fields.items()
    if "list[" in str(field.annotation) and name != "answered"
)


class Profile(ProfileAnswers):
    """A student's answers about themselves, at least one. Values that are not given are unknown."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        require_an_answer(self)
        return self


def require_an_answer(profile: OpenAnswers) -> None:
    """Raises ValueError for a profile that says nothing."""
    if not profile.says_something:
        names = sorted(type(profile).model_fields.keys() & ANSWER_FIELDS - _SAYING_NOTHING)
        raise ValueError(f"give at least one profile value: {', '.join(names)}")


def refuse_private(values: Mapping[str, object], *, path: str) -> None:
    """Raises ValidationFailed, without the value, for an answer that a URL must not hold.

    URLs stand in logs and histories.
    """
    for name in values:
        plural = _SINGULAR.get(name, name)
        if plural in PRIVATE_FIELDS:
            raise ValidationFailed.of(
                name, f"is taken in the JSON body of POST {path} only, never in a URL"
            )
