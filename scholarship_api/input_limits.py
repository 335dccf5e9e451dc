"""Limits on the shape of a request, checked before any value in it is validated.

Pydantic validates every item of a list and every key of an object, and collects an error for each
that is wrong. Both take time and memory in proportion to the number of mistakes. These validators
look at the length first, so that a list or an object that is too long costs one error.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

T = TypeVar("T")

MAX_LIST_ITEMS: Final = 100
"""Items in a list. The longest useful one names all 56 states and territories."""

MAX_OBJECT_KEYS: Final = 100
"""Keys in an object. The largest documented one, a set of criteria, has about 60."""


def at_most_items(limit: int) -> BeforeValidator:
    """A validator that refuses a longer list with one error; other values pass unchanged."""

    def check(value: object) -> object:
        if isinstance(value, list) and len(value) > limit:
            raise ValueError(f"at most {limit} items are allowed")
        return value

    return BeforeValidator(check)


def limit_items(value: object) -> object:
    """Refuse a list of more than MAX_LIST_ITEMS with one error; other values pass unchanged."""
    if isinstance(value, list) and len(value) > MAX_LIST_ITEMS:
        raise ValueError(f"at most {MAX_LIST_ITEMS} items are allowed")
    return value


def limit_keys(value: object) -> object:
    """Refuse an object of more than MAX_OBJECT_KEYS with one error; other values pass unchanged."""
    if isinstance(value, dict) and len(value) > MAX_OBJECT_KEYS:
        raise ValueError(f"at most {MAX_OBJECT_KEYS} keys are allowed")
    return value


def split_commas(value: object) -> object:
    """`a,b`, `["a,b"]` and `["a", "b"]` are the same list, of at most MAX_LIST_ITEMS parts."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        return value
    limit_items(values)
    commas = sum(part.count(",") for part in values if isinstance(part, str))
    if len(values) + commas > MAX_LIST_ITEMS:
        raise ValueError(f"at most {MAX_LIST_ITEMS} items are allowed")
    parts: list[object] = []
    for part in values:
        if isinstance(part, str):
            parts += [piece for piece in part.split(",") if piece.strip()]
        else:
            parts.append(part)
    return parts


ShortList = Annotated[list[T], Field(max_length=MAX_LIST_ITEMS), BeforeValidator(limit_items)]
"""A list in a JSON body: `ShortList[StateCode]`."""

CommaList = Annotated[list[T], Field(max_length=MAX_LIST_ITEMS), BeforeValidator(split_commas)]
"""The same, where one text may hold several items separated by commas, as in a query string."""


class RequestModel(BaseModel):
    """Base of every model that reads a request: unknown keys are refused, many of them at once."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _limit_keys(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was sent
        return limit_keys(values)
