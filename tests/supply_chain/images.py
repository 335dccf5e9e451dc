"""Archives of images for tests, as `docker image save` writes them."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

Layer = Mapping[str, str]
"""Texts by path; a path that ends with / is a folder; `-> target` is a symbolic link."""

CONFIGURATION: Final[dict[str, Any]] = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-11-23T01:02:03Z",
    "config": {
        "Labels": {
            "org.opencontainers.image.version": "1.2.3",
            "org.opencontainers.image.revision": "0123abcd",
            "maintainer": "somebody",
        }
    },
}


def write_image(file: Path, *layers: Layer, compressed: bool = False) -> Path:
    """Write an image archive. Each layer is applied on top of the earlier ones."""
    with tarfile.open(file, "w:gz" if compressed else "w") as archive:
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        for name, layer in zip(names, layers, strict=True):
            content = _layer(layer)
            _add(archive, name, gzip.compress(content) if compressed else content)
        _add(archive, "configuration.json", json.dumps(CONFIGURATION).encode())
        manifest = [{"Config": "configuration.json", "Layers": names, "RepoTags": None}]
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return file


def write_root(folder: Path, layer: Layer) -> Path:
    """Write the files as a folder, without an image."""
    for name, text in layer.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        elif text.startswith("-> "):
            path.symlink_to(text.removeprefix("-> "))
        else:
            path.write_text(text)
    return folder


def _layer(layer: Layer) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as files:
        for name, text in layer.items():
            _add(files, name, text.encode())
    return stream.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name.rstrip("/"))
    if name.endswith("/"):
        info.type = tarfile.DIRTYPE
    elif content.startswith(b"-> "):
        info.type, info.linkname = tarfile.SYMTYPE, content.decode().removeprefix("-> ")
    else:
        info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
