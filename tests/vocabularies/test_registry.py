"""Every vocabulary is consistent, and narrower codes satisfy broader ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api import vocabulary as enumerations
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabularies.vocabulary import Vocabulary

ALL = pytest.mark.parametrize("vocabulary", VOCABULARIES.values(), ids=VOCABULARIES)
SIZES = {
    "cip_codes": 48 + 79,
    "countries": 249,
    "states": 56,
    "counties": 3234 + 9,
    "immigration_statuses": 27,
    "conditions": 27,
    "circumstances": 25,
}


@ALL
def test_codes_and_labels_are_unique_and_well_formed(vocabulary: Vocabulary) -> None:
    labels = [term.label for term in vocabulary.terms.values()]
    assert all(label.strip() == label and label[:1].strip() for label in labels)
    if vocabulary.name != "counties":
        assert len(set(labels)) == len(labels)
    for code in vocabulary.terms:
        assert re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code)
        assert vocabulary.parse(code) == code
        assert vocabulary.parse(f" {code} ") == code


@ALL
def test_broader_codes_are_in_the_vocabulary_and_without_cycles(vocabulary: Vocabulary) -> None:
    for code in vocabulary.terms:
        itself, *broader = vocabulary.with_broader(code)
        assert itself == code
        for above in broader:
            assert vocabulary.parse(above) == above
            assert code not in vocabulary.with_broader(above)


@pytest.mark.parametrize("name", SIZES)
def test_a_list_is_complete(name: str) -> None:
    assert len(VOCABULARIES[name].terms) == SIZES[name]


def test_the_lists_agree_with_the_enumerations() -> None:
    assert list(VOCABULARIES["fields_of_study"].terms) == list(enumerations.FieldOfStudy)
    assert list(VOCABULARIES["scholarship_types"].terms) == list(enumerations.ScholarshipType)
    assert list(VOCABULARIES["grade_levels"].terms) == list(enumerations.GradeLevel)
    assert VOCABULARIES["states"].terms.keys() == enumerations.STATES
    assert VOCABULARIES["countries"].terms.keys() == enumerations.COUNTRIES


BROADER = [
    ("heritages", "asian.hmong", {"asian"}),
    ("heritages", "hispanic_latino.mexican", {"hispanic_latino"}),
    ("heritages", "white", set()),
    ("cip_codes", "51.3801", {"51.38", "51"}),
    ("cip_codes", "51", set()),
    ("immigration_statuses", "refugee", {"eligible_noncitizen"}),
    ("immigration_statuses", "daca", set()),
    ("conditions", "autism", {"any_disability"}),
    ("conditions", "cancer", set()),
    ("institution_types", "community_college", {"two_year", "public"}),
    ("military_statuses", "disabled_veteran", {"veteran"}),
    ("circumstances", "orphan", {"lost_parent"}),
    (
        "activities",
        "performing_arts.theater.acting",
        {"performing_arts.theater", "performing_arts"},
    ),
    ("languages", "pt-br", {"pt"}),
    ("professions", "29-1141", {"29-114", "29-11", "29-1", "29"}),
    ("professions", "health.nurse", {"health"}),
]


@pytest.mark.parametrize(("name", "code", "broader"), BROADER)
def test_a_narrower_code_satisfies_the_broader_ones(
    name: str, code: str, broader: set[str]
) -> None:
    vocabulary = VOCABULARIES[name]
    assert vocabulary.parse(code) == code
    assert set(vocabulary.with_broader(code)) == {code, *broader}
    for above in broader:
        assert code not in vocabulary.with_broader(above)


SPELLINGS = [
    ("enrollment", "Full-Time", "full_time"),
    ("genders", " WOMAN ", "woman"),
    ("heritages", "Asian.Hmong", "asian.hmong"),
    ("countries", "de", "DE"),
    ("states", "ny ", "NY"),
    ("cip_codes", "5138", "51.38"),
    ("cip_codes", "51.2401", "01.80"),
    ("cip_codes", "60.06", "61.22"),
    ("languages", "pt-BR", "pt-br"),
    ("zips", "12345-6789", "12345"),
    ("activities", "Sports.Track and Field", "sports.track_and_field"),
    ("professions", "29-1141", "29-1141"),
]


@pytest.mark.parametrize(("name", "given_code", "canonical"), SPELLINGS)
def test_spellings_become_the_canonical_code(name: str, given_code: str, canonical: str) -> None:
    assert VOCABULARIES[name].parse(given_code) == canonical


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("genders", "female"),
        ("heritages", "martian.green"),
        ("heritages", "asian."),
        ("cip_codes", "21"),
        ("cip_codes", "55.01"),
        ("cip_codes", "02"),
        ("cip_codes", "51.3"),
        ("counties", "99999"),
        ("zips", "1234"),
        ("activities", "a..b"),
        ("languages", "english"),
        ("professions", "29-11415"),
        ("countries", "XX"),
    ],
)
def test_unknown_codes_are_refused_with_what_is_allowed(name: str, code: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: .+") as refused:
        VOCABULARIES[name].parse(code)
    assert len(str(refused.value)) < 2_000


@given(st.sampled_from(list(VOCABULARIES)), st.text(max_size=60))
def test_any_text_is_parsed_or_refused(name: str, text: str) -> None:
    vocabulary = VOCABULARIES[name]
    try:
        code = vocabulary.parse(text)
    except ValueError:
        return
    assert vocabulary.parse(code) == code
    assert vocabulary.label(code)
