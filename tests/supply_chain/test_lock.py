from pathlib import Path

import pytest

from deploy.supply_chain.lock import FILE, Lock
from tests.supply_chain.locks import locked, write_lock


def test_packages_excludes_the_project(tmp_path: Path) -> None:
    folder = {"name": "near", "version": "3", "source": {"directory": "../near"}}
    file = write_lock(
        tmp_path / "uv.lock", locked("b", "1"), locked("a", "2"), locked("a", "1"), folder
    )
    found = [(package.name, package.version, package.registry) for package in Lock(file).packages()]
    index = "https://index.test/simple"
    assert found == [("a", "1", index), ("a", "2", index), ("b", "1", index), ("near", "3", None)]


def test_runtime_follows_dependencies_extras_and_markers(tmp_path: Path) -> None:
    file = write_lock(
        tmp_path / "uv.lock",
        {
            **locked("a", "1"),
            "dependencies": [{"name": "of-a"}],
            "optional-dependencies": {"fast": [{"name": "speedups"}], "slow": [{"name": "brakes"}]},
        },
        locked("brakes", "1"),
        locked("for-windows", "1"),
        locked("linter", "1"),
        {**locked("of-a", "1"), "dependencies": [{"name": "a"}]},
        locked("of-an-extra", "1"),
        locked("speedups", "1"),
        locked("two", "1"),
        locked("two", "2"),
        dependencies=[
            {"name": "a", "extra": ["fast"]},
            {"name": "for-windows", "marker": "sys_platform == 'win32'"},
            {"name": "two", "version": "1", "marker": "python_full_version < '3'"},
            {"name": "two", "version": "2", "marker": "python_full_version >= '3'"},
        ],
        **{
            "optional-dependencies": {"extra": [{"name": "of-an-extra"}]},
            "dev-dependencies": {"dev": [{"name": "linter"}]},
        },
    )
    found = [(package.name, package.version) for package in Lock(file).runtime()]
    expected = [("a", "1"), ("of-a", "1"), ("of-an-extra", "1"), ("speedups", "1"), ("two", "2")]
    assert found == expected


def test_the_lock_of_the_project_can_be_read() -> None:
    runtime = {package.name for package in Lock(FILE).runtime()}
    assert {"fastapi", "psycopg-binary", "opentelemetry-sdk"} <= runtime
    assert not {"pytest", "zizmor", "matplotlib"} & runtime
    assert runtime < {package.name for package in Lock(FILE).packages()}


def test_a_file_without_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1")
    with pytest.raises(ValueError, match="one project, not 0"):
        Lock(tmp_path / "uv.lock")
