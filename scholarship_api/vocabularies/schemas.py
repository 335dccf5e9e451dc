"""Answers about vocabularies, and types for their codes in requests."""

from typing import Annotated, Final

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabularies.registry import VOCABULARIES

MAX_TERMS: Final = 500
"""Terms of one answer: 40 kB for the longest labels."""


class CodeValidator:
    """Gives the canonical code of a vocabulary, or says what is allowed; for Annotated."""

    def __init__(self, name: str) -> None:
        self._vocabulary = VOCABULARIES[name]

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(self._parse, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        described["description"] = f"A code of /api/v1/vocabularies/{self._vocabulary.name}."
        return described

    def _parse(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return self._vocabulary.parse(value)


def code_of(name: str) -> CodeValidator:
    """The validator of a vocabulary: `Annotated[str, code_of("genders")]`."""
    return CodeValidator(name)


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
