"""Requests and answers on synonyms and rules of the search, and the file that holds them all."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.input_limits import RequestModel, at_most_items
from scholarship_api.instants import Instant
from scholarship_api.search import limits
from scholarship_api.search.rules import normal_words
from scholarship_api.search.text import parser
from scholarship_api.vocabulary import FieldName, unique

MAX_SYNONYMS: Final = 500
"""Entries of synonyms and exceptions. The built-in table has about 180 rows."""

MAX_RULES: Final = 500
"""Rules. Each worker holds all of them in memory, a few KB each."""

MAX_TEXTS: Final = 12
"""Words or phrases on one side of an entry. A query uses at most 24 synonyms in all."""

MAX_TEXT_CHARACTERS: Final = 60
MAX_TEXT_WORDS: Final = 5
"""Words of a phrase. The longest of the built-in table, "national association for the advancement
of colored people", has eight and stands on its right side only."""

MAX_OTHER_WORDS: Final = 10
"""Words of a phrase that is only found, as the names of associations are."""

MAX_QUERY_CHARACTERS: Final = 100
MAX_QUERY_WORDS: Final = 10
"""Words of the query of a rule. Longer queries are hardly typed twice in the same way."""

MAX_HIDDEN: Final = 50
MAX_BOOSTED: Final = 50
"""Awards that one rule hides, or that one boost names."""

MAX_NOTE_CHARACTERS: Final = 500

_SINGLE_WORD: Final = re.compile(r"[a-z0-9]{2,40}")

_SYNONYM_EXAMPLE: Final[dict[str, JsonValue]] = {
    "kind": "two_way",
    "words": ["nurse aide", "cna", "certified nursing assistant"],
    "note": "Asked for by the health sciences office.",
}
_RULE_EXAMPLE: Final[dict[str, JsonValue]] = {
    "query": "nursing scholarships",
    "match": "exact",
    "pin": ["campus-nursing-2027"],
    "hide": ["closed-to-new-applicants"],
    "boost": [{"organization": "Acme Trust", "factor": 2}],
    "from": "2027-01-01T00:00:00Z",
    "until": "2027-04-01T00:00:00Z",
    "note": "Nursing week.",
}


class SynonymKind(StrEnum):
    TWO_WAY = "two_way"
    ONE_WAY = "one_way"
    NOT_SYNONYMS = "not_synonyms"
    SEPARATE = "separate"
    NEVER_CORRECTED = "never_corrected"


def _text(*, max_words: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        """The words as the search compares them, in small letters with single spaces."""
        _check_characters(text)
        words = [word.text.lower() for word in parser.parse(text).plain_words]
        if not words:
            raise ValueError("holds no word that can be searched for")
        if len(words) > max_words:
            raise ValueError(f"at most {max_words} words are allowed")
        return " ".join(words)

    return check


def _check_characters(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _check_query(query: str) -> str:
    query = " ".join(_check_characters(query).split())
    words = normal_words(query)
    if not words:
        raise ValueError("holds no word that can be searched for")
    if len(words) > MAX_QUERY_WORDS:
        raise ValueError(f"at most {MAX_QUERY_WORDS} words are allowed")
    return query


Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_text(max_words=MAX_TEXT_WORDS)),
]
OtherText = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_text(max_words=MAX_OTHER_WORDS)),
]
Note = Annotated[str, Field(max_length=MAX_NOTE_CHARACTERS), AfterValidator(_check_characters)]


def _ids(limit: int) -> Any:  # noqa: ANN401 - the argument of Annotated
    return (Field(max_length=limit), at_most_items(limit), AfterValidator(unique))


class _Written(RequestModel):
    enabled: bool = Field(True, description="false: kept, and without effect.")
    note: Note = Field("", description="For those who maintain it; the search does not show it.")


