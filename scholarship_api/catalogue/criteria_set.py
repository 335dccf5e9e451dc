"""A set of criteria: who may apply for an award.

The same set of fields stands in `eligibility_sets`, `eligibility_criteria` and `preferences`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from scholarship_api.catalogue.codes import (
    ActivityCode,
    AffiliationKind,
    AffiliationRelation,
    CipCode,
    CircumstanceCode,
    CitizenshipCode,
    ClassYear,
    CodeList,
    ConditionCode,
    ConditionRelation,
    CountryCode,
    CountyCode,
    DegreeLevel,
    EnrollmentCode,
    EventCode,
    GenderCode,
    GraduationStatus,
    HeritageCode,
    ImmigrationStatus,
    InstitutionCategory,
    InstitutionType,
    InterestCode,
    LanguageCode,
    MilitaryBranch,
    MilitaryRelation,
    MilitaryStatus,
    ModeCode,
    ProfessionCode,
    ReligionCode,
    UsStateCode,
    ZipCode,
)
from scholarship_api.catalogue.field_types import Age, Line
from scholarship_api.input_limits import RequestModel, ShortList
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabulary import (
    PERMANENT_RESIDENT,
    Citizenship,
    FieldName,
    Gpa,
    GradeName,
    StateCode,
    unique,
)

LOWEST_SAI: Final = -1_500
"""The lowest Student Aid Index of US federal student aid."""

MAX_MONEY: Final = 2_147_483_647
"""The highest income or Student Aid Index that a criterion may name, in whole units of money."""

MAX_CREDITS: Final = 400
"""Credits that a criterion may name; a bachelor's degree takes about 120."""

MAX_SCORE: Final = 10_000
"""The highest score of a test that a criterion may name; that of the SAT is 1600."""


Score = Annotated[
    Decimal,
    Field(ge=0, le=MAX_SCORE, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
Year = Annotated[int, Field(ge=1900, le=2200)]
UnitId = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="The UNITID of IPEDS.")]
Credits = Annotated[int, Field(ge=0, le=MAX_CREDITS)]


def requires(required: object) -> bool:
    """Whether a value of an award requires anything: 0 is a bound; no value, no values and false
    require nothing."""
    return bool(required) or (
        required is not None and required is not False and required not in ((), [])
    )


def _requires_nothing(value: Any) -> bool:  # noqa: ANN401 - the value of any field
    return not requires(value)


_US: Final = "US"
_CITIZENSHIP_OF_STATUS: Final = {"us_citizen": _US, PERMANENT_RESIDENT: PERMANENT_RESIDENT}


def citizenship_in_one_word(citizenships: Sequence[str], statuses: Sequence[str]) -> str | None:
    """The value of `citizenship_required` that says the same; None if it cannot."""
    accepted = {*citizenships, *(_CITIZENSHIP_OF_STATUS.get(status, "") for status in statuses)}
    if accepted == {_US, PERMANENT_RESIDENT}:
        return PERMANENT_RESIDENT
    return (accepted.pop() or None) if len(accepted) == 1 else None


class TestScore(RequestModel):
    """A score of a test, such as 1200 in total of the SAT."""

    __test__ = False  # to pytest, the name is that of a class of tests

    test: str = Field(description="The part before the dot of a code of /api/v1/vocabularies/tests")
    section: str = Field(
        "", description="The part behind it; the total or composite score unless given."
    )
    min: Score

    @model_validator(mode="after")
    def _known(self) -> Self:
        codes = VOCABULARIES["tests"]
        section = self.section
        if not section:
            first = (code for code in codes.terms if code.startswith(f"{self.test.casefold()}."))
            section = next(first, "").rpartition(".")[2]
        self.test, _, self.section = codes.parse(f"{self.test}.{section}").partition(".")
        return self


class Place(RequestModel):
    """A town, or another place smaller than a state."""

    name: Line
    state: UsStateCode | None = None


class Institution(RequestModel):
    """A school, college or university; compared by `unitid` if both have one, else by name."""

    unitid: UnitId | None = None
    name: Line
    state: UsStateCode | None = None


class MilitaryTie(RequestModel):
    """A tie to the military; an empty list means any. All three have to fit the same person."""

    relations: CodeList[MilitaryRelation] = Field([])
    statuses: CodeList[MilitaryStatus] = Field([])
    branches: CodeList[MilitaryBranch] = Field([])


class Condition(RequestModel):
    """A disability or health condition of the student or a relative."""

    condition: ConditionCode
    relation: ConditionRelation = "self"


class Affiliation(RequestModel):
    """A group that the student or a relative belongs to.

    Without a name, any group of the kind; with no relations, whoever belongs to it.
    """

    name: Line | None = None
    kind: AffiliationKind
    relations: CodeList[AffiliationRelation] = Field([])


