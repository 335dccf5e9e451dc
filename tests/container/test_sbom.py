"""The bills of materials of the image equal the list that its own Python gives."""

import hashlib
import json
import re
from typing import Any

import pytest

from deploy.supply_chain import sbom
from tests.container.engine import docker
from tests.container.layers import saved

pytestmark = pytest.mark.server

INSTALLED = """
import importlib.metadata as m, json
print(json.dumps(sorted([d.metadata["Name"], d.version] for d in m.distributions())))
"""


@pytest.fixture(scope="module")
def documents(image: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """CycloneDX and SPDX."""
    folder = tmp_path_factory.mktemp("sbom")
    sbom.main(image, folder)
    names = ("sbom.cdx.json", "sbom.spdx.json")
    return [json.loads((folder / name).read_text()) for name in names]


def installed(image: str) -> list[list[str]]:
    python = ("run", "--rm", "--network=none", "--entrypoint", "/opt/venv/bin/python", image)
    found: list[list[str]] = json.loads(docker(*python, "-c", INSTALLED))
    return found


def test_every_distribution_with_its_version_and_licence(
    image: str, documents: list[dict[str, Any]]
) -> None:
    cyclonedx, spdx = documents
    expected = installed(image)
    assert len(expected) > 40
    parts = [part for part in cyclonedx["components"] if part["purl"].startswith("pkg:pypi/")]
    assert sorted([part["name"], part["version"]] for part in parts) == expected
    assert [part["name"] for part in parts if not part.get("licenses")] == []
    packages = [
        package
        for package in spdx["packages"]
        if package["SPDXID"].startswith("SPDXRef-image-python-")
        and package.get("externalRefs", [{}])[0]["referenceLocator"].startswith("pkg:pypi/")
    ]
    assert sorted([package["name"], package["versionInfo"]] for package in packages) == expected
    unknown = [p["name"] for p in packages if p["licenseDeclared"] in {"NOASSERTION", "NONE"}]
    assert unknown == []


def test_every_package_of_debian(image: str, documents: list[dict[str, Any]]) -> None:
    status = re.compile(r"var/lib/dpkg/status\.d/[^/]+$")
    with saved(image) as contents:
        expected = {
            re.search(r"^Package: (.*)$", entry.content.decode(), re.MULTILINE)[1]  # type: ignore[index]
            for entry in contents.entries()
            if status.match(entry.path) and not entry.path.endswith(".md5sums") and entry.content
        }
    assert {"libc6", "libssl3t64"} <= expected
    for parts in (
        [p for p in documents[0]["components"] if p["purl"].startswith("pkg:deb/")],
        [p for p in documents[1]["packages"] if p["SPDXID"].startswith("SPDXRef-image-debian-")],
    ):
        names = [part["name"] for part in parts]
        assert sorted(names) == sorted(expected)


def test_every_shared_library_of_a_wheel(image: str, documents: list[dict[str, Any]]) -> None:
    with saved(image) as contents:
        expected = {
            entry.name: hashlib.sha256(entry.content).hexdigest()
            for entry in contents.entries()
            if entry.info.isfile() and re.search(r"\.libs/[^/]+$", entry.path)
        }
    assert any(name.startswith("libpq-") for name in expected)
    bundled = [part for whole in documents[0]["components"] for part in whole.get("components", ())]
    found = {part["name"]: part["hashes"][0]["content"] for part in bundled if "hashes" in part}
    assert found == expected
    checksums = {
        package["name"]: package["checksums"][0]["checksumValue"]
        for package in documents[1]["packages"]
        if "checksums" in package and package["SPDXID"] != "SPDXRef-image"
    }
    assert checksums == expected


def test_they_are_of_this_image(image: str, documents: list[dict[str, Any]]) -> None:
    [checksum] = documents[0]["metadata"]["component"]["hashes"]
    assert f"sha256:{checksum['content']}" == image
