"""The inventory as an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/)."""

import io
import re
from collections.abc import Iterator
from typing import Final

from license_expression import get_spdx_licensing  # type: ignore[import-untyped]
from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.extracted_licensing_info import ExtractedLicensingInfo
from spdx_tools.spdx.model.package import (
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
)
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from deploy.supply_chain.inventory import Component
from deploy.supply_chain.subject import Subject

_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_IMAGE: Final = "SPDXRef-image"
_TOOL: Final = "scholarship-api-sbom"
_LICENSING: Final = get_spdx_licensing()


def write(subject: Subject, components: list[Component]) -> str:
    """The document; equal images give equal text. Raises ValueError if it is not valid."""
    identity = subject.identity(components)
    image = Package(
        spdx_id=_IMAGE,
        name=subject.name,
        version=subject.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
        primary_package_purpose=PackagePurpose.CONTAINER,
        checksums=_checksums(subject.digest),
        comment="\n".join(f"{name}={value}" for name, value in sorted(subject.labels.items())),
    )
    packages, relationships = [image], [_relationship(_DOCUMENT, "DESCRIBES", _IMAGE)]
    for parent, number, component in _numbered(components):
        package = _package(component, f"{parent}-{number}")
        packages.append(package)
        relationships.append(_relationship(parent, "CONTAINS", package.spdx_id))
    document = Document(
        creation_info=CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=_DOCUMENT,
            name=f"{subject.name}-{subject.version}",
            document_namespace=f"https://spdx.org/spdxdocs/{subject.name}-{identity}",
            creators=[Actor(ActorType.TOOL, _TOOL)],
            created=subject.created.replace(tzinfo=None),
        ),
        packages=packages,
        relationships=relationships,
        extracted_licensing_info=[_reference(name) for name in _references(packages)],
    )
    if messages := validate_full_spdx_document(document):
        raise ValueError(f"the document is not valid SPDX: {messages[0].validation_message}")
    stream = io.StringIO()
    write_document_to_stream(document, stream, validate=False)
    return f"{stream.getvalue()}\n"


def _numbered(
    components: list[Component], parent: str = _IMAGE
) -> Iterator[tuple[str, str, Component]]:
    """Each component, with the identifier of its parent and its own identifier inside it."""
    for number, component in enumerate(components, start=1):
        own = f"{component.kind}-{number}-{re.sub(r'[^A-Za-z0-9.]+', '-', component.name)}"
        yield parent, own, component
        yield from _numbered(list(component.bundled), f"{parent}-{own}")


def _package(component: Component, identifier: str) -> Package:
    licence = SpdxNoAssertion()
    if component.licence:
        licence = _LICENSING.parse(component.licence)
    purl = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", component.purl)
    return Package(
        spdx_id=identifier,
        name=component.name,
        version=component.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        license_concluded=SpdxNoAssertion(),
        license_declared=licence,
        copyright_text=SpdxNoAssertion(),
        primary_package_purpose=PackagePurpose.LIBRARY,
        source_info=f"found at /{component.location}",
        external_references=[purl],
        checksums=_checksums(component.sha256),
    )


def _checksums(sha256: str) -> list[Checksum]:
    return [Checksum(ChecksumAlgorithm.SHA256, sha256)] if sha256 else []


def _relationship(one: str, kind: str, other: str) -> Relationship:
    return Relationship(one, RelationshipType[kind], other)


def _references(packages: list[Package]) -> list[str]:
    expressions = [str(package.license_declared) for package in packages]
    return sorted(set(re.findall(r"LicenseRef-[A-Za-z0-9.-]+", " ".join(expressions))))


def _reference(name: str) -> ExtractedLicensingInfo:
    text = "Named in the copyright file of the Debian package, in the image at /usr/share/doc."
    return ExtractedLicensingInfo(license_id=name, extracted_text=text, license_name=name)
