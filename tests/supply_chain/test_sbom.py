"""Both documents, for an image that the test builds; tests/container checks the real image."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from typer import Typer
from typer.testing import CliRunner, Result

from deploy.supply_chain import sbom
from tests.supply_chain.images import CONFIGURATION, Layer, write_image, write_root

PACKAGES = "opt/venv/lib/python3.13/site-packages"
PART = {"name": "ahash", "version": "0.8", "purl": "pkg:cargo/ahash@0.8"}
ROOT: Layer = {
    f"{PACKAGES}/award-1.0.dist-info/METADATA": "Name: award\nVersion: 1.0\nLicense: MIT",
    f"{PACKAGES}/award-1.0.dist-info/sboms/a.json": json.dumps(
        {"bomFormat": "CycloneDX", "components": [PART]}
    ),
    f"{PACKAGES}/either-2.0.dist-info/METADATA": (
        "Name: either\nVersion: 2.0\nLicense-Expression: MIT OR Apache-2.0"
    ),
    "var/lib/dpkg/status.d/libc6": "Package: libc6\nVersion: 2.41",
    "usr/share/doc/libc6/copyright": "by hand",
}


def run(source: Path, output: Path) -> Result:
    app = Typer()
    app.command()(sbom.main)
    return CliRunner().invoke(app, [str(source), "--output", str(output)])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    done = run(write_image(tmp_path / "image.tar", ROOT), tmp_path / "output")
    assert done.exit_code == 0, done.output
    assert "1 debian, 2 python" in done.output
    return tmp_path / "output"


def test_the_cyclonedx_document(output: Path) -> None:
    text = (output / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    assert document["specVersion"] == "1.6"
    assert document["metadata"]["timestamp"].startswith("2026-11-23T01:02:03")
    whole = document["metadata"]["component"]
    assert (whole["name"], whole["version"], whole["type"]) == (
        "scholarship-api",
        "1.2.3",
        "container",
    )
    labels = {entry["name"]: entry["value"] for entry in whole["properties"]}
    assert labels == {
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.revision": "0123abcd",
        "architecture": "amd64",
        "os": "linux",
    }
    found = {
        part["purl"]: (part["version"], part.get("licenses")) for part in document["components"]
    }
    either = {"expression": "MIT OR Apache-2.0", "acknowledgement": "declared"}
    reference = {"name": "LicenseRef-debian-copyright-of-libc6", "acknowledgement": "declared"}
    assert found == {
        "pkg:deb/debian/libc6@2.41": ("2.41", [{"license": reference}]),
        "pkg:pypi/award@1.0": ("1.0", [{"license": {"id": "MIT", "acknowledgement": "declared"}}]),
        "pkg:pypi/either@2.0": ("2.0", [either]),
    }
    [award] = [part for part in document["components"] if part["name"] == "award"]
    assert [part["purl"] for part in award["components"]] == ["pkg:cargo/ahash@0.8"]


def test_the_spdx_document(output: Path) -> None:
    assert validate_full_spdx_document(parse_file(str(output / "sbom.spdx.json"))) == []
    document = json.loads((output / "sbom.spdx.json").read_text())
    assert document["spdxVersion"] == "SPDX-2.3"
    assert document["creationInfo"]["created"] == "2026-11-23T01:02:03Z"
    packages = {package["name"]: package for package in document["packages"]}
    assert packages.keys() == {"scholarship-api", "award", "ahash", "either", "libc6"}
    [purl] = packages["award"]["externalRefs"]
    assert purl["referenceLocator"] == "pkg:pypi/award@1.0"
    licences = {name: package["licenseDeclared"] for name, package in packages.items()}
    assert licences == {
        "scholarship-api": "NOASSERTION",
        "ahash": "NOASSERTION",
        "award": "MIT",
        "either": "MIT OR Apache-2.0",
        "libc6": "LicenseRef-debian-copyright-of-libc6",
    }
    identifiers = {package["SPDXID"]: package["name"] for package in document["packages"]}
    contained = {
        (identifiers[entry["spdxElementId"]], identifiers[entry["relatedSpdxElement"]])
        for entry in document["relationships"]
        if entry["relationshipType"] == "CONTAINS"
    }
    whole = "scholarship-api"
    assert contained == {(whole, "award"), (whole, "either"), (whole, "libc6"), ("award", "ahash")}


def test_the_image_is_named_by_its_id(output: Path) -> None:
    whole = json.loads((output / "sbom.cdx.json").read_text())["metadata"]["component"]
    [image] = [
        package
        for package in json.loads((output / "sbom.spdx.json").read_text())["packages"]
        if package["name"] == "scholarship-api"
    ]
    assert whole["hashes"][0]["content"] == image["checksums"][0]["checksumValue"]
    assert len(whole["hashes"][0]["content"]) == 64


def test_the_same_image_gives_the_same_text(output: Path, tmp_path: Path) -> None:
    backwards = dict(reversed(list(ROOT.items())))
    again = run(write_image(tmp_path / "again.tar", backwards), tmp_path / "again")
    assert again.exit_code == 0, again.output
    for name in ("sbom.cdx.json", "sbom.spdx.json"):
        assert (tmp_path / "again" / name).read_bytes() == (output / name).read_bytes()


def test_another_image_has_another_identity(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIGURATION, "architecture", "arm64")
    run(write_image(tmp_path / "other.tar", ROOT), tmp_path / "other")
    documents = [
        json.loads((folder / "sbom.cdx.json").read_text())
        for folder in (output, tmp_path / "other")
    ]
    assert documents[0]["serialNumber"] != documents[1]["serialNumber"]


def test_source_date_epoch_dates_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    done = run(write_root(tmp_path / "root", ROOT), tmp_path / "output")
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "output" / "sbom.cdx.json").read_text())
    assert document["metadata"]["timestamp"].startswith("2001-09-09T01:46:40")
    assert parse_file(str(tmp_path / "output" / "sbom.spdx.json")).packages


def test_an_unreadable_source_fails(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "missing.tar"):
        done = run(source, tmp_path / "output")
        assert done.exit_code == 1
        assert str(source) in done.output
    assert not (tmp_path / "output").exists()
