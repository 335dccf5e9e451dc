"""The content of an image: its configuration and the files of each layer."""

import gzip
import json
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.container.engine import docker

GZIP_LEVEL: Final = 6
"""The compression level with which engines push layers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link of one layer."""

    path: str
    """The path without the leading slash."""
    info: tarfile.TarInfo
    content: bytes

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def is_writable_by(self, number: int) -> bool:
        """Whether a user and group of that number may write to the file."""
        mode = self.info.mode
        return bool(
            mode & stat.S_IWOTH
            or (self.info.uid == number and mode & stat.S_IWUSR)
            or (self.info.gid == number and mode & stat.S_IWGRP)
        )


@dataclass(frozen=True, slots=True)
class SavedImage:
    configuration: dict[str, Any]
    layers: list[list[Entry]]
    """The layers; those of the base image come first."""
    compressed_bytes: int

    def entries(self) -> Iterator[Entry]:
        """The entries of all layers. A file that a later layer hides is included."""
        for layer in self.layers:
            yield from layer


@contextmanager
def saved(image: str) -> Iterator[SavedImage]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.tar"
        docker("image", "save", "--output", str(file), image)
        with tarfile.open(file) as archive:
            [manifest] = json.loads(_read(archive, "manifest.json"))
            layers, size = [], 0
            for name in manifest["Layers"]:
                content = _read(archive, name)
                size += len(gzip.compress(content, GZIP_LEVEL))
                layer = Path(folder) / "layer.tar"
                layer.write_bytes(content)
                with tarfile.open(layer) as files:
                    layers.append(list(_entries(files)))
            configuration = json.loads(_read(archive, manifest["Config"]))
        yield SavedImage(configuration, layers, size)


def _entries(files: tarfile.TarFile) -> Iterator[Entry]:
    for info in files:
        source = files.extractfile(info) if info.isfile() else None
        path = info.name.removeprefix("./").strip("/")
        yield Entry(path, info, source.read() if source else b"")


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    source = archive.extractfile(name)
    assert source is not None
    return source.read()
