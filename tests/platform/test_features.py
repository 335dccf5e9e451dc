"""The platform knows no feature: not by import (import-linter), and not by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import scholarship_api

PACKAGE = Path(scholarship_api.__file__).parent
FEATURES = {path.parent.name for path in PACKAGE.glob("*/routes.py")}
OWN_NAMES = ("scholarship_api", "scholarship-api")
WORD = re.compile(r"[a-z]+")


def texts(tree: ast.AST) -> Iterator[str]:
    """The names that a module defines or uses, and its strings.

    Attributes and keyword arguments are left out, as libraries name those: `pattern.search(text)`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=text) | ast.arg(arg=text) | ast.Constant(value=str() as text):
                yield text
            case ast.ClassDef(name=text) | ast.FunctionDef(name=text):
                yield text
            case ast.AsyncFunctionDef(name=text) | ast.alias(name=text):
                yield text


def features_named(source: str) -> list[str]:
    found = []
    for text in texts(ast.parse(source)):
        for own in OWN_NAMES:
            text = text.replace(own, "")  # noqa: PLW2901
        found += [word for word in WORD.findall(text.lower()) if word in FEATURES]
    return found


def test_the_platform_names_no_feature() -> None:
    assert {"accounts", "catalogue", "search"} <= FEATURES
    findings = {
        str(path.relative_to(PACKAGE)): found
        for path in PACKAGE.glob("platform/**/*.py")
        if (found := features_named(path.read_text()))
    }
    assert findings == {}


def test_a_name_is_found_in_code_and_in_strings() -> None:
    source = (
        '"""Like accounts."""\ndef search_it() -> str:\n    return re.search("/api/v1/search")\n'
    )
    assert sorted(features_named(source)) == ["accounts", "search", "search"]
