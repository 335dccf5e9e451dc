"""Lists installed components: Python distributions, Debian packages and Nix store paths."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from typing import Any, Final, Literal

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from deploy.supply_chain import licence_names, licences
from deploy.supply_chain.contents import Contents

Kind = Literal["python", "debian", "nix", "bundled"]

_STORE_NAME: Final = re.compile(
    r"(?P<hash>[0-9a-z]{32})-(?P<name>.+?)(-(?P<version>\d[^-]*(-.*)?))?$"
)


@dataclass(frozen=True, slots=True)
class Component:
    kind: Kind
    name: str
    version: str
    purl: str
    """Unique within its parent."""
    licence: str | None
    """An SPDX expression."""
    location: str
    """The file or folder that describes the component, without leading slash."""
    bundled: tuple["Component", ...] = ()
    """Components inside this one: those that it declares (PEP 770), and shared libraries."""
    sha256: str = ""
    """The checksum of a file, in hexadecimal digits; empty for other components."""


def list_components(contents: Contents) -> list[Component]:
    """All components, sorted. Raises ValueError if there is none or metadata cannot be read."""
    found = [*_distributions(contents), *_debian_packages(contents), *_store_paths(contents)]
    if not found:
        raise ValueError("nothing is installed there")
    return _sorted(found)


def _sorted(components: Iterable[Component]) -> list[Component]:
    """Sort by kind and name, and keep one of equal components in several places."""
    by_location = sorted(components, key=lambda component: component.location, reverse=True)
    unique = {component.purl: component for component in by_location}
    return sorted(unique.values(), key=lambda component: (component.kind, component.purl))


def _distributions(contents: Contents) -> Iterator[Component]:
    policy = licences.read_policy(licences.POLICY)
    for path, content in contents.files.items():
        folder, _, name = path.rpartition("/")
        if name not in {"METADATA", "PKG-INFO"}:
            continue
        metadata = _parse(content.decode())
        version = _required(metadata, "Version", path)
        canonical = canonicalize_name(_required(metadata, "Name", path))
        yield Component(
            kind="python",
            name=metadata["Name"],
            version=version,
            purl=PackageURL("pypi", name=canonical, version=version).to_string(),
            licence=licences.named_or_reviewed(metadata, policy, name=canonical, version=version),
            location=path,
            bundled=tuple(_sorted([*_declared(contents, folder), *_libraries(contents, folder)])),
        )


def _declared(contents: Contents, folder: str) -> Iterator[Component]:
    for path, content in contents.files.items():
        if not path.startswith(f"{folder}/sboms/"):
            continue
        document = json.loads(content)
        if document.get("bomFormat") != "CycloneDX":
            continue
        whole = document.get("metadata", {}).get("component", {}).get("bom-ref")
        for part in document.get("components", ()):
            is_whole = whole is not None and part.get("bom-ref") == whole
            if not is_whole and part.get("version") and part.get("purl"):
                purl = PackageURL.from_string(part["purl"])._replace(qualifiers={}, subpath=None)
                yield Component(
                    kind="bundled",
                    name=part["name"],
                    version=part["version"],
                    purl=purl.to_string(),
                    licence=_of_cyclonedx(part.get("licenses", ())),
                    location=path,
                )


def _libraries(contents: Contents, folder: str) -> Iterator[Component]:
    """Libraries that auditwheel added: for award-1.0.dist-info they are in award.libs."""
    own = f"{folder.rpartition('/')[2].split('-')[0]}.libs"
    place = "/".join((*folder.split("/")[:-1], own, ""))
    for path, sha256 in contents.libraries.items():
        if path.startswith(place):
            name = path.removeprefix(place)
            version = name.partition(".so")[2].strip(".")
            checksum = {"checksum": f"sha256:{sha256}"}
            purl = PackageURL("generic", None, name, version or None, checksum).to_string()
            yield Component("bundled", name, version, purl, None, path, sha256=sha256)


def _of_cyclonedx(licences: list[dict[str, Any]]) -> str | None:
    names = [
        entry.get("expression") or entry.get("license", {}).get("id", "") for entry in licences
    ]
    return licence_names.valid(names[0]) if len(names) == 1 else None


def _debian_packages(contents: Contents) -> Iterator[Component]:
    distribution = _os_release(contents)
    for path, content in contents.files.items():
        if not path.startswith("var/lib/dpkg/status") or path.endswith(".md5sums"):
            continue
        for package in _paragraphs(content.decode()):
            if not package.get("Status", "install ok installed").endswith(" installed"):
                continue
            name = _required(package, "Package", path)
            version = _required(package, "Version", path)
            qualifiers = {"arch": package.get("Architecture"), "distro": distribution}
            source, _, source_version = package.get("Source", name).partition(" ")
            if (source, source_version) != (name, ""):
                upstream = source_version.strip("()")
                qualifiers["upstream"] = f"{source}@{upstream}" if upstream else source
            yield Component(
                kind="debian",
                name=name,
                version=version,
                purl=PackageURL(
                    "deb", "debian", name, version, {k: v for k, v in qualifiers.items() if v}
                ).to_string(),
                licence=_debian_licence(contents, name),
                location=path,
            )


def _debian_licence(contents: Contents, package: str) -> str | None:
    text = contents.document(f"usr/share/doc/{package}", "copyright")
    if text is None:
        return None
    # Not every copyright file is machine-readable (DEP 5).
    if not text.startswith(b"Format:"):
        return licence_names.debian_reference(f"copyright-of-{package}")
    header, *others = _paragraphs(text.decode())
    parts = [paragraph for paragraph in others if paragraph.get("Files")] or [header]
    lines = [(part.get("License") or "").strip().splitlines() for part in parts]
    return licence_names.debian_licence([line[0] for line in lines if line])


def _os_release(contents: Contents) -> str | None:
    """The distribution and its version, for example debian-13."""
    text = contents.files.get("usr/lib/os-release", b"").decode()
    values = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return f"{values['ID']}-{values['VERSION_ID']}" if len(values) == 2 else None  # noqa: PLR2004 - both


def _store_paths(contents: Contents) -> Iterator[Component]:
    for entry in contents.store:
        match = _STORE_NAME.match(entry)
        if match is None:
            continue
        version = match["version"] or ""
        # Two store paths may have the same name and version.
        qualifiers = {"hash": match["hash"]}
        purl = PackageURL("nix", None, match["name"], version or None, qualifiers)
        yield Component(
            kind="nix",
            name=match["name"],
            version=version,
            purl=purl.to_string(),
            licence=None,
            location=f"nix/store/{entry}",
        )


def _parse(text: str) -> Message:
    return Parser().parsestr(text)


def _paragraphs(text: str) -> Iterator[Message]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.strip():
            yield _parse(paragraph)


def _required(fields: Message, name: str, path: str) -> str:
    value = fields.get(name)
    if not value:
        raise ValueError(f"{path} has no {name}")
    return str(value).strip()
