"""The values that an import accepts for each field, as errors say it."""

from typing import Final

_DATE: Final = "a date such as 2027-01-31 or Jan 31, 2027"
_DEADLINE: Final = f"{_DATE}; an instant such as 2027-01-31T17:00:00Z; Rolling; or TBA"
_MONEY: Final = "an amount such as 2500, $2,500, 2.5k, up to $2,500 or 1,000-2,500 EUR"
_YES_OR_NO: Final = "yes or no"
_ADDRESS: Final = "an address such as https://example.org/apply"
_GPA: Final = "a number such as 3.0, or a number with its scale such as 85/100"
_WHOLE: Final = "a whole number"

_ACCEPTED: Final = {
    "id": "letters, digits and . _ : ~ -, at most 128; or no id, and one is derived",
    "amount": _MONEY,
    "amount_min": _MONEY,
    "amount_max": _MONEY,
    "currency": "an ISO 4217 code such as USD",
    "max_awards": _WHOLE,
    "application_deadline": _DEADLINE,
    "deadline_kind": "fixed, rolling or unknown",
    "deadline_timezone": "an IANA time zone such as America/New_York",
    "deadline_estimated": _YES_OR_NO,
    "recurs": "yearly or none",
    "notification_date": _DATE,
    "scholarship_type": (
        "merit_based, need_based, athletic, minority, academic_achievement or community_service"
    ),
    "renewable": _YES_OR_NO,
    "essay_required": _YES_OR_NO,
    "recommendation_letters": "a whole number from 0 to 10",
    "application_url": _ADDRESS,
    "website_url": _ADDRESS,
    "source_url": _ADDRESS,
    "contact_email": "an e-mail address such as aid@example.org",
    "last_verified_on": _DATE,
    "status": "draft, published or archived",
    "criteria_complete": _YES_OR_NO,
    "eligibility_criteria.min_gpa": _GPA,
    "eligibility_criteria.max_gpa": _GPA,
    "eligibility_criteria.grade_levels": (
        "high_school, undergraduate, graduate, doctoral and post_doctoral, separated by ;"
    ),
    "eligibility_criteria.citizenship_required": (
        "a country code such as US, permanent_resident or international"
    ),
    "eligibility_criteria.residency_states": "states such as CA or California, separated by ;",
    "eligibility_criteria.fields_of_study": (
        "engineering, technology, science, mathematics, medicine, nursing, business, arts,"
        " education, law, social_sciences and other, separated by ;"
    ),
    "eligibility_criteria.min_age": _WHOLE,
    "eligibility_criteria.max_age": _WHOLE,
    "eligibility_criteria.financial_need": _YES_OR_NO,
}


def accepted_for(field: str) -> str:
    """The accepted values of a field, by its dotted name; empty where the reason says it."""
    return _ACCEPTED.get(field, "")
