"""Lists and objects that are too long are refused by their length, with one error."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from scholarship_api.app import create_app
from scholarship_api.input_limits import (
    MAX_LIST_ITEMS,
    MAX_OBJECT_KEYS,
    CommaList,
    RequestModel,
    ShortList,
)
from scholarship_api.settings.settings import Settings
from scholarship_api.vocabulary import StateCode


class Example(RequestModel):
    states: CommaList[StateCode] = Field([])
    plain: ShortList[int] = Field([])


def problems(values: dict[str, Any]) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as raised:
        Example.model_validate(values)
    return [(problem["loc"], problem["msg"]) for problem in raised.value.errors()]


@pytest.mark.parametrize("values", ["CA,NY", ["CA,NY"], ["CA", "NY"], ["CA", "NY,"]])
def test_commas_separate_items(values: object) -> None:
    assert Example.model_validate({"states": values}).states == ["CA", "NY"]


def test_lists_of_the_greatest_length_are_accepted() -> None:
    example = Example.model_validate(
        {"states": ["CA"] * MAX_LIST_ITEMS, "plain": [1] * MAX_LIST_ITEMS}
    )
    assert len(example.states) == len(example.plain) == MAX_LIST_ITEMS
    assert len(Example(states=",".join(["CA"] * MAX_LIST_ITEMS)).states) == MAX_LIST_ITEMS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("states", ["x"] * 250_000),
        ("states", [1] * 250_000),
        ("states", "x," * 250_000),
        ("states", ["x,x"] * 60),
        ("states", ["CA"] * (MAX_LIST_ITEMS + 1)),
        ("plain", ["x"] * 250_000),
        ("plain", [1] * (MAX_LIST_ITEMS + 1)),
    ],
    ids=["words", "numbers", "commas", "both", "one too many", "wrong items", "right items"],
)
def test_a_longer_list_is_one_error(field: str, value: object) -> None:
    message = f"Value error, at most {MAX_LIST_ITEMS} items are allowed"
    assert problems({field: value}) == [((field,), message)]


def test_unknown_keys_are_refused_by_name() -> None:
    assert problems({"a": 1, "b": 2}) == [
        (("a",), "Extra inputs are not permitted"),
        (("b",), "Extra inputs are not permitted"),
    ]


def test_an_object_of_too_many_keys_is_one_error() -> None:
    values = {str(number): 1 for number in range(80_000)}
    message = f"Value error, at most {MAX_OBJECT_KEYS} keys are allowed"
    assert problems(values) == [((), message)]


@pytest.mark.parametrize("value", [None, 5, {"CA": 1}, [["CA"]]])
def test_a_value_that_is_no_list_is_left_to_the_field(value: object) -> None:
    assert len(problems({"states": value})) == 1


# --- All requests of the document ----------------------------------------------------------------

IGNORES_UNKNOWN_KEYS = {"Credentials", "LoginForm"}
"""The form of RFC 6749 may have other fields, and its JSON twin does as it does."""


def document() -> dict[str, Any]:
    settings = Settings(environment="test", database_url=SecretStr("postgresql://x@127.0.0.1:1/x"))
    return create_app(settings).openapi()


def components_of_bodies(document: dict[str, Any]) -> set[str]:
    """The names of all schemas that the bodies of requests are made of."""
    found: set[str] = set()

    def look(schema: object) -> None:
        if isinstance(schema, list):
            for each in schema:
                look(each)
        elif isinstance(schema, dict):
            name = str(schema.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                look(document["components"]["schemas"][name])
            look(list(schema.values()))

    for operations in document["paths"].values():
        for operation in operations.values():
            look(operation.get("requestBody", {}).get("content", {}))
    return found


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def test_every_body_refuses_long_lists_and_objects_by_their_length() -> None:
    names = {name.removesuffix("-Input") for name in components_of_bodies(document())}
    checked = [
        model
        for model in models()
        if model.__module__.startswith("scholarship_api.")
        and model.__name__ in names - IGNORES_UNKNOWN_KEYS
    ]
    assert len(checked) > 20
    for model in checked:
        assert issubclass(model, RequestModel), f"{model.__name__} is no RequestModel"
        for name, field in model.model_fields.items():
            with pytest.raises(ValidationError) as raised:
                model.model_validate({field.alias or name: [1] * 10_000, "unknown key": 1})
            mistakes = [each for each in raised.value.errors() if each["loc"][:1] == (name,)]
            assert len(mistakes) < 10, f"{model.__name__}.{name}: one mistake for each item"
