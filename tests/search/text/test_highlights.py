"""Which words are marked, and which passages are shown."""

import json
import re
from importlib import resources

import psycopg
import pytest

from scholarship_api.search.text.highlights import (
    FOLDED_LETTERS,
    MAX_WORDS,
    can_mark,
    highlighter,
    stems,
)

FILLER = "one two three four five six seven eight nine ten"


def bundled_texts() -> list[str]:
    """The descriptions of the bundled catalogue."""
    file = resources.files("scholarship_api.sample_data") / "catalogue.ndjson"
    return [json.loads(line)["description"] for line in file.read_text().splitlines()]


def marked(
    match: str, words: str, *, name: str = "An award", organization: str = "", description: str = ""
) -> str:
    return highlighter(match, words.split())("\x1e".join((name, organization, description)))


def test_words_with_a_lexeme_of_the_query_are_marked() -> None:
    found = marked("('engin')", "engineer engineering", description="Engineers, Engineering engine")
    assert found == "An award | Engineers, <mark>Engineering</mark> engine"


def test_numbers_and_parted_words_are_their_own_lexemes() -> None:
    match = "('=main')|('12')"
    assert stems(match) == {"12"}
    assert marked(match, "", description="Main, K-12, mains") == (
        "An award | <mark>Main</mark>, K-<mark>12</mark>, mains"
    )


def test_words_that_are_found_as_one_are_marked_together() -> None:
    found = marked("('obrien'|'premed')", "obrien premed", description="O'Brien, O Brien & Pre-Med")
    assert found == (
        "An award | <mark>O</mark>&#x27;<mark>Brien</mark>, O Brien &amp;"
        " <mark>Pre</mark>-<mark>Med</mark>"
    )


def test_only_sentences_with_a_word_are_shown() -> None:
    description = f"{FILLER}. A nurse. {FILLER}. Another nurse. {FILLER}"
    found = marked("('nurs')", "nurse", organization="A trust", description=description)
    assert found == "An award | A trust | A <mark>nurse</mark> … Another <mark>nurse</mark>"


def test_a_text_without_the_words_begins_at_its_beginning() -> None:
    found = marked("('nurs')", "nurse", description=f"{FILLER} {FILLER}")
    assert found == "An award | one two three four five six"


def test_the_fragments_with_the_most_different_words_are_shown() -> None:
    filler = f"{FILLER} " * 3
    description = f"art {filler} art {filler} art law {filler} law"
    found = marked("('art')&('law')", "art law", name="X", description=description)
    assert found.count(" … ") == 1
    assert "<mark>art</mark> <mark>law</mark>" in found
    for fragment in found.split(" … "):
        assert len(re.findall(r"\w+", fragment.replace("mark>", ""))) <= MAX_WORDS


def test_letters_with_marks_are_found_and_shown_as_they_are() -> None:
    found = marked(
        "('gomez')&('saint')", "gomez saint", name="Gómez", description="“SÁINT”—łódź\u2019s"
    )
    assert found == "<mark>Gómez</mark> | “<mark>SÁINT</mark>”—łódź\u2019s"


def test_postgresql_folds_the_letters_alike(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        folded = connection.execute(
            "SELECT letter, public.fold_text(letter) FROM unnest(%s::text[]) AS given (letter)",
            (list(FOLDED_LETTERS),),
        ).fetchall()
    assert dict(folded) == {letter: base.lower() for letter, base in FOLDED_LETTERS.items()}


def test_every_sign_that_parts_words_is_one_letter_after_folding() -> None:
    signs = [chr(code) for code in range(0x80, 0x110000) if chr(code).isprintable()]
    markable = [sign for sign in signs if can_mark(sign)]
    assert {"é", "ł", "—", "\u2019", "€"} <= set(markable)
    assert all(len(sign.lower()) == 1 or sign in FOLDED_LETTERS for sign in markable)


@pytest.mark.parametrize("text", ["Straße", "œuvre", "奨学金", "стипендия", "e\u0301", "a\u00adb"])
def test_other_texts_are_left_to_postgresql(text: str) -> None:
    assert not can_mark(text)


@pytest.mark.parametrize("sign", ["<b>", '"', "'", "&"])
def test_everything_but_the_marks_is_escaped(sign: str) -> None:
    found = marked("('art')", "art", name=f"{sign}art{sign}", description=sign)
    assert sign not in found.replace("<mark>", "").replace("</mark>", "").replace(
        "&amp;", ""
    ).replace("&lt;", "").replace("&gt;", "").replace("&quot;", "").replace("&#x27;", "")


@pytest.mark.parametrize("lexeme", ["engin", "student", "nurs", "studi", "women", "12", "maintain"])
def test_the_words_that_postgresql_marks_are_marked(database_url: str, lexeme: str) -> None:
    texts = [text for text in bundled_texts() if can_mark(text)]
    assert not all(text.isascii() for text in texts)
    words = sorted(
        {word.lower() for text in texts for word in re.findall("[A-Za-z0-9]+", text)} | {"resume"}
    )
    match = f"('{lexeme}')"
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        known = connection.execute(
            "SELECT word FROM unnest(%s::text[]) AS known (word)"
            " WHERE (ts_lexize('pg_catalog.english_stem', word))[1] = %s",
            (words, lexeme),
        ).fetchall()
        shown = connection.execute(
            "SELECT ts_headline('public.scholarship', regexp_replace(text, '[-/.@]', ' ', 'g'),"
            " %s::tsquery, 'HighlightAll=true') FROM unnest(%s::text[]) AS given (text)",
            (match, texts),
        ).fetchall()
    highlight = highlighter(match, [word for (word,) in known])
    for text, (by_postgresql,) in zip(texts, shown, strict=True):
        theirs = {word.lower() for word in re.findall("<b>(.*?)</b>", by_postgresql)}
        ours = re.findall("<mark>(.*?)</mark>", highlight(f"\x1e\x1e{text}"))
        assert {word.lower() for word in ours} == theirs
