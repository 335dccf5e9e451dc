"""Every command of the pages is run unchanged, or is listed in NOT_RUN with the reason."""

import re
import subprocess
import sys
from typing import Final

import pytest

from tests.docs.outputs import matches
from tests.docs.pages import PAGES, ROOT, Command, Section, sections
from tests.docs.shell import Shell

pytestmark = pytest.mark.server

NOT_RUN: Final = {
    r"make (run|test)$": "test_quick_start.py runs it, in a clone without anything else",
    r"make test ARGS=": "a part of `make test`, which runs this test",
    r"make (image|up|down)\b": "tests/container runs it, where there is a container engine",
    r"docker (run|compose|network) ": "needs a container engine; tests/container does the same",
    r"DATABASE_OWNER_PASSWORD=": "needs a superuser; tests/container runs the file",
    r"cp \.env\.production\.example ": "tests/deploy/test_environments.py starts with the file",
    r"nix (build|run) ": "needs Nix and its cache; the workflow ci does it",
    r"kubectl |\(cd deploy/kubernetes": "needs a cluster; test_kubernetes.py builds these folders",
    r"(REPOSITORY|IMAGE)=|cosign |gh ": "needs a release; see supply_chain/test_verify_release.py",
    r"ACCEPTANCE_BASE_URL=": "needs a deployment; tests/deploy/test_acceptance.py has one",
    r"\.venv/bin/(pytest|ruff|mypy|lint-imports)\b": "a part of `make test` or `make check`",
}
"""Patterns of the beginning of a command, and the reason why it is not run here."""

COMMANDS = [(one, command) for page in PAGES for one in sections(page) for command in one.commands]


def why_not(command: Command) -> str | None:
    reasons = [reason for start, reason in NOT_RUN.items() if re.match(start, command.text)]
    assert len(reasons) <= 1, command.text
    return reasons[0] if reasons else None


RUN = [one for page in PAGES for one in sections(page) if not all(map(why_not, one.commands))]


def test_every_pattern_matches_a_command() -> None:
    for start in NOT_RUN:
        assert any(re.match(start, command.text) for _, command in COMMANDS), start


def test_most_commands_are_run() -> None:
    assert len([command for _, command in COMMANDS if not why_not(command)]) >= 25


def test_nothing_in_a_shell_block_is_overlooked() -> None:
    """All shell blocks are below headings of the second level."""
    for page in PAGES:
        blocks = re.findall(r"^```(?:sh|console)$", page.read_text(), re.MULTILINE)
        found = [
            block
            for one in sections(page)
            for block in re.findall(r"^```(?:sh|console)$", one.text, re.MULTILINE)
        ]
        assert found == blocks


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("one", RUN, ids=lambda one: f"{one.page}: {one.title}")
def test_commands(one: Section, request: pytest.FixtureRequest) -> None:
    """The commands succeed, requests get no error, and outputs are as shown."""
    reader = "developer" if "/" not in one.page else "operator"
    shell: Shell = request.getfixturevalue(reader)
    commands = [command for command in one.commands if not why_not(command)]
    done = shell.run([command.text for command in commands])
    for command, result in zip(commands, done, strict=True):
        if command.shown is None:
            assert all(status < 400 for status in result.statuses), result
        else:
            assert matches(command.shown, result.output), (
                f"{command.text}\nshows\n{command.shown}\nbut it is\n{result.output}"
            )


def test_the_example_of_some_tests_selects_some() -> None:
    [command] = [
        command.text
        for one, command in COMMANDS
        if one.page == "CONTRIBUTING.md" and "pytest" in command.text
    ]
    program, *arguments = command.split()
    assert program == ".venv/bin/pytest"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ('{"a":1,\n"b":"c d"}', '{"a":1,"b":"c d"}', True),
        ('{"a":1,…}', '{"a":1,"b":2}', True),
        ('{"a":1,…}', '{"a":2,"b":2}', False),
        ('{"took_ms":4.857}', '{"took_ms":1}', True),
        ('{"a":1}', '{"a":1,"b":2}', False),
    ],
)
def test_the_comparison_notices_differences(shown: str, output: str, same: bool) -> None:
    assert matches(shown, output) is same
