"""Answers about vocabularies, and types for their codes in requests."""

from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field

from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabularies.registry import VOCABULARIES

MAX_TERMS: Final = 500
"""Terms of one answer: 40 kB for the longest labels."""


def code_of(name: str) -> BeforeValidator:
    """A validator that gives the canonical code of a vocabulary, or says what is allowed."""
    vocabulary = VOCABULARIES[name]

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return vocabulary.parse(value)

    return BeforeValidator(parse)


class TermsRequest(RequestModel):
    q: Annotated[str, Field(max_length=100)] = Field(
        "", description="Keep terms with all these words, or beginnings of words, in code or label."
    )
    limit: int = Field(100, ge=1, le=MAX_TERMS, description="Terms in one answer.")
    offset: int = Field(0, ge=0, le=10_000, description="Terms to skip.")


class Term(BaseModel):
    code: str
    label: str
    broader: list[str] = Field(description="Codes that somebody with this code also satisfies.")


class VocabularyInfo(BaseModel):
    name: str
    title: str
    description: str
    terms: int = Field(description="How many codes are listed.")
    pattern: str | None = Field(
        description="A regular expression for codes that are accepted without being listed."
    )
    href: str


class VocabularyList(BaseModel):
    vocabularies: list[VocabularyInfo]


class VocabularyTerms(VocabularyInfo):
    total: int = Field(description="How many terms match q.")
    items: list[Term]
