import json

import pytest

from deploy.supply_chain import inventory
from deploy.supply_chain.contents import Contents
from deploy.supply_chain.inventory import Component


def take(files: dict[str, str], *, store: tuple[str, ...] = ()) -> list[Component]:
    return inventory.list_components(
        Contents(files={path: text.encode() for path, text in files.items()}, store=set(store))
    )


def test_a_python_distribution_is_a_component() -> None:
    path = "opt/venv/lib/python3.13/site-packages/My_Award-1.0.dist-info/METADATA"
    text = (
        "Metadata-Version: 2.4\nName: My_Award\nVersion: 1.0\nLicense-Expression: MIT\n\nName: no\n"
    )
    [found] = take({path: text})
    purl = "pkg:pypi/my-award@1.0"
    assert found == Component("python", "My_Award", "1.0", purl, "MIT", path)


def test_a_distribution_in_two_places_is_listed_once() -> None:
    text = "Name: award\nVersion: 1.0\n"
    [found] = take({"a/PKG-INFO": f"{text}License: MIT", "b/PKG-INFO": text})
    assert (found.licence, found.location) == ("MIT", "a/PKG-INFO")


def test_declared_bundled_components_are_listed() -> None:
    folder = "site-packages/award-1.0.dist-info"
    own = {"bom-ref": "own", "name": "award", "version": "1.0", "purl": "pkg:pypi/award@1.0"}
    part = {
        "bom-ref": "a",
        "name": "ahash",
        "version": "0.8",
        "purl": "pkg:cargo/ahash@0.8?download_url=file://.",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    unnamed = {"bom-ref": "b", "name": "b", "licenses": [{"license": {"name": "mine"}}]}
    other = {**part, "bom-ref": "c", "name": "bytes", "purl": "pkg:cargo/bytes@0.8"}
    other["licenses"] = [{"license": {"id": "MIT"}}]
    account = {"bomFormat": "CycloneDX", "metadata": {"component": own}}
    parts = {**account, "components": [own, part, unnamed, other]}
    [found] = take(
        {
            f"{folder}/METADATA": "Name: award\nVersion: 1.0",
            f"{folder}/sboms/award.cdx.json": json.dumps(parts),
            f"{folder}/sboms/other.json": '{"spdxVersion": "SPDX-2.3"}',
        }
    )
    assert found.licence is None
    assert [(b.kind, b.name, b.version, b.purl, b.licence) for b in found.bundled] == [
        ("bundled", "ahash", "0.8", "pkg:cargo/ahash@0.8", "MIT OR Apache-2.0"),
        ("bundled", "bytes", "0.8", "pkg:cargo/bytes@0.8", "MIT"),
    ]


def test_shared_libraries_inside_a_wheel_are_listed() -> None:
    found = inventory.list_components(
        Contents(
            files={
                "site-packages/my_award-1.0.dist-info/METADATA": b"Name: my-award\nVersion: 1.0"
            },
            libraries={
                "site-packages/my_award.libs/libssl-6a9b.so.3": "aa",
                "site-packages/other.libs/libssl-6a9b.so.3": "bb",
            },
        )
    )
    [library] = found[0].bundled
    assert (library.name, library.version, library.sha256) == ("libssl-6a9b.so.3", "3", "aa")
    assert library.purl == "pkg:generic/libssl-6a9b.so.3@3?checksum=sha256:aa"


DEP_5 = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
License: GPL-3+

Files: *
Copyright: somebody
License: LGPL-2.1+
 The text of it
 .
 goes on.

Files: debian/*
License: GPL-2+ or Expat
"""


@pytest.mark.parametrize(
    ("copyright_file", "licence"),
    [
        (DEP_5, "(GPL-2.0-or-later OR MIT) AND LGPL-2.1-or-later"),
        (DEP_5.split("\n\n", maxsplit=1)[0], "GPL-3.0-or-later"),
        ("This package was put together by hand.", "LicenseRef-debian-copyright-of-libc6"),
        (None, None),
    ],
)
def test_a_debian_package_is_a_component(copyright_file: str | None, licence: str | None) -> None:
    status = "var/lib/dpkg/status.d/libc6"
    files = {
        status: "Package: libc6\nSource: glibc\nVersion: 2.41-12+deb13u4\nArchitecture: amd64\n",
        f"{status}.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libc.so.6",
        "usr/lib/os-release": 'ID=debian\nVERSION_ID="13"\n',
    }
    if copyright_file:
        files["usr/share/doc/libc6/copyright"] = copyright_file
    [found] = take(files)
    purl = "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64&distro=debian-13&upstream=glibc"
    assert found == Component("debian", "libc6", "2.41-12+deb13u4", purl, licence, status)


def test_one_status_file_may_list_all_packages() -> None:
    text = """Package: here
Status: install ok installed
Version: 1

Package: gone
Status: deinstall ok config-files
Version: 1
"""
    assert [component.name for component in take({"var/lib/dpkg/status": text})] == ["here"]


def test_nix_store_paths_are_components() -> None:
    digest = "0" * 31 + "a"
    names = ("python3.13-psycopg-3.3.9", "zlib-1.3.1-dev", "source", "user-environment")
    found = take({}, store=(*(f"{digest}-{name}" for name in names), ".links"))
    assert [(component.name, component.version) for component in found] == [
        ("python3.13-psycopg", "3.3.9"),
        ("source", ""),
        ("user-environment", ""),
        ("zlib", "1.3.1-dev"),
    ]
    assert found[0].purl == f"pkg:nix/python3.13-psycopg@3.3.9?hash={digest}"


def test_incomplete_metadata_is_refused() -> None:
    with pytest.raises(ValueError, match="status has no Version"):
        take({"var/lib/dpkg/status": "Package: here"})


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is installed"):
        take({"usr/lib/os-release": "ID=debian"})
