"""Which field a header names, in English, in other languages, and shortened."""

import re

import pytest

from scholarship_api.exchange.header_languages import PATTERNS_OF_OTHER_LANGUAGES
from scholarship_api.exchange.header_patterns import PATTERNS
from scholarship_api.exchange.headers import match_header
from scholarship_api.exchange.targets import TARGETS


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Scholarship Name", "name"),
        ("ScholarshipName *", "name"),
        ("Provider / Sponsor", "organization"),
        ("Fall Deadline", "application_deadline"),
        ("Award Amt", "amount"),
        ("Amt.", "amount"),
        ("Min. GPA", "min_gpa"),
        ("Elig. Majors", "fields_of_study"),
        ("Letters of Rec", "recommendation_letters"),
        ("App Link", "application_url"),
        ("Nombre de la beca", "name"),
        ("FECHA LÍMITE", "application_deadline"),
        ("Fecha límite de solicitud", "application_deadline"),
        ("Monto máximo", "amount_max"),
        ("Correo electrónico", "contact_email"),
        ("Cómo solicitarla", "how_to_apply"),
        ("Organização", "organization"),
        ("Prazo de inscrição", "application_deadline"),
        ("Nom de la bourse", "name"),
        ("Date limite de dépôt", "application_deadline"),
        ("Förderhöhe", "amount"),
        ("Bewerbungsfrist", "application_deadline"),
        ("Notes", None),
        ("Mascota", None),
    ],
)
def test_a_header_names_a_field(header: str, target: str | None) -> None:
    assert match_header(header).target == target


def test_the_patterns_are_written_like_the_words_that_they_are_compared_with() -> None:
    for target, patterns in (*PATTERNS, *PATTERNS_OF_OTHER_LANGUAGES.items()):
        assert target in TARGETS
        for pattern in patterns:
            assert re.compile(pattern).groups == 0
            assert pattern.isascii()
            assert pattern.replace(r"\d", "") == pattern.replace(r"\d", "").casefold()


@pytest.mark.parametrize("bracket", ["(", "[", "{", "(a ", "[a]("])
def test_a_header_of_brackets_costs_no_more_than_its_length(bracket: str) -> None:
    """A search from each bracket to the end would take hours."""
    assert match_header(bracket * 300_000).target is None
