"""Compiling queries into PostgreSQL's tsquery texts, without a database."""

import re
from collections.abc import Mapping

import pytest

from scholarship_api.search.text.parser import parse
from scholarship_api.search.text.tsquery import (
    ExpandedTerm,
    Field,
    Synonym,
    SynonymGroup,
    TextQuery,
    WeightedClause,
    compile_query,
    quote,
    word_beginnings,
)

STOP_WORD = ExpandedTerm(None)


def compiled(
    text: str, terms: Mapping[str, ExpandedTerm] | None = None, **groups: SynonymGroup
) -> TextQuery | None:
    """Words that are not in `terms` are their own stems; groups are keyed by their first words."""
    query = parse(text)
    known = terms or {}
    return compile_query(
        query,
        {word: known.get(word.text, ExpandedTerm(word.text)) for word in query.words},
        {word: groups[word.text] for word in query.words if word.text in groups},
    )


def of(
    text: str, terms: Mapping[str, ExpandedTerm] | None = None, **groups: SynonymGroup
) -> TextQuery:
    result = compiled(text, terms, **groups)
    assert result is not None
    return result


def test_words_phrases_exclusions_and_completions() -> None:
    result = of(
        'law "school of nursing" -texas nurs',
        {
            "of": STOP_WORD,
            "nursing": ExpandedTerm("nurs"),
            "nurs": ExpandedTerm("nurs", completions=("nurs", "nurseri")),
        },
    )
    assert result.match == "('school'<2>'nurs')&!('texas')&('law')&('nurs'|'nurseri')"
    assert result.did_you_mean is None
    assert result.in_field(Field.NAME) == (
        "('school'<2>'nurs')&('n/school')&('n/nurs')&!('texas')&('n/law')&('n/nurs'|'n/nurseri')"
    )


def test_stop_words_alone_leave_nothing_to_search_for() -> None:
    assert compiled("the of", {"the": STOP_WORD, "of": STOP_WORD}) is None


def test_exclusions_alone_rank_nothing() -> None:
    result = of("-law")
    assert (result.match, result.weighted_clauses, result.field_query) == ("!('law')", (), None)


def test_signs_in_a_lexeme_are_quoted() -> None:
    assert of("x", {"x": ExpandedTerm("o'brien\\")}).match == "('o''brien\\\\')"


def test_corrections_replace_the_words() -> None:
    result = of(
        'scolarship in "enginering" micro soft tacobell',
        {
            "scolarship": ExpandedTerm("scholarship", correction="scholarship"),
            "enginering": ExpandedTerm("engin", correction="engineering"),
            "in": STOP_WORD,
            "micro": ExpandedTerm("microsoft", correction="microsoft"),
            "soft": ExpandedTerm(None, correction=""),
            "tacobell": ExpandedTerm(None, correction="taco bell", halves=("taco", "bell")),
        },
    )
    assert result.did_you_mean == 'scholarship in "engineering" microsoft taco bell'
    assert result.match == "('engin')&('scholarship')&('microsoft')&('taco'&'bell')"


def test_synonyms_match_too_and_weigh_less() -> None:
    group = SynonymGroup(
        1, (Synonym(("legal",)), Synonym(("of", "law"), "'of'<->'law'")), synonym_weight=0.5
    )
    result = of("lawyer", {"lawyer": ExpandedTerm("lawyer", weight=2)}, lawyer=group)
    assert result.match == "('lawyer'|'legal'|'of'<->'law')"
    assert result.field_query == "('?/lawyer'|'?/legal'|'?/of'&'?/law')"
    assert result.weighted_clauses == (
        WeightedClause(2, "'lawyer'"),
        WeightedClause(0.5, "'legal'"),
        WeightedClause(0.3, "'of'<->'law'"),
    )


