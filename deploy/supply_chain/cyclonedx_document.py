"""The inventory as a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/)."""

import json
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.license import LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from deploy.supply_chain.inventory import Component
from deploy.supply_chain.subject import Subject

_LICENCES: Final = LicenseFactory()


def write(subject: Subject, components: list[Component]) -> str:
    """The document; equal images give equal text. Raises ValueError if it violates the schema."""
    whole = Part(
        name=subject.name,
        version=subject.version,
        type=ComponentType.CONTAINER,
        bom_ref=subject.name,
        hashes=_hashes(subject.digest),
        properties=[Property(name=name, value=value) for name, value in subject.labels.items()],
    )
    parts = [_part(component, parent="") for component in components]
    bom = Bom(components=parts, serial_number=subject.identity(components))
    bom.metadata.component = whole
    bom.metadata.timestamp = subject.created
    bom.register_dependency(whole, parts)
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"the document violates the schema of CycloneDX: {error}")
    return f"{json.dumps(json.loads(text), indent=2, ensure_ascii=False)}\n"


def _part(component: Component, *, parent: str) -> Part:
    reference = f"{parent}{component.purl}"
    licences = []
    if component.licence:
        declared = LicenseAcknowledgement.DECLARED
        licences.append(
            _LICENCES.make_from_string(component.licence, license_acknowledgement=declared)
        )
    return Part(
        name=component.name,
        version=component.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=reference,
        purl=PackageURL.from_string(component.purl),
        licenses=licences,
        hashes=_hashes(component.sha256),
        evidence=ComponentEvidence(occurrences=[Occurrence(location=f"/{component.location}")]),
        components=[_part(part, parent=f"{reference}#") for part in component.bundled],
    )


def _hashes(sha256: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []
