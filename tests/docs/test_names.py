"""Names on the pages exist in the code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_nix
import typer

from scholarship_api import __version__, cli, errors
from scholarship_api.health.paths import METRICS, PROBE_PATHS
from scholarship_api.settings.settings import SECRETS, Settings
from tests.docs.pages import (
    PAGES,
    ROOT,
    SHELLS,
    Section,
    code,
    inline_code,
    name,
    section,
    without_code,
)

pages = pytest.mark.parametrize("page", PAGES, ids=name)

SETTINGS = {field.upper() for field in Settings.model_fields}
OTHER_NAMES = {
    *(f"{field.upper()}_FILE" for field in SECRETS),
    "NAME_FILE",
    *("API_ALLOWED_HOSTS", "API_CORS_ALLOWED_ORIGINS", "API_TRUSTED_PROXY_IPS", "API_PORT"),
    *("BENCHMARK_BEFORE", "BENCHMARK_CRANFIELD", "ICU_POSTGRES_URL"),
    *("PUBLIC_ROUTES", "RESTORE_URL", "FUZZ_SEED"),
    *re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE),
}
"""Words in capitals that are neither a setting nor the code of an error."""


def own_errors() -> Iterator[type[errors.ApiError]]:
    waiting = [errors.ApiError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == errors.__name__:
            yield kind


@pages
def test_settings_and_codes(page: Path) -> None:
    known = SETTINGS | {kind.code for kind in own_errors()} | OTHER_NAMES
    for text in inline_code(page.read_text()):
        for word in re.findall(r"(?<![$\w-])[A-Z][A-Z]+(?:_[A-Z]+)+\b", text):
            assert word in known, text


def test_the_table_of_probes_lists_the_probe_paths() -> None:
    rows = section("docs/operating.md", "Probes").rows
    paths = {path for row in rows for path in re.findall(r"`([^`]+)`", row[0])}
    assert paths == PROBE_PATHS - {METRICS}


# --- The command line --------------------------------------------------------------------------


def command_lines(page: Path) -> list[list[str]]:
    """The words after `scholarship-api`, in code blocks and in the text."""
    blocks = "\n".join(text for language, text in code(page) if language in SHELLS)
    texts = [*blocks.replace("\\\n", " ").splitlines(), *inline_code(page.read_text())]
    found = []
    for text in texts:
        command = re.search(r"(?<![\w/.-])(?:\.venv/bin/)?scholarship-api (.+)", text)
        if command:
            words = shlex.split(command[1].split(" < ")[0], comments=True)
            found.append([word for word in words if word not in {"|", "..."}])
    return found


def subcommands(command: Any) -> dict[str, Any]:  # noqa: ANN401 - the click that typer brings
    return dict(getattr(command, "commands", {}))


def check_command(command: Any, words: list[str]) -> None:  # noqa: ANN401
    if subcommands(command):
        assert words, "a group needs a command"
        check_command(subcommands(command)[words[0]], words[1:])
        return
    options = {
        text: option
        for option in command.params
        for text in (*option.opts, *option.secondary_opts)
        if text.startswith("-")
    }
    for word in words:
        if word.startswith("-") and word != "-":
            assert word in options, f"{command.name} has no {word}"


def all_commands() -> dict[str, Any]:
    listed = subcommands(typer.main.get_command(cli.app))
    return listed | {command.name: cli.load(command.name) for command in cli.COMMANDS}


def test_commands_exist() -> None:
    commands = all_commands()
    lines = [line for page in PAGES for line in command_lines(page)]
    assert len(lines) > 20
    for command, *words in lines:
        check_command(commands[command], words)


def test_every_command_is_mentioned() -> None:
    mentioned = {line[0] for page in PAGES for line in command_lines(page)}
    mentioned |= {text for page in PAGES for text in inline_code(page.read_text())}
    assert not all_commands().keys() - mentioned


def test_the_verified_release_is_the_current_version() -> None:
    assert f":{__version__}}}" in section("README.md", "Verify a release").text


# --- make ----------------------------------------------------------------------------------------


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


@pages
def test_make_targets_exist(page: Path) -> None:
    blocks = "\n".join(text for language, text in code(page) if language in SHELLS)
    texts = [*blocks.splitlines(), *inline_code(page.read_text())]
    for text in texts:
        for target in re.findall(r"\bmake ([a-z][a-z-]*)", text.partition("#")[0]):
            assert target in make_targets(), text


def test_every_make_target_is_mentioned() -> None:
    rows = section("CONTRIBUTING.md", "The checks").rows
    mentioned = [target for row in rows for target in re.findall(r"^`make ([a-z-]+)", row[0])]
    assert sorted(mentioned) == sorted(make_targets() - {"help"})


# --- The map -------------------------------------------------------------------------------------

MAP = "The map of the code"


def test_the_map_lists_every_package_folder() -> None:
    text = section("CONTRIBUTING.md", MAP).text
    package = ROOT / "scholarship_api"
    top = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    folders = {
        f"{folder.name}/"
        for parent in (package, package / "platform")
        for folder in parent.iterdir()
        if folder.is_dir() and any(folder.glob("*.py"))
    }
    for entry in (*top, *folders):
        assert f"`{entry}`" in text, entry
    for folder in ("benchmarks", "deploy", "docs", "nix", "scripts", "tests"):
        if (ROOT / folder).is_dir():
            assert f"`{folder}/`" in text


def test_the_map_lists_only_existing_paths() -> None:
    fixed = {"routes.py", "schemas.py", "service.py", "queries.py", "models.py", "cli.py"}
    package = ROOT / "scholarship_api"
    for row in section("CONTRIBUTING.md", MAP).rows:
        for entry in re.findall(r"`([^`]+\.py|[^`]+/)`", row[0]):
            places = [ROOT / entry, package / entry, package / "platform" / entry]
            assert entry in fixed or any(place.exists() for place in places), entry


# --- NixOS -------------------------------------------------------------------------------------


def test_options_of_the_nixos_module_exist() -> None:
    module = (ROOT / "nix" / "module.nix").read_text()
    rows = section("docs/operating.md", "NixOS").rows
    assert rows
    for row in rows:
        option = row[0].strip("`")
        assert re.search(rf"^    {re.escape(option)} = ", module, re.MULTILINE), option


def test_the_nixos_example_is_valid_nix() -> None:
    [example] = [text for language, text in code(ROOT / "docs/operating.md") if language == "nix"]
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_nix.language()))
    assert not parser.parse(example.encode()).root_node.has_error
    assert set(re.findall(r"^ +([A-Z_]+) = ", example, re.MULTILINE)) <= SETTINGS
    secrets = re.findall(r"secrets\.([A-Z_]+) = ", example)
    assert {name.lower() for name in secrets} <= SECRETS


# --- Messages to operators -----------------------------------------------------------------------


def source() -> str:
    files = [*(ROOT / "scholarship_api").rglob("*.py"), ROOT / "Makefile"]
    return "\n".join(path.read_text() for path in files)


def quoted(one: Section) -> list[str]:
    return [text for row in one.rows for text in re.findall(r"`([^`]+ [^`]+)`", row[0])]


def test_messages_in_troubleshooting_exist_in_the_code() -> None:
    written = re.sub(r'"\s*\n?\s*f?"', "", source())
    messages = quoted(section("docs/operating.md", "Troubleshooting"))
    assert len(messages) >= 8
    for message in messages:
        # Compare the fixed parts of the message.
        for part in re.split(r"8000 of 127\.0\.0\.1|\w+ \(\w+\)|: (?=the role lacks)", message):
            fragment = part.strip(" .:")
            assert not fragment or fragment in written, message


def test_log_events_exist_in_the_code() -> None:
    written = source()
    for title in ("Logs", "Stopping"):
        text = without_code(section("docs/operating.md", title).text)
        events = re.findall(r"`([a-z_]+\.[a-z_]+)`", text)
        assert events
        for event in events:
            assert f'"{event}"' in written, event


def test_the_number_of_bundled_awards_is_right() -> None:
    lines = (ROOT / "scholarship_api" / "sample_data" / "catalogue.ndjson").read_text().splitlines()
    assert f"holds {len(lines)} real award programmes" in section("README.md", "The catalogue").text


@pages
def test_table_rows_have_equal_lengths(page: Path) -> None:
    """Every row has as many cells as the heading."""
    for table in re.findall(r"(?:^\|.*\n)+", without_code(page.read_text()), re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
