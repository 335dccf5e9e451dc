"""Makes rows for imports."""

import json
from typing import Any

Row = dict[str, Any]


def award(**fields: object) -> Row:
    """A row with the required fields, and `fields`."""
    return {
        "id": "award",
        "name": "Name",
        "organization": "Organization",
        "scholarship_type": "merit_based",
        **fields,
    }


def ndjson(*awards: Row) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in awards)


FULL: Row = {
    "name": "Prix d'été",
    "organization": "Acme Trust",
    "description": "Line one\nline two",
    "amount_min": 99.99,
    "amount_max": 9999999999.99,
    "currency": "CHF",
    "max_awards": 3,
    "application_deadline": "2127-03-01",
    "deadline_timezone": "Asia/Kolkata",
    "recurs": "yearly",
    "notification_date": "2127-05-01",
    "scholarship_type": "need_based",
    "renewable": True,
    "essay_required": True,
    "recommendation_letters": 2,
    "eligibility_criteria": {
        "min_gpa": 2.75,
        "grade_levels": ["doctoral", "graduate"],
        "citizenship_required": "permanent_resident",
        "residency_states": ["CA", "PR"],
        "fields_of_study": ["law", "psychology"],
        "min_age": 16,
        "financial_need": True,
    },
    "application_url": "https://example.org/apply",
    "contact_email": "a@example.org",
    "last_verified_on": "2026-01-02",
}
"""A new award with a value in every field."""
