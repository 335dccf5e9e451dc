"""Reads the files that describe installed packages from an image, an archive or a folder."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

_TELLING: Final = re.compile(
    r"(.*/)?[^/]+\.(dist-info/(METADATA|sboms/[^/]+\.json)|egg-info/PKG-INFO)$"
    r"|var/lib/dpkg/status(\.d/[^/]+)?$|usr/share/doc/[^/]+/copyright$|usr/lib/os-release$"
)
_LIBRARY: Final = re.compile(r".+\.libs/[^/]+$")
_STORE: Final = "nix/store/"
_REMOVED: Final = ".wh."
_ALL_REMOVED: Final = ".wh..wh..opq"


@dataclass(slots=True)
class Contents:
    """The package metadata of a root file system; all paths have no leading slash."""

    configuration: dict[str, Any] = field(default_factory=dict)
    """The configuration of the image; empty for a folder."""
    digest: str = ""
    """The image's id: SHA-256 of its configuration, in hexadecimal digits; empty for a folder."""
    files: dict[str, bytes] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    """SHA-256, in hexadecimal digits, of each shared library that a wheel contains."""
    links: dict[str, str] = field(default_factory=dict)
    """The target of each symbolic link below usr/share/doc."""
    store: set[str] = field(default_factory=set)
    """Names of the paths in the Nix store."""

    def document(self, folder: str, name: str) -> bytes | None:
        """A file in a folder that may be a link to its neighbour."""
        parent, _, own = folder.rpartition("/")
        return self.files.get(f"{parent}/{self.links.get(folder, own)}/{name}")

    def add(self, path: str, *, link: str = "", content: "IO[bytes] | None" = None) -> None:
        if path.startswith(_STORE):
            self.store.add(path.removeprefix(_STORE).split("/")[0])
        if content is not None and _TELLING.match(path):
            self.files[path] = content.read()
        elif content is not None and _LIBRARY.match(path):
            self.libraries[path] = hashlib.sha256(content.read()).hexdigest()
        elif link and path.startswith("usr/share/doc/"):
            self.links[path] = link

    def remove(self, path: str) -> None:
        """Remove a path and everything below it."""
        for known in (self.files, self.libraries, self.links):
            for other in [p for p in known if p == path or p.startswith(f"{path}/")]:
                del known[other]


def read(source: str) -> Contents:
    """The contents of a folder, an archive, or an image of the container engine (name or id).

    An archive comes from `docker image save` or Nix, or is a root file system in a tar file; it may
    be compressed. Raises OSError, TarError, or CalledProcessError if there is no such image.
    """
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        return _read_archive(path)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        subprocess.run(["docker", "image", "save", "--output", archive, source], check=True)  # noqa: S603, S607
        return _read_archive(archive)


def _read_folder(root: Path) -> Contents:
    contents = Contents()
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            if path.is_symlink():
                contents.add(place, link=str(path.readlink()))
            elif path.is_file():
                with path.open("rb") as content:
                    contents.add(place, content=content)
            else:
                contents.add(place)
    return contents


def _read_archive(file: Path) -> Contents:
    contents = Contents()
    with tarfile.open(file) as archive:
        try:
            manifests = json.loads(_member(archive, "manifest.json").read())
        except KeyError:
            _add_layer(contents, archive)
            return contents
        if len(manifests) != 1:
            raise tarfile.ReadError(f"{file} has {len(manifests)} images, not one")
        [manifest] = manifests
        configuration = _member(archive, manifest["Config"]).read()
        contents.digest = hashlib.sha256(configuration).hexdigest()
        contents.configuration = json.loads(configuration)
        for name in manifest["Layers"]:
            with (
                _uncompressed(_member(archive, name)) as layer,
                tarfile.open(fileobj=layer) as files,
            ):
                _add_layer(contents, files)
    return contents


def _add_layer(contents: Contents, files: tarfile.TarFile) -> None:
    """Apply a layer with its whiteouts, as the OCI image specification defines it."""
    entries = list(_entries(files))
    for path, _ in entries:
        folder, _, name = path.rpartition("/")
        if name == _ALL_REMOVED:
            contents.remove(folder)
        elif name.startswith(_REMOVED):
            contents.remove(f"{folder}/{name.removeprefix(_REMOVED)}".lstrip("/"))
    for path, info in entries:
        if path.rpartition("/")[2].startswith(_REMOVED):
            continue
        if not info.isdir():
            contents.remove(path)
        content = files.extractfile(info) if info.isfile() or info.islnk() else None
        contents.add(path, link=info.linkname if info.issym() else "", content=content)


def _entries(files: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    for info in files:
        if path := info.name.removeprefix("./").strip("/"):
            yield path, info


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file of the archive. Raises KeyError if there is none."""
    member = archive.extractfile(name)
    if member is None:
        raise tarfile.ReadError(f"{name} is not a file")
    return member


def _uncompressed(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(2)
    file.seek(0)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if magic == b"\x1f\x8b" else file