def test_words_with_synonyms_together_are_required_as_one() -> None:
    group = SynonymGroup(2, (Synonym(("comput",)),))
    result = of("computer science texas", computer=group)
    assert result.match == "(('computer')&('science')|'comput')&('texas')"
    assert [relaxed.match for relaxed in result.relaxations] == [
        "((('computer')&('science')|'comput')|('texas'))"
    ]


def test_synonyms_can_be_left_out_where_the_words_themselves_occur() -> None:
    result = of("law", law=SynonymGroup(1, (Synonym(("legal",)),)))
    assert result.without_synonyms is not None
    assert result.without_synonyms.match == "('law')"
    assert of("law").without_synonyms is None
    unknown = SynonymGroup(1, (Synonym(("legal",)),), has_own_words=False)
    assert of("jd", {"jd": STOP_WORD}, jd=unknown).without_synonyms is None


def test_optional_words_rank_but_are_not_required() -> None:
    optional = {"award": ExpandedTerm("award", weight=0.5, is_optional=True)}
    result = of("law award", optional)
    assert result.match == "('law')"
    assert WeightedClause(0.5, "'award'") in result.weighted_clauses
    assert result.relaxations == ()
    assert of("award", optional).match == "('award')"
    assert of('"law" award', optional).match == "('law')"


@pytest.mark.parametrize(
    ("text", "counts"), [("a", []), ("a b", [1]), ("a b c", [2, 1]), ("a b c d e", [4, 2, 1])]
)
def test_each_relaxation_requires_fewer_words(text: str, counts: list[int]) -> None:
    relaxations = of(text).relaxations
    assert [each.match.split("|")[0].count("(") - 1 for each in relaxations] == counts
    assert all(each.weighted_clauses == of(text).weighted_clauses for each in relaxations)


def test_many_words_relax_to_any_one_of_them() -> None:
    [any_word] = of("a b c d e f g").relaxations
    assert any_word.match == "(('a')|('b')|('c')|('d')|('e')|('f')|('g'))"


def test_relaxations_keep_phrases_and_exclusions() -> None:
    [any_word] = of('"a b" -c d e').relaxations
    assert any_word.match == "('a'<1>'b')&!('c')&(('d')|('e'))"


def test_neighbouring_words_add_a_clause_for_their_proximity() -> None:
    result = of(
        "marine law", {"marine": ExpandedTerm("marin", weight=3), "law": ExpandedTerm("law")}
    )
    assert result.weighted_clauses == (
        WeightedClause(3, "'marin'"),
        WeightedClause(1, "'law'"),
        WeightedClause(0.5, "'marin'&'law'"),
    )


def test_completions_weigh_little_beside_the_word_and_fully_without_it() -> None:
    both = of("art", {"art": ExpandedTerm("art", completions=("art", "artist", "artisan"))})
    assert both.weighted_clauses == (
        WeightedClause(1, "'art'"),
        WeightedClause(0.05, "'artist'|'artisan'", 2),
    )
    prefix = of("arti", {"arti": ExpandedTerm(None, completions=("artist", "artisan"))})
    assert prefix.weighted_clauses == (WeightedClause(1, "'artist'|'artisan'", 2),)


def test_many_matches_are_ranked_by_the_heaviest_clauses_only() -> None:
    result = of("marine law", {"marine": ExpandedTerm("marin", weight=3)})
    assert result.for_matches(100) is result
    assert result.for_matches(9_000).weighted_clauses == (
        WeightedClause(3, "'marin'"),
        WeightedClause(1, "'law'"),
    )
    assert result.for_matches(1_000_000).weighted_clauses == (WeightedClause(3, "'marin'"),)


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
def test_every_word_of_a_stem_begins_with_the_pattern(lexeme: str, words: list[str]) -> None:
    pattern = word_beginnings(f"('school'<2>{quote(lexeme)})&!('texas')")
    assert all(re.match(pattern, word) for word in [*words, "schools", "texas"])
    assert not re.match(pattern, "award")
    assert not re.match(pattern, "105")
