"""All vocabularies of the service, by name.

This module needs neither the web framework nor a database.
"""

import re
from collections.abc import Mapping
from typing import Final

from scholarship_api.vocabularies import cip
from scholarship_api.vocabularies.vocabulary import Vocabulary, dotted_parent, fold, upper

SLUG: Final = r"[a-z0-9_]{1,40}"
_DOTTED: Final = rf"[a-z][a-z0-9_]{{0,39}}(?:\.{SLUG}){{0,4}}"


def _language(text: str) -> str:
    return text.strip().lower()


def _language_parent(code: str) -> tuple[str, ...]:
    """`pt-br` is also `pt`."""
    parent, hyphen, _ = code.rpartition("-")
    return (parent,) if hyphen else ()


_OCCUPATION: Final = re.compile(r"[0-9]{2}-[0-9]{0,4}")


def _profession(text: str) -> str:
    code = text.strip()
    return code if _OCCUPATION.fullmatch(code) else fold(code)


def _profession_parent(code: str) -> tuple[str, ...]:
    """`29-1141` is also each of its beginnings, such as `29-1`; `health.nurse` is also `health`."""
    if _OCCUPATION.fullmatch(code):
        shorter = code[:-1].removesuffix("-")
        return (shorter,)
    return dotted_parent(code)


def _zip(text: str) -> str:
    return text.strip()[:5]


_ALL: Final = (
    Vocabulary("fields_of_study", "Fields of study", "The coarse fields; cip_codes are finer."),
    Vocabulary("scholarship_types", "Types of scholarships", "What an award is mainly given for."),
    Vocabulary("grade_levels", "Grade levels", "The stage of education."),
    Vocabulary("class_years", "Class years", "The year within a stage of education."),
    Vocabulary("degree_levels", "Degree levels", "The degree that a student works towards."),
    Vocabulary("graduation_statuses", "Graduation statuses", "Where a student stands."),
    Vocabulary(
        "cip_codes",
        "Programs of study",
        "The Classification of Instructional Programs, 2020: two, four or six digits, such as"
        " 51.38. The families and frequent series are listed; every code of a family is accepted.",
        pattern=cip.PATTERN,
        normalise=cip.normalise,
        broader_of_pattern=cip.broader,
    ),
    Vocabulary(
        "immigration_statuses",
        "Citizenship and immigration statuses",
        "The status under the law of the US. eligible_noncitizen has the meaning of federal aid.",
    ),
    Vocabulary(
        "genders", "Genders", "transgender may stand beside another. A profile may have several."
    ),
    Vocabulary(
        "heritages",
        "Heritages",
        "Race and ethnicity by the standard of the US Office of Management and Budget (SPD 15,"
        " 2024). A detail is written as category.detail, such as asian.hmong, and any detail is"
        " accepted.",
        pattern=(
            "(?:american_indian_alaska_native|asian|black_african_american|hispanic_latino"
            "|middle_eastern_north_african|native_hawaiian_pacific_islander|white|ancestry)"
            rf"\.{SLUG}"
        ),
        broader_of_pattern=dotted_parent,
    ),
    Vocabulary("institution_types", "Types of institutions", "Length, control and kind."),
    Vocabulary(
        "institution_categories", "Categories of institutions", "Designations by federal law."
    ),
    Vocabulary("enrollment", "Enrollment", "The share of a full course load."),
    Vocabulary("modes", "Modes of study", "How and where the courses are taken."),
    Vocabulary("military_branches", "Uniformed services", "The services of the US."),
    Vocabulary("military_statuses", "Military statuses", "Service, now or before."),
    Vocabulary(
        "military_relations", "Relations to a member of the military", "The student's relation."
    ),
    Vocabulary("conditions", "Disabilities and health conditions", "Of the student or a relative."),
    Vocabulary(
        "condition_relations", "Relations to a person with a condition", "Who has the condition."
    ),
    Vocabulary("circumstances", "Circumstances", "Situations of a student's life."),
    Vocabulary("events", "Events", "Events that an award helps after."),
    Vocabulary("affiliation_kinds", "Kinds of groups", "Kinds of groups that one belongs to."),
    Vocabulary("affiliation_relations", "Relations to a member of a group", "Who belongs to it."),
    Vocabulary(
        "activities",
        "Activities",
        "Sports, arts and other activities: words such as sports.tennis, with the broader one"
        " before the dot.",
        has_list=False,
        pattern=_DOTTED,
        broader_of_pattern=dotted_parent,
    ),
    Vocabulary(
        "interests",
        "Interests",
        "Words such as environment.oceans, with the broader one before the dot.",
        has_list=False,
        pattern=_DOTTED,
        broader_of_pattern=dotted_parent,
    ),
    Vocabulary(
        "religions",
        "Religions",
        "Words such as christian.lutheran, with the broader one before the dot.",
        has_list=False,
        pattern=_DOTTED,
        broader_of_pattern=dotted_parent,
    ),
    Vocabulary(
        "languages",
        "Languages",
        "BCP 47 in lower case, such as es or pt-br.",
        has_list=False,
        pattern=r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}",
        normalise=_language,
        broader_of_pattern=_language_parent,
    ),
    Vocabulary(
        "professions",
        "Professions",
        "The Standard Occupational Classification, 2018, or a beginning of a code, such as 29-1141"
        " or 29-1; or a word such as firefighter.",
        has_list=False,
        pattern=rf"[0-9]{{2}}(?:-[0-9]{{1,4}})?|{_DOTTED}",
        normalise=_profession,
        broader_of_pattern=_profession_parent,
    ),
    Vocabulary("tests", "Tests", "Tests with a section, such as sat.math."),
    Vocabulary("countries", "Countries", "ISO 3166-1 alpha-2.", normalise=upper),
    Vocabulary(
        "states", "States of the US", "USPS codes of the states and territories.", normalise=upper
    ),
    Vocabulary(
        "counties",
        "Counties of the US",
        "Five digits of FIPS 6-4: two of the state, three of the county. Connecticut has its"
        " planning regions and its former counties.",
    ),
    Vocabulary(
        "zips",
        "ZIP codes",
        "Five digits; the four digits of ZIP+4 are dropped.",
        has_list=False,
        pattern=r"[0-9]{5}",
        normalise=_zip,
    ),
    Vocabulary("round_kinds", "Kinds of rounds", "When a round of applications closes."),
    Vocabulary("requirement_kinds", "Kinds of requirements", "What an application consists of."),
    Vocabulary("requirement_sources", "Sources of requirements", "Who hands a requirement in."),
    Vocabulary("application_methods", "Ways to apply", "How an application is made."),
    Vocabulary("coverage_kinds", "Kinds of coverage", "What an award pays."),
    Vocabulary("coverage_components", "Covered costs", "Costs that an award may be used for."),
    Vocabulary("coverage_periods", "Periods of payment", "How often an award is paid."),
    Vocabulary("renewals", "Renewals", "Whether an award is given for several years."),
    Vocabulary("flags", "Warnings", "What students should know before they apply."),
)

VOCABULARIES: Final[Mapping[str, Vocabulary]] = {vocabulary.name: vocabulary for vocabulary in _ALL}
