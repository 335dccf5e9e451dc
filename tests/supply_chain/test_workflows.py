"""Rules for the workflows that actionlint and zizmor do not check."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FILES = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def workflow(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(request.param.read_text())


def steps() -> Iterator[dict[str, Any]]:
    for file in FILES:
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            yield from job.get("steps", ())


def test_workflows_have_least_privilege(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert isinstance(job["permissions"], dict), name
        assert "uses" in job or job["timeout-minutes"] <= 120, name


def test_actions_are_pinned_to_one_commit_each() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for line in file.read_text().splitlines():
            if match := re.match(r"[\s-]*uses: (\S+)(.*)", line):
                name, comment = match.groups()
                if name.startswith("./"):
                    assert (REPOSITORY / name).is_file(), line
                    continue
                assert re.search(r"@[0-9a-f]{40}$", name), line
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), line
                action, _, commit = name.partition("@")
                owner = "/".join(action.split("/")[:2])
                pins.setdefault(owner, set()).add(commit + comment)
    assert len(pins) >= 8
    assert {action: found for action, found in pins.items() if len(found) != 1} == {}


def test_checkouts_keep_no_credentials_and_jobs_use_no_cache() -> None:
    for step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert not step.get("uses", "").startswith("actions/cache")
        assert not any("cache" in name for name in step.get("with", {}))


def test_commands_of_the_workflows_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    targets, scripts = set(), set()
    for step in steps():
        command = step.get("run", "")
        targets.update(re.findall(r"^\s*make ([a-z-]+)", command, re.MULTILINE))
        scripts.update(re.findall(r"^\s*((?:\.github|deploy)/\S+)", command, re.MULTILINE))
    assert {"check", "licences", "test", "test-container", "audit", "sbom", "image"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert {".github/scripts/try-image", "deploy/supply_chain/verify-release"} <= scripts
    for script in scripts:
        assert os.access(REPOSITORY / script, os.X_OK), script


def test_every_version_of_python_that_the_project_supports_is_tested() -> None:
    ci = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
    versions = ci["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]


def test_one_job_needs_all_others() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert set(jobs["passed"]["needs"]) == jobs.keys() - {"passed"}


def test_a_release_needs_ci_audit_and_base_image_signatures() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "release.yml").read_text())[
        "jobs"
    ]
    assert set(jobs["build"]["needs"]) == {"ci", "audit", "tag"}
    assert "make verify-base" in {step.get("run") for step in jobs["tag"]["steps"]}
    assert "build" in jobs["publish"]["needs"]
    assert "publish" in jobs["verify"]["needs"]
    assert "verify" in jobs["release"]["needs"]
    writers = {
        name
        for name, job in jobs.items()
        if "write" in {job["permissions"].get(scope) for scope in ("packages", "id-token")}
    }
    assert writers == {"publish"}  # which runs no code of the repository
    assert not any("actions/checkout" in step.get("uses", "") for step in jobs["publish"]["steps"])
