"""Parses the pages that people read: headings, links, code, tables."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_FOLDERS: Final = (".github", "benchmarks", "deploy", "docs", "nix", "tests")

PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(page for name in _FOLDERS for page in (ROOT / name).rglob("*.md"))]
)

SHELLS: Final = ("sh", "console")
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Command:
    text: str
    """The command as the page shows it, without the `$ `."""
    shown: str | None
    """The output that the page shows; None in a script."""


@dataclass(frozen=True, slots=True)
class Section:
    """The text below a heading of the second level."""

    page: str
    title: str
    text: str

    @property
    def commands(self) -> list[Command]:
        return [
            command
            for language, code in _FENCE.findall(self.text)
            if language in SHELLS
            for command in (_session(code) if language == "console" else _script(code))
        ]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of all table rows, without the headings."""
        lines = re.findall(r"^\| (.+) \|$", self.text, re.MULTILINE)
        tables = [[cell.strip() for cell in line.split(" | ")] for line in lines]
        headings = re.findall(r"^\| (.+) \|\n\|-", self.text, re.MULTILINE)
        return [cells for line, cells in zip(lines, tables, strict=True) if line not in headings]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    return _FENCE.sub("", text)


def code(page: Path) -> list[tuple[str, str]]:
    """Language and text of each code block."""
    return _FENCE.findall(page.read_text())


def inline_code(text: str) -> list[str]:
    """The texts between backticks, each on one line."""
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", without_code(text))]


def sections(page: Path) -> list[Section]:
    _, *parts = re.split(r"^## (.+)\n", page.read_text(), flags=re.MULTILINE)
    return [
        Section(name(page), title, text)
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def section(page: str, title: str) -> Section:
    [found] = [one for one in sections(ROOT / page) if one.title == title]
    return found


def anchor(heading: str) -> str:
    """The anchor that GitHub gives to a heading, if no other heading is equal."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> list[str]:
    return [anchor(heading) for heading in _HEADING.findall(without_code(page.read_text()))]


def links(page: Path) -> list[str]:
    return _LINK.findall(without_code(page.read_text()))


def _is_complete(command: str) -> bool:
    if command.endswith("\\"):
        return False
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


def _joined(lines: Iterator[str], first: str) -> str:
    command = first
    while not _is_complete(command):
        command += "\n" + next(lines)
    return command


def _script(text: str) -> Iterator[Command]:
    lines = iter(text.splitlines())
    for line in lines:
        if line.strip() and not line.startswith("#"):
            yield Command(_joined(lines, line), None)


def _session(text: str) -> Iterator[Command]:
    lines = iter(text.splitlines())
    command, shown = "", list[str]()
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield Command(command, "\n".join(shown))
            command, shown = _joined(lines, line.removeprefix("$ ")), []
        else:
            shown.append(line)
    yield Command(command, "\n".join(shown))