class WrittenSynonym(_Written):
    model_config = ConfigDict(json_schema_extra={"examples": [_SYNONYM_EXAMPLE]})

    kind: SynonymKind = Field(
        description="`two_way`: each of `words` finds the others. `one_way`: `words` find `others`,"
        " not the other way round. `not_synonyms`: `words` no longer find `others`, or, without"
        " `others`, no synonyms at all. `separate`: `words` and `others` have one stem and are not"
        " mixed. `never_corrected`: `words` are spelled as they are meant."
    )
    words: Annotated[
        list[Text], Field(min_length=1, max_length=MAX_TEXTS), at_most_items(MAX_TEXTS)
    ] = Field(description="Words and phrases, in small letters and without signs in the answer.")
    others: Annotated[list[OtherText], Field(max_length=MAX_TEXTS), at_most_items(MAX_TEXTS)] = (
        Field([], description="The other side, for kinds that have two.")
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        self.words, self.others = unique(self.words), unique(self.others)
        if set(self.words) & set(self.others):
            raise ValueError("words and others must not have a text in common")
        if self.kind is SynonymKind.TWO_WAY and len(self.words) == 1:
            raise ValueError("two_way needs at least two different words")
        if self.kind in (SynonymKind.TWO_WAY, SynonymKind.NEVER_CORRECTED) and self.others:
            raise ValueError(f"{self.kind} has no others")
        if self.kind in (SynonymKind.ONE_WAY, SynonymKind.SEPARATE) and not self.others:
            raise ValueError(f"{self.kind} needs others")
        if self.kind in (SynonymKind.SEPARATE, SynonymKind.NEVER_CORRECTED) and not all(
            _SINGLE_WORD.fullmatch(text) for text in (*self.words, *self.others)
        ):
            raise ValueError(f"{self.kind} takes single words of a to z and digits")
        return self


class WrittenBoost(RequestModel):
    factor: float = Field(
        ge=1.1,
        le=limits.MAX_BOOST_FACTOR,
        allow_inf_nan=False,
        description="Multiplies the score of relevance. With more than 1 000 results, which are"
        " sorted in steps, boosted awards come first in each step.",
    )
    scholarship_ids: Annotated[list[ScholarshipId], *_ids(MAX_BOOSTED)] | None = None
    organization: (
        Annotated[
            str,
            Field(min_length=1, max_length=255, pattern=r"\S"),
            AfterValidator(_check_characters),
        ]
        | None
    ) = Field(None, description="Its awards, however the name is spelled.")
    field_of_study: FieldName | None = Field(None, description="The awards that name this field.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        given = [
            bool(each) for each in (self.scholarship_ids, self.organization, self.field_of_study)
        ]
        if sum(given) != 1:
            raise ValueError("needs one of scholarship_ids, organization and field_of_study")
        return self


class WrittenRule(_Written):
    model_config = ConfigDict(json_schema_extra={"examples": [_RULE_EXAMPLE]})

    query: Annotated[
        str,
        Field(min_length=1, max_length=MAX_QUERY_CHARACTERS),
        AfterValidator(_check_query),
    ] = Field(
        description="Words that are compared with those of `q` without letter case, accents, signs"
        " and the endings of plurals, before spelling is corrected."
    )
    match: Literal["exact", "contains"] = Field(
        "exact",
        description="`exact`: q has these words alone, in this order. `contains`: q has all of"
        " them, among others and in any order.",
    )
    pin: Annotated[list[ScholarshipId], *_ids(limits.MAX_PINS)] = Field(
        [], description="Awards that come first, in this order, where the filters keep them."
    )
    hide: Annotated[list[ScholarshipId], *_ids(MAX_HIDDEN)] = Field(
        [], description="Awards that are left out of items, totals and facets."
    )
    boost: Annotated[
        list[WrittenBoost],
        Field(max_length=limits.MAX_BOOSTS),
        at_most_items(limits.MAX_BOOSTS),
    ] = Field([], description="Awards that rank higher.")
    starts_at: Instant | None = Field(
        None, alias="from", description="Null: from now on. The rule is in force from this instant."
    )
    ends_at: Instant | None = Field(
        None, alias="until", description="Null: without end. It ends before this instant."
    )

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        if not (self.pin or self.hide or self.boost):
            raise ValueError("a rule needs pin, hide or boost")
        if set(self.pin) & set(self.hide):
            raise ValueError("an award is either pinned or hidden")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("until must be after from")
        return self


class _Stored(BaseModel):
    id: uuid.UUID
    created_at: dt.datetime
    updated_at: dt.datetime


class Synonym(WrittenSynonym, _Stored):
    pass


class Rule(WrittenRule, _Stored):
    pass


class SynonymPage(BaseModel):
    items: list[Synonym] = Field(description="Oldest first.")
    next_cursor: str | None


class RulePage(BaseModel):
    items: list[Rule] = Field(description="Oldest first, in which order they take effect.")
    next_cursor: str | None


class BuiltInSynonyms(BaseModel):
    """A row of the built-in table."""

    words: list[str]
    others: list[str] = Field(description="Empty: all of `words` find each other.")


class BuiltInTable(BaseModel):
    items: list[BuiltInSynonyms]


# --- The file ------------------------------------------------------------------------------------

FILE_FORMAT: Final = "scholarship-search-rules"
FILE_VERSION: Final = 1


class FileSynonym(WrittenSynonym):
    id: uuid.UUID


class FileRule(WrittenRule):
    id: uuid.UUID


class RulesFile(RequestModel):
    """All synonyms and rules. The format is named, so that no other file is mistaken for one."""

    format: Literal["scholarship-search-rules"]
    version: Literal[1]
    synonyms: Annotated[list[FileSynonym], at_most_items(MAX_SYNONYMS)] = Field([])
    rules: Annotated[list[FileRule], at_most_items(MAX_RULES)] = Field([])

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for entries in (self.synonyms, self.rules):
            ids = [entry.id for entry in entries]
            if len(set(ids)) < len(ids):
                raise ValueError("two entries have the same id")
        return self
