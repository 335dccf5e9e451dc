"""The table of criteria: one row gives everything that the service knows of a criterion.

That is: where an award holds it, which answer of a profile it is held against and how, what the
score loses, the words of its explanation and its question, and the search filter and the facet
that go by it. From the same row follow the rule for one award (`rule`) and the rule for all
(`matching`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scholarship_api.catalogue.criteria_set import requires
from scholarship_api.catalogue.read_model import answers as derived
from scholarship_api.catalogue.read_model import entries
from scholarship_api.catalogue.read_model.answers import Answers
from scholarship_api.catalogue.read_model.nesting import broader_of, with_broader
from scholarship_api.catalogue.read_model.relations import (
    AT_LEAST,
    AT_MOST,
    IS_TRUE,
    LIST_SENTENCES,
    ONE_OF,
    AnyEntry,
    AnyOf,
    Outcome,
    Relation,
)

__all__ = [
    "CRITERIA",
    "Alternative",
    "Answers",
    "CriteriaSet",
    "Criterion",
    "Weight",
    "fields_of",
    "requires",
]

CriteriaSet = Mapping[str, Any]
"""The criteria of an award by field; all of those that it holds have to be met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to meet a criterion."""

    field: str
    """The award's, as in its `eligibility_criteria`."""
    answer: str
    """The entry of the derived answers that it is held against."""
    relation: Relation
    told: str = ""
    """The profile's field that is shown, and asked for when it is missing; default: `answer`."""
    vocabulary: str | None = None
    """The vocabulary of its codes, whose labels are shown."""
    filter: str | None = None
    """The parameter of a search whose value is taken for the answer; what fails is left out."""
    facet: str | None = None
    """The facet that counts the awards which a value suits."""
    question: str = ""
    """Asks for the missing answer."""
    noun: str = ""
    """The name in a sentence; default: the criterion's."""
    is_sensitive: bool = False
    """Whether the answer belongs in the bodies of requests only."""

    @property
    def profile_field(self) -> str:
        return self.told or self.answer


@dataclass(frozen=True, slots=True)
class Weight:
    """The loss of the score, in hundredths."""

    failed: int
    missing: int


PERSON: Final = Weight(40, 20)
PLACE: Final = Weight(30, 20)
STUDIES: Final = Weight(30, 20)
MONEY: Final = Weight(20, 10)


@dataclass(frozen=True, slots=True)
class Criterion:
    """Met when one of its alternatives is; an award that has none of the fields has no such
    criterion."""

    name: str
    alternatives: tuple[Alternative, ...]
    weight: Weight
    noun: str
    """The criterion's name in a sentence."""


def row(
    field: str,
    relation: Relation,
    weight: Weight,
    noun: str,
    *,
    answer: str = "",
    told: str = "",
    vocabulary: str | None = None,
    filter: str | None = None,  # noqa: A002 - the row's own word
    facet: str | None = None,
    question: str = "",
    is_sensitive: bool = False,
) -> Criterion:
    """A criterion with one alternative, whose field it is named after."""
    alternative = Alternative(
        field=field,
        answer=answer or field,
        relation=relation,
        told=told,
        vocabulary=vocabulary,
        filter=filter,
        facet=facet,
        question=question,
        is_sensitive=is_sensitive,
    )
    return Criterion(field, (alternative,), weight, noun)


def nested(vocabulary: str, *extra_broader: Callable[[str], tuple[str, ...]]) -> AnyOf:
    """A narrower code meets a broader one; the other way round it is unknown."""

    def accepts(code: str) -> tuple[str, ...]:
        return with_broader(vocabulary, code)

    def broader(code: str) -> tuple[str, ...]:
        found = broader_of(vocabulary, code)
        return (*found, *(each for more in extra_broader for each in more(code)))

    return AnyOf(accepts=accepts, broader=broader, sentences=LIST_SENTENCES)


