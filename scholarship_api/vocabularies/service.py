"""Answers about vocabularies."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from scholarship_api.errors import NotFound
from scholarship_api.vocabularies import schemas
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabularies.vocabulary import Term, Vocabulary

PATH: Final = "/api/v1/vocabularies"

_WORD: Final = re.compile(r"[^\W_]+")


def list_all() -> schemas.VocabularyList:
    return schemas.VocabularyList(
        vocabularies=[
            schemas.VocabularyInfo(**_describe(vocabulary)) for vocabulary in VOCABULARIES.values()
        ]
    )


def find_terms(*, name: str, request: schemas.TermsRequest) -> schemas.VocabularyTerms:
    """Raises NotFound for an unknown name."""
    if name not in VOCABULARIES:
        raise NotFound("There is no vocabulary with this name.")
    vocabulary = VOCABULARIES[name]
    found = list(_matching(vocabulary, request.q))
    page = found[request.offset : request.offset + request.limit]
    return schemas.VocabularyTerms(
        **_describe(vocabulary),
        total=len(found),
        items=[
            schemas.Term(
                code=term.code,
                label=term.label,
                broader=list(vocabulary.with_broader(term.code)[1:]),
            )
            for term in page
        ],
    )


def _describe(vocabulary: Vocabulary) -> dict[str, object]:
    return {
        "name": vocabulary.name,
        "title": vocabulary.title,
        "description": vocabulary.description,
        "terms": len(vocabulary.terms),
        "pattern": vocabulary.pattern,
        "href": f"{PATH}/{vocabulary.name}",
    }


def _matching(vocabulary: Vocabulary, q: str) -> Iterator[Term]:
    wanted = [f" {word}" for word in _words(q)]
    if not wanted:
        yield from vocabulary.terms.values()
        return
    for code, text in _searched_texts(vocabulary.name).items():
        if all(word in text for word in wanted):
            yield vocabulary.terms[code]


def is_named(code: str, q: str, *, vocabularies: Iterable[str]) -> bool:
    """Whether each word of `q` begins a word of the code, or of its label in a vocabulary."""
    texts = [_searched_texts(name).get(code, "") for name in vocabularies]
    texts.append(" ".join(["", *_words(code)]))
    wanted = [f" {word}" for word in _words(q)]
    return any(all(word in text for word in wanted) for text in texts)


@functools.cache
def _searched_texts(name: str) -> dict[str, str]:
    """The words of each code and its label, each word after a space; 0.3 MB for the counties."""
    terms = VOCABULARIES[name].terms.values()
    return {term.code: " ".join(["", *_words(f"{term.code} {term.label}")]) for term in terms}


def _words(text: str) -> list[str]:
    """The words of a text in lower case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    return _WORD.findall(plain.casefold())
