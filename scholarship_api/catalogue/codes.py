"""Types for the codes of awards and profiles, and for lists of them."""

from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field

from scholarship_api.input_limits import at_most_items
from scholarship_api.vocabularies.schemas import code_of
from scholarship_api.vocabularies.vocabulary import UnknownCodeError
from scholarship_api.vocabulary import citizenship

T = TypeVar("T")

MAX_CODES: Final = 50
"""Items in a list of a criteria set. The longest useful one names the states of the US."""


def _citizenship(value: str) -> str:
    try:
        return citizenship(value)
    except ValueError as error:
        raise UnknownCodeError(f"{error}; see /api/v1/vocabularies/countries") from None


# The canonical code of a vocabulary, see /api/v1/vocabularies.
ActivityCode = Annotated[str, code_of("activities")]
AffiliationKind = Annotated[str, code_of("affiliation_kinds")]
AffiliationRelation = Annotated[str, code_of("affiliation_relations")]
ApplicationMethod = Annotated[str, code_of("application_methods")]
CipCode = Annotated[str, code_of("cip_codes")]
CircumstanceCode = Annotated[str, code_of("circumstances")]
CitizenshipCode = Annotated[str, AfterValidator(_citizenship)]
ClassYear = Annotated[str, code_of("class_years")]
ConditionCode = Annotated[str, code_of("conditions")]
ConditionRelation = Annotated[str, code_of("condition_relations")]
CountryCode = Annotated[str, code_of("countries")]
CountyCode = Annotated[str, code_of("counties")]
CoverageComponent = Annotated[str, code_of("coverage_components")]
CoverageKind = Annotated[str, code_of("coverage_kinds")]
CoveragePeriod = Annotated[str, code_of("coverage_periods")]
DegreeLevel = Annotated[str, code_of("degree_levels")]
EnrollmentCode = Annotated[str, code_of("enrollment")]
EventCode = Annotated[str, code_of("events")]
FlagCode = Annotated[str, code_of("flags")]
GenderCode = Annotated[str, code_of("genders")]
GraduationStatus = Annotated[str, code_of("graduation_statuses")]
HeritageCode = Annotated[str, code_of("heritages")]
ImmigrationStatus = Annotated[str, code_of("immigration_statuses")]
InstitutionCategory = Annotated[str, code_of("institution_categories")]
InstitutionType = Annotated[str, code_of("institution_types")]
InterestCode = Annotated[str, code_of("interests")]
LanguageCode = Annotated[str, code_of("languages")]
MilitaryBranch = Annotated[str, code_of("military_branches")]
MilitaryRelation = Annotated[str, code_of("military_relations")]
MilitaryStatus = Annotated[str, code_of("military_statuses")]
ModeCode = Annotated[str, code_of("modes")]
ProfessionCode = Annotated[str, code_of("professions")]
ReligionCode = Annotated[str, code_of("religions")]
RenewalCode = Annotated[str, code_of("renewals")]
RequirementKind = Annotated[str, code_of("requirement_kinds")]
RequirementSource = Annotated[str, code_of("requirement_sources")]
RoundKind = Annotated[str, code_of("round_kinds")]
UsStateCode = Annotated[str, code_of("states")]
ZipCode = Annotated[str, code_of("zips")]


def unique_items(values: list[T]) -> list[T]:
    """Without repetitions, in the given order; the items need not be hashable."""
    kept: list[T] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


CodeList = Annotated[
    list[T],
    Field(max_length=MAX_CODES),
    at_most_items(MAX_CODES),
    AfterValidator(unique_items),
]
"""Codes or objects without repetitions: `CodeList[GenderCode]`."""