def _codes(description: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(None, description=description, exclude_if=_requires_nothing)


def _flag(description: str | None = None) -> Any:  # noqa: ANN401
    return Field(False, description=description, exclude_if=_requires_nothing)


_SENSITIVE: Final = "Optional in every profile."


class EligibilityCriteria(RequestModel):
    """Who may apply: every criterion has to be met, and one value of a list is enough.

    Empty lists, absent values and `false` mean open to all. `citizenship_required`, `citizenships`
    and `immigration_statuses` are one criterion, and so are the five fields of residence: one value
    of any of them is enough.
    """

    min_gpa: Gpa | None = Field(None, description="On the 4.0 scale.")
    max_gpa: Gpa | None = None
    grade_levels: Annotated[ShortList[GradeName], AfterValidator(unique)] = Field([])
    citizenship_required: Citizenship | None = Field(
        None,
        description=(
            "ISO 3166-1 alpha-2 code; `permanent_resident`: citizens and permanent residents of"
            " the US; `international`: any country but the US."
        ),
    )
    residency_states: Annotated[ShortList[StateCode], AfterValidator(unique)] = Field([])
    fields_of_study: Annotated[ShortList[FieldName], AfterValidator(unique)] = Field([])
    min_age: Age | None = None
    max_age: Age | None = None
    financial_need: bool = False

    class_rank_percent_max: Annotated[int, Field(ge=1, le=100)] | None = _codes(
        "10: among the best tenth of the class."
    )
    tests: CodeList[TestScore] | None = _codes("One score is enough.")
    class_years: CodeList[ClassYear] | None = _codes()
    degree_levels: CodeList[DegreeLevel] | None = _codes()
    graduation_statuses: CodeList[GraduationStatus] | None = _codes()
    graduation_years: CodeList[Year] | None = _codes()
    cip_codes: CodeList[CipCode] | None = _codes("A program meets its series and its family.")
    citizenships: CodeList[CitizenshipCode] | None = _codes(
        "As `citizenship_required`, of which it takes the place."
    )
    immigration_statuses: CodeList[ImmigrationStatus] | None = _codes()
    residency_countries: CodeList[CountryCode] | None = _codes()
    residency_counties: CodeList[CountyCode] | None = _codes("Five digits of FIPS.")
    residency_zips: CodeList[ZipCode] | None = _codes()
    residency_places: CodeList[Place] | None = _codes()
    current_institutions: CodeList[Institution] | None = _codes("Where the student is enrolled.")
    future_institutions: CodeList[Institution] | None = _codes("Where the student will enroll.")
    high_schools: CodeList[Institution] | None = _codes()
    alumni_of: CodeList[Institution] | None = _codes()
    institution_types: CodeList[InstitutionType] | None = _codes()
    institution_categories: CodeList[InstitutionCategory] | None = _codes()
    institution_states: CodeList[UsStateCode] | None = _codes()
    enrollment: CodeList[EnrollmentCode] | None = _codes()
    modes: CodeList[ModeCode] | None = _codes()
    genders: CodeList[GenderCode] | None = _codes(_SENSITIVE)
    heritages: CodeList[HeritageCode] | None = _codes(_SENSITIVE)
    religions: CodeList[ReligionCode] | None = _codes(_SENSITIVE)
    lgbtq: bool = _flag(_SENSITIVE)
    first_generation: bool = _flag("First of the family to go to college.")
    pell_eligible: bool = _flag("Eligible for a Federal Pell Grant.")
    study_abroad: bool = _flag()
    max_income: Annotated[int, Field(ge=0, le=MAX_MONEY)] | None = _codes(
        "Income of the household in a year, in the currency of the award."
    )
    max_sai: Annotated[int, Field(ge=LOWEST_SAI, le=MAX_MONEY)] | None = _codes(
        "Student Aid Index of US federal student aid."
    )
    min_credits: Credits | None = _codes("Credits completed.")
    max_credits: Credits | None = _codes()
    military: CodeList[MilitaryTie] | None = _codes(_SENSITIVE)
    conditions: CodeList[Condition] | None = _codes(_SENSITIVE)
    circumstances: CodeList[CircumstanceCode] | None = _codes(_SENSITIVE)
    events: CodeList[EventCode] | None = _codes()
    activities: CodeList[ActivityCode] | None = _codes()
    interests: CodeList[InterestCode] | None = _codes()
    languages: CodeList[LanguageCode] | None = _codes()
    affiliations: CodeList[Affiliation] | None = _codes()
    professions: CodeList[ProfessionCode] | None = _codes()
    parent_professions: CodeList[ProfessionCode] | None = _codes()
    future_professions: CodeList[ProfessionCode] | None = _codes()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.citizenship_required is not None and (
            self.citizenships or self.immigration_statuses
        ):
            shown = citizenship_in_one_word(
                self.citizenships or (), self.immigration_statuses or ()
            )
            if self.citizenship_required != shown:
                raise ValueError(
                    "citizenship_required must be left out beside citizenships or"
                    " immigration_statuses"
                )
        for low, high in _BOUNDS:
            lowest, highest = getattr(self, low), getattr(self, high)
            if lowest is not None and highest is not None and lowest > highest:
                raise ValueError(f"{low} must not be above {high}")
        return self

    def as_stored(self) -> dict[str, Any]:
        """The criteria that require anything, as values of JSON."""
        # Most of the fields require nothing, so that it is faster to leave them out first.
        given = {name for name, value in self.__dict__.items() if requires(value)}
        if self.citizenships or self.immigration_statuses:
            given.discard("citizenship_required")  # it only repeats them
        return self.model_dump(mode="json", include=given)


_BOUNDS: Final = (
    ("min_gpa", "max_gpa"),
    ("min_age", "max_age"),
    ("min_credits", "max_credits"),
)