_MEMBER: Final = AnyOf(sentences=LIST_SENTENCES)
_CITIZEN: Final = AnyOf(
    accepts=derived.accepted_citizenships,
    broader=derived.open_citizenships,
    sentences={
        Outcome.MET: "{noun} {actual} is accepted.",
        Outcome.FAILED: "{noun} {actual} is not accepted; required: {required}.",
        Outcome.UNKNOWN: "{noun} required: {required}; the profile does not say.",
        Outcome.NOT_CHECKED: "{noun} is not checked here; required: {required}.",
    },
)
_INSTITUTION: Final = AnyEntry(
    freeze=entries.institution,
    read_entry=entries.institution,
    judge_entry=entries.judge_institution,
    keys=entries.institution_keys,
    keys_to_judge=entries.institution_keys_to_judge,
)

CRITERIA: Final = (
    row(
        "min_gpa",
        AT_LEAST,
        Weight(40, 30),
        "GPA",
        answer="gpa",
        filter="min_gpa",
        question="What is your grade point average?",
    ),
    # Most students are within an upper bound, so a missing answer costs nothing.
    row("max_gpa", AT_MOST, Weight(40, 0), "GPA", answer="gpa", filter="min_gpa"),
    Criterion(
        "citizenship_required",
        (
            Alternative(
                field="citizenship_required",
                answer="citizenship_codes",
                relation=_CITIZEN,
                told="citizenship",
                filter="citizenship",
                facet="citizenship",
                question="Which citizenship do you have?",
            ),
            Alternative(
                field="citizenships",
                answer="citizenship_codes",
                relation=_CITIZEN,
                told="citizenship",
                filter="citizenship",
                facet="citizenship",
                question="Which citizenships do you have?",
            ),
            Alternative(
                field="immigration_statuses",
                answer="status_codes",
                relation=nested("immigration_statuses", derived.open_statuses),
                told="immigration_statuses",
                vocabulary="immigration_statuses",
                filter="immigration_statuses",
                noun="immigration status",
                question="Which status do you have under the immigration law of the US?",
                is_sensitive=True,
            ),
        ),
        PERSON,
        "citizenship",
    ),
    row(
        "grade_levels",
        ONE_OF,
        STUDIES,
        "grade level",
        answer="grade_level",
        filter="grade_level",
        facet="grade_levels",
        question="At which level do you study?",
    ),
    Criterion(
        "residency_states",
        (
            Alternative(
                field="residency_states",
                answer="state_codes",
                relation=AnyOf(broader=derived.open_states),
                told="state_of_residence",
                filter="states",
                facet="states",
                question="In which state do you live?",
            ),
            Alternative(
                field="residency_countries",
                answer="country_codes",
                relation=AnyOf(sentences=LIST_SENTENCES),
                told="residence.country",
                vocabulary="countries",
                filter="countries",
                facet="countries",
                noun="country of residence",
                question="In which country do you live?",
            ),
            Alternative(
                field="residency_counties",
                answer="county_codes",
                relation=AnyOf(broader=derived.open_counties, sentences=LIST_SENTENCES),
                told="residence.county",
                vocabulary="counties",
                noun="county of residence",
                question="In which county do you live?",
            ),
            Alternative(
                field="residency_zips",
                answer="zip_codes",
                relation=AnyOf(broader=derived.open_zips, sentences=LIST_SENTENCES),
                told="residence.zip",
                noun="ZIP code of residence",
                question="What is the ZIP code of your home?",
            ),
            Alternative(
                field="residency_places",
                answer="places",
                relation=AnyEntry(
                    freeze=entries.place,
                    read_entry=entries.place,
                    judge_entry=entries.judge_place,
                    keys=entries.place_keys,
                    keys_to_judge=entries.place_keys_to_judge,
                ),
                told="residence.place",
                noun="town of residence",
                question="In which town do you live?",
            ),
        ),
        PLACE,
        "state of residence",
    ),
    row(
        "fields_of_study",
        ONE_OF,
        STUDIES,
        "field of study",
        answer="field_of_study",
        filter="fields_of_study",
        facet="fields_of_study",
        question="In which field do you study?",
    ),
    row(
        "min_age",
        AT_LEAST,
        MONEY,
        "age",
        answer="age",
        question="How old are you?",
    ),
    row("max_age", AT_MOST, Weight(20, 0), "age", answer="age"),
    row(
        "financial_need",
        IS_TRUE,
        MONEY,
        "financial need",
        question="Do you have financial need?",
    ),
    # --- Studies ---------------------------------------------------------------------------------
    row(
        "class_rank_percent_max",
        AT_MOST,
        STUDIES,
        "class rank in per cent",
        answer="class_rank_percent",
        question="Among which best per cent of your class are you?",
    ),
    row(
        "tests",
        AnyEntry(freeze=entries.score, judge_entry=entries.judge_score),
        STUDIES,
        "test score",
        answer="scores",
        told="tests",
        question="Which scores do you have in tests such as the SAT or ACT?",
    ),
    row(
        "class_years",
        _MEMBER,
        STUDIES,
        "year of study",
        vocabulary="class_years",
        question="In which year of school or college are you?",
    ),
    row(
        "degree_levels",
        _MEMBER,
        STUDIES,
        "degree",
        vocabulary="degree_levels",
        question="Which degree do you work towards?",
    ),
    row(
        "graduation_statuses",
        _MEMBER,
        STUDIES,
        "graduation status",
        vocabulary="graduation_statuses",
        question="Are you a graduating senior, a graduate, a transfer student?",
    ),
    row(
        "graduation_years",
        _MEMBER,
        STUDIES,
        "year of graduation",
        question="In which year do you graduate?",
    ),
    row(
        "cip_codes",
        nested("cip_codes"),
        STUDIES,
        "program of study",
        vocabulary="cip_codes",
        filter="cip_codes",
        question="Which program do you study?",
    ),
    row(
        "enrollment",
        _MEMBER,
        STUDIES,
        "enrollment",
        vocabulary="enrollment",
        filter="enrollment",
        facet="enrollment",
        question="Do you study full time or part time?",
    ),
    row(
        "modes",
        _MEMBER,
        STUDIES,
        "mode of study",
        vocabulary="modes",
        question="Do you study in person or online?",
    ),
    row(
        "study_abroad",
        IS_TRUE,
        STUDIES,
        "study abroad",
        question="Do you study abroad?",
    ),
    row(
        "min_credits",
        AT_LEAST,
        STUDIES,
        "number of credits",
        answer="credits_completed",
        question="How many credits have you completed?",
    ),
    row("max_credits", AT_MOST, STUDIES, "number of credits", answer="credits_completed"),
    # --- Institutions ----------------------------------------------------------------------------
    row(
        "current_institutions",
        _INSTITUTION,
        PLACE,
        "present school",
        question="Where are you enrolled?",
    ),
    row(
        "future_institutions",
        _INSTITUTION,
        PLACE,
        "future school",
        question="Where will you enroll?",
    ),
    row(
        "high_schools",
        _INSTITUTION,
        PLACE,
        "high school",
        question="Which high school do or did you go to?",
    ),
    row(
        "alumni_of",
        _INSTITUTION,
        PLACE,
        "former school",
        question="From which schools did you graduate?",
    ),
    row(
        "institution_types",
        nested("institution_types", derived.open_types),
        PLACE,
        "type of institution",
        answer="institution_type_codes",
        told="institution_types",
        vocabulary="institution_types",
        filter="institution_types",
        facet="institution_types",
        question="Is your college public or private, of two or of four years?",
    ),
    row(
        "institution_categories",
        _MEMBER,
        PLACE,
        "category of institution",
        vocabulary="institution_categories",
        filter="institution_categories",
        facet="institution_categories",
        question="Is your college an HBCU, a tribal college, a Hispanic-serving institution?",
    ),
    row(
        "institution_states",
        _MEMBER,
        PLACE,
        "state of the institution",
        vocabulary="states",
        question="In which state is your college?",
    ),
    # --- Money -----------------------------------------------------------------------------------
    row(
        "pell_eligible",
        IS_TRUE,
        MONEY,
        "eligibility for a Pell Grant",
        question="Are you eligible for a Federal Pell Grant?",
    ),
    row(
        "max_income",
        AT_MOST,
        MONEY,
        "household income",
        answer="annual_income",
        question="What is the yearly income of your household?",
    ),
    row(
        "max_sai",
        AT_MOST,
        MONEY,
        "Student Aid Index",
        answer="sai",
        question="What is your Student Aid Index?",
    ),
    # --- Person and ties -------------------------------------------------------------------------
    row(
        "first_generation",
        IS_TRUE,
        PERSON,
        "being first in the family to go to college",
        filter="first_generation",
        question="Are you the first in your family to go to college?",
    ),
    row(
        "genders",
        nested("genders", derived.open_genders),
        PERSON,
        "gender",
        answer="gender_codes",
        told="genders",
        vocabulary="genders",
        filter="genders",
        question="What is your gender?",
        is_sensitive=True,
    ),
    row(
        "heritages",
        nested("heritages"),
        PERSON,
        "heritage",
        vocabulary="heritages",
        filter="heritages",
        question="What is your race, ethnicity or ancestry?",
        is_sensitive=True,
    ),
    row(
        "religions",
        nested("religions"),
        PERSON,
        "religion",
        vocabulary="religions",
        filter="religions",
        question="Which religion do you belong to?",
        is_sensitive=True,
    ),
    row(
        "lgbtq",
        IS_TRUE,
        PERSON,
        "being LGBTQ",
        filter="lgbtq",
        question="Are you LGBTQ?",
        is_sensitive=True,
    ),
    row(
        "military",
        AnyEntry(freeze=entries.service, judge_entry=entries.judge_service),
        PERSON,
        "tie to the military",
        filter="military",
        question="Did you or a relative serve in the military?",
        is_sensitive=True,
    ),
    row(
        "conditions",
        AnyEntry(freeze=entries.condition, judge_entry=entries.judge_condition),
        PERSON,
        "disability or health condition",
        filter="conditions",
        question="Do you or a relative have a disability or health condition?",
        is_sensitive=True,
    ),
    row(
        "circumstances",
        nested("circumstances"),
        PERSON,
        "circumstance",
        vocabulary="circumstances",
        filter="circumstances",
        question="Which circumstances apply to you?",
        is_sensitive=True,
    ),
    row(
        "events",
        nested("events"),
        PERSON,
        "event",
        vocabulary="events",
        question="Were you affected by a disaster, a layoff, a death in the family?",
    ),
    row(
        "activities",
        nested("activities"),
        PERSON,
        "activity",
        vocabulary="activities",
        question="Which sports, arts or other activities do you take part in?",
    ),
    row(
        "interests",
        nested("interests"),
        PERSON,
        "interest",
        vocabulary="interests",
        question="Which interests do you have?",
    ),
    row(
        "languages",
        nested("languages"),
        PERSON,
        "language",
        vocabulary="languages",
        question="Which languages do you speak?",
    ),
    row(
        "affiliations",
        AnyEntry(
            freeze=entries.affiliation,
            judge_entry=entries.judge_affiliation,
            keys=entries.affiliation_keys,
            keys_to_judge=entries.affiliation_keys_to_judge,
        ),
        PERSON,
        "membership or employer",
        question="Which groups and employers do you or your relatives belong to?",
    ),
    row(
        "professions",
        nested("professions"),
        PERSON,
        "profession",
        vocabulary="professions",
        question="What is your profession?",
    ),
    row(
        "parent_professions",
        nested("professions"),
        PERSON,
        "profession of a parent",
        vocabulary="professions",
        question="What are the professions of your parents?",
    ),
    row(
        "future_professions",
        nested("professions"),
        PERSON,
        "intended profession",
        vocabulary="professions",
        question="Which profession do you intend to take up?",
    ),
)
"""The weights of docs/api.md, "Eligibility"."""


def fields_of(criteria: Sequence[Criterion]) -> Mapping[str, Alternative]:
    """The alternatives by the award's field."""
    return {
        alternative.field: alternative
        for criterion in criteria
        for alternative in criterion.alternatives
    }
