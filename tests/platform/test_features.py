"""The platform knows no feature: not by import (import-linter), and not by name."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import scholarship_api

PACKAGE = Path(scholarship_api.__file__).parent
FEATURES = {path.parent.name for path in PACKAGE.glob("*/routes.py")}
OWN_NAMES = ("scholarship_api", "scholarship-api")
WORD = re.compile(r"[a-z]+")


def names_of_features(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each feature that a name, a string or a comment mentions.

    Methods are left out: a regular expression has one that is called search.
    """
    previous = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = "" if previous == "." else token.string.lower()
        previous = token.string
        for own in OWN_NAMES:
            text = text.replace(own, "")
        for word in WORD.findall(text):
            if word in FEATURES:
                yield token.start[0], word


def test_the_platform_names_no_feature() -> None:
    assert {"accounts", "catalogue", "search"} <= FEATURES
    findings = [
        f"{path.relative_to(PACKAGE)}:{line}: {word}"
        for path in sorted(PACKAGE.glob("platform/**/*.py"))
        for line, word in names_of_features(path.read_text())
    ]
    assert findings == []


def test_a_name_is_found_in_code_strings_and_comments() -> None:
    source = 'def search_it() -> str:\n    return re.search("/api/v1/search")  # like catalogue\n'
    assert [word for _, word in names_of_features(source)] == ["search", "search", "catalogue"]
