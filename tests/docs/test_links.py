"""Links lead somewhere, and headings are listed."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT, anchor, anchors, inline_code, links, name, sections

FOLDERS = tuple(sorted(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir()))
MADE_LATER = (".cache/", ".dev/", ".venv/", "deploy/compose/secrets", "deploy/compose/api.env")

pages = pytest.mark.parametrize("page", PAGES, ids=name)


def test_the_pages_are_there() -> None:
    found = {name(page) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/operating.md"} <= found


@pages
def test_links_resolve(page: Path) -> None:
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert parts.hostname, link
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


@pages
def test_no_two_headings_share_an_anchor(page: Path) -> None:
    assert len(anchors(page)) == len(set(anchors(page)))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/operating.md"])
def test_every_section_is_in_the_contents(page: str) -> None:
    listed = {link.removeprefix("#") for link in links(ROOT / page) if link.startswith("#")}
    titles = {anchor(one.title) for one in sections(ROOT / page)}
    assert titles - listed <= {"license"}


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    for code in inline_code(page.read_text()):
        if code.startswith(FOLDERS) and " " not in code and not code.startswith(MADE_LATER):
            path = re.sub(r"NNNN_what\.py$", "", code)
            assert (ROOT / path).exists(), code
