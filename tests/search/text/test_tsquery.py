"""Queries as PostgreSQL's tsquery texts, without a database."""

import re
from collections.abc import Mapping

import pytest

from scholarship_api.search.text.parser import parse
from scholarship_api.search.text.tsquery import (
    Meaning,
    Place,
    Ranked,
    Synonym,
    TextQuery,
    Unit,
    beginnings,
    compile_query,
    quote,
)

ABSENT = Meaning(None)


def compiled(
    text: str, meanings: Mapping[str, Meaning] | None = None, **units: Unit
) -> TextQuery | None:
    """Words without a meaning of their own are their own stems; units by their first words."""
    query = parse(text)
    known = meanings or {}
    return compile_query(
        query,
        {word: known.get(word.text, Meaning(word.text)) for word in query.words},
        {word: units[word.text] for word in query.words if word.text in units},
    )


def of(text: str, meanings: Mapping[str, Meaning] | None = None, **units: Unit) -> TextQuery:
    result = compiled(text, meanings, **units)
    assert result is not None
    return result


def test_words_phrases_exclusions_and_completions() -> None:
    result = of(
        'law "school of nursing" -texas nurs',
        {
            "of": ABSENT,
            "nursing": Meaning("nurs"),
            "nurs": Meaning("nurs", completions=("nurs", "nurseri")),
        },
    )
    assert result.match == "('school'<2>'nurs')&!('texas')&('law')&('nurs'|'nurseri')"
    assert result.did_you_mean is None
    assert result.in_place(Place.NAME) == (
        "('school'<2>'nurs')&('n/school')&('n/nurs')&!('texas')&('n/law')&('n/nurs'|'n/nurseri')"
    )


def test_stop_words_alone_leave_nothing_to_look_for() -> None:
    assert compiled("the of", {"the": ABSENT, "of": ABSENT}) is None


def test_exclusions_alone_rank_nothing() -> None:
    result = of("-law")
    assert (result.match, result.ranked, result.placed) == ("!('law')", (), None)


def test_signs_in_a_lexeme_are_quoted() -> None:
    assert of("x", {"x": Meaning("o'brien\\")}).match == "('o''brien\\\\')"


def test_corrections_take_the_place_of_the_words() -> None:
    result = of(
        'scolarship in "enginering" micro soft tacobell',
        {
            "scolarship": Meaning("scholarship", correction="scholarship"),
            "enginering": Meaning("engin", correction="engineering"),
            "in": ABSENT,
            "micro": Meaning("microsoft", correction="microsoft"),
            "soft": Meaning(None, correction=""),
            "tacobell": Meaning(None, correction="taco bell", halves=("taco", "bell")),
        },
    )
    assert result.did_you_mean == 'scholarship in "engineering" microsoft taco bell'
    assert result.match == "('engin')&('scholarship')&('microsoft')&('taco'&'bell')"


def test_synonyms_match_too_and_count_less() -> None:
    unit = Unit(1, (Synonym(("legal",)), Synonym(("of", "law"), "'of'<->'law'")), weight=0.5)
    result = of("lawyer", {"lawyer": Meaning("lawyer", weight=2)}, lawyer=unit)
    assert result.match == "('lawyer'|'legal'|'of'<->'law')"
    assert result.placed == "('?/lawyer'|'?/legal'|'?/of'&'?/law')"
    assert result.ranked == (
        Ranked(2, "'lawyer'"),
        Ranked(0.5, "'legal'"),
        Ranked(0.3, "'of'<->'law'"),
    )


def test_words_that_have_synonyms_together_are_one_part() -> None:
    unit = Unit(2, (Synonym(("comput",)),))
    result = of("computer science texas", computer=unit)
    assert result.match == "(('computer')&('science')|'comput')&('texas')"
    assert [looser.match for looser in result.looser] == [
        "((('computer')&('science')|'comput')|('texas'))"
    ]


def test_a_result_that_is_too_large_can_do_without_synonyms() -> None:
    result = of("law", law=Unit(1, (Synonym(("legal",)),)))
    assert result.narrower is not None
    assert result.narrower.match == "('law')"
    assert of("law").narrower is None
    unknown = Unit(1, (Synonym(("legal",)),), has_own_words=False)
    assert of("jd", {"jd": ABSENT}, jd=unknown).narrower is None


def test_optional_words_rank_and_exclude_nothing() -> None:
    optional = {"award": Meaning("award", weight=0.5, is_optional=True)}
    result = of("law award", optional)
    assert result.match == "('law')"
    assert Ranked(0.5, "'award'") in result.ranked
    assert result.looser == ()
    assert of("award", optional).match == "('award')"
    assert of('"law" award', optional).match == "('law')"


@pytest.mark.parametrize(
    ("text", "counts"), [("a", []), ("a b", [1]), ("a b c", [2, 1]), ("a b c d e", [4, 2, 1])]
)
def test_fewer_and_fewer_words_will_do(text: str, counts: list[int]) -> None:
    looser = of(text).looser
    assert [each.match.split("|")[0].count("(") - 1 for each in looser] == counts
    assert all(each.ranked == of(text).ranked for each in looser)


def test_of_many_words_any_will_do() -> None:
    [any_word] = of("a b c d e f g").looser
    assert any_word.match == "(('a')|('b')|('c')|('d')|('e')|('f')|('g'))"


def test_phrases_and_exclusions_are_not_given_up() -> None:
    [any_word] = of('"a b" -c d e').looser
    assert any_word.match == "('a'<1>'b')&!('c')&(('d')|('e'))"


def test_neighbours_rank_by_their_nearness() -> None:
    result = of("marine law", {"marine": Meaning("marin", weight=3), "law": Meaning("law")})
    assert result.ranked == (
        Ranked(3, "'marin'"),
        Ranked(1, "'law'"),
        Ranked(1, "'marin'&'law'"),
    )


def test_completions_count_little_beside_the_word_and_all_without_it() -> None:
    both = of("art", {"art": Meaning("art", completions=("art", "artist", "artisan"))})
    assert both.ranked == (Ranked(1, "'art'"), Ranked(0.05, "'artist'|'artisan'", 2))
    begun = of("arti", {"arti": Meaning(None, completions=("artist", "artisan"))})
    assert begun.ranked == (Ranked(1, "'artist'|'artisan'", 2),)


def test_many_matches_are_ranked_by_the_parts_that_tell_most() -> None:
    result = of("marine law", {"marine": Meaning("marin", weight=3)})
    assert result.for_matches(100) is result
    assert result.for_matches(9_000).ranked == (Ranked(3, "'marin'"), Ranked(1, "'law'"))
    assert result.for_matches(1_000_000).ranked == (Ranked(3, "'marin'"),)


@pytest.mark.parametrize(
    ("lexeme", "words"),
    [
        ("nurs", ["nurse", "nursing", "nursery"]),
        ("studi", ["study", "studies"]),
        ("hope", ["hope", "hoping"]),
        ("disabl", ["disability", "disabled"]),
        ("be", ["be"]),
        ("o'brien", ["o'brien"]),
        ("1.5", ["1.5"]),
    ],
)
def test_all_words_of_a_stem_begin_as_is_said(lexeme: str, words: list[str]) -> None:
    pattern = beginnings(f"('school'<2>{quote(lexeme)})&!('texas')")
    assert all(re.match(pattern, word) for word in [*words, "schools", "texas"])
    assert not re.match(pattern, "award")
    assert not re.match(pattern, "105")
