"""What import-linter cannot see, and the kind of contract that it was taught."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from grimp import ImportGraph

from scripts.import_contracts import OwnedByFeature

PACKAGE = Path(__file__).parents[1] / "scholarship_api"
NO_FEATURES = {"devserver", "platform", "preflight", "sample_data", "settings"}
FEATURES = sorted(
    path.name
    for path in PACKAGE.iterdir()
    if (path / "__init__.py").exists() and path.name not in NO_FEATURES
)
WIRE_NAMES = {"scholarship.trace_id"}
"""Names that others read, and that contain the service's own name."""


def test_the_features_are_those_of_the_package() -> None:
    assert {"accounts", "catalogue", "search"} <= set(FEATURES)


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string and every own name with its line; no docstrings, no methods of `re`."""
    docstrings = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list)
        for statement in body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield node.lineno, text
            case ast.Name(id=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name


@pytest.mark.parametrize(
    "path",
    sorted((PACKAGE / "platform").rglob("*.py")),
    ids=lambda path: str(path.relative_to(PACKAGE / "platform")),
)
def test_the_platform_holds_no_feature_s_name(path: Path) -> None:
    pattern = re.compile(rf"(?<![a-z])({'|'.join(FEATURES)}|scholarship)(?!_api|-api)(?![a-z])")
    found = [
        (line, text)
        for line, text in _names(ast.parse(path.read_text()))
        if text not in WIRE_NAMES and pattern.search(text)
    ]
    assert found == []


def _broken(*imports: tuple[str, str], ignored: str | None = None) -> list[str]:
    graph = ImportGraph()
    for importer, imported in imports:
        graph.add_import(
            importer=importer, imported=imported, line_number=1, line_contents="import"
        )
    modules = {module for pair in imports for module in pair}
    contract = OwnedByFeature(
        name="queries",
        session_options={},
        contract_options={
            "modules": ["package.**.queries", *(modules & {"package.search.sql"})],
            "ignore_imports": [ignored] if ignored else [],
        },
    )
    check = contract.check(graph, verbose=False)
    assert check.kept is not bool(check.metadata["foreign"])
    found: list[str] = check.metadata["foreign"]
    return found


def test_a_feature_may_import_its_own_queries() -> None:
    assert _broken(("package.a.service", "package.a.queries")) == []
    assert _broken(("package.search.service", "package.search.sql")) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("package.b.service", "package.a.queries"),
        ("package.b.c.service", "package.a.deep.queries"),
        ("package.app", "package.search.sql"),
    ],
)
def test_another_feature_may_not(importer: str, imported: str) -> None:
    assert _broken((importer, imported)) == [f"{importer} imports {imported}"]
    assert _broken((importer, imported), ignored=f"{importer} -> {imported}") == []
