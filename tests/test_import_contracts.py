"""The kind of contract that import-linter was taught: scripts/import_contracts.py."""

import pytest
from grimp import ImportGraph

from scripts.import_contracts import OwnedByFeature


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
