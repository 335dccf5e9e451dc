"""The licence check, with distributions in a folder of the test."""

import sys
from datetime import date
from importlib import metadata
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from deploy.supply_chain import licences
from deploy.supply_chain.licences import Policy, Reviewed, check, read_policy
from deploy.supply_chain.lock import FILE, Lock, LockedPackage
from tests.supply_chain.locks import locked, write_lock

POLICY = Policy(frozenset({"MIT"}), {})


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path for distributions."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def install(place: Path, name: str, version: str, *lines: str) -> None:
    folder = place / f"{name}-{version}.dist-info"
    folder.mkdir()
    header = ("Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}")
    (folder / "METADATA").write_text("\n".join((*header, *lines)))


def outcome(policy: Policy = POLICY, *, name: str = "award", version: str = "1.0") -> str:
    [finding] = check([LockedPackage(name, version, None)], policy)
    return f"{finding.outcome}: {finding.licence}"


def test_a_listed_licence_is_allowed(installed: Path) -> None:
    install(installed, "award", "1.0", "License-Expression: MIT")
    assert outcome() == "allowed: MIT"


def test_an_unlisted_licence_is_forbidden(installed: Path) -> None:
    install(installed, "award", "1.0", "License-Expression: GPL-3.0-only")
    assert outcome() == "forbidden: GPL-3.0-only"


def test_an_unnamed_licence_is_unknown(installed: Path) -> None:
    install(installed, "award", "1.0", "License: ask us")
    assert outcome() == "unknown: is not named"


def test_a_package_that_is_not_installed_is_unknown(installed: Path) -> None:
    assert outcome() == "unknown: is not installed"


def test_another_installed_version_is_unknown(installed: Path) -> None:
    install(installed, "award", "1.1", "License-Expression: MIT")
    assert outcome() == "unknown: 1.1 is installed"


def test_a_review_counts_for_one_version(installed: Path) -> None:
    install(installed, "award", "1.0")
    review = Reviewed("1.0", "MIT", date(2026, 1, 1), "the file LICENSE")
    assert outcome(Policy(frozenset({"MIT"}), {"award": review})) == "allowed: MIT"
    assert outcome(Policy(frozenset({"ISC"}), {"award": review})) == "forbidden: MIT"
    older = Reviewed("0.9", "MIT", date(2026, 1, 1), "the file LICENSE")
    assert outcome(Policy(frozenset({"MIT"}), {"award": older})) == "unknown: is not named"


def test_the_dependencies_of_the_project_are_allowed() -> None:
    findings = check(Lock(FILE).runtime(), read_policy(licences.POLICY))
    assert len(findings) > 40
    assert [finding for finding in findings if finding.outcome != "allowed"] == []
    used = " ".join(finding.licence for finding in findings)
    assert [name for name in read_policy(licences.POLICY).allowed if name not in used] == []


def test_the_command_prints_findings_and_fails(tmp_path: Path) -> None:
    app = Typer()
    app.command()(licences.main)
    (tmp_path / "policy.toml").write_text('[licences]\nallowed = ["Apache-2.0"]\n')
    rich = locked("rich", metadata.version("rich"))
    lock = write_lock(tmp_path / "uv.lock", rich, dependencies=[{"name": "rich"}])
    arguments = ["--lock", str(lock), "--policy"]
    refused = CliRunner().invoke(app, [*arguments, str(tmp_path / "policy.toml")])
    assert refused.exit_code == 1
    assert f"rich {metadata.version('rich')}: forbidden: MIT" in refused.output
    accepted = CliRunner().invoke(app, [*arguments, str(licences.POLICY)])
    assert accepted.exit_code == 0, accepted.output
    assert "allowed" in accepted.output
