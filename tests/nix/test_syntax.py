"""Every Nix file has valid syntax."""

from pathlib import Path

import pytest

from tests.nix.expressions import FILES, REPOSITORY, errors, parse


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_parses(file: Path) -> None:
    assert list(errors(parse(file.read_bytes()))) == []


@pytest.mark.parametrize("source", [b"{ a = 1 }", b"{ a = [ 1; }", b"let a = 1; in", b"{ a = ; }"])
def test_what_is_no_nix_is_seen(source: bytes) -> None:
    assert list(errors(parse(source))) != []
