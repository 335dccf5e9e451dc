import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from deploy.supply_chain import contents
from deploy.supply_chain.contents import Contents
from tests.supply_chain.images import CONFIGURATION, Layer, write_image, write_root

VENV = "opt/venv/lib/python3.13/site-packages"
METADATA = f"{VENV}/award-1.0.dist-info/METADATA"
LIBRARY = f"{VENV}/award.libs/libssl.so.3"
STATUS = "var/lib/dpkg/status.d/libc6"
ROOT: Layer = {
    METADATA: "Name: award",
    f"{VENV}/award-1.0.dist-info/RECORD": "",
    f"{VENV}/award/__init__.py": "print()",
    LIBRARY: "code",
    STATUS: "Package: libc6",
    "usr/lib/os-release": "ID=debian",
    "usr/share/doc/libc6/copyright": "free",
    "usr/share/doc/libc-bin": "-> libc6",
    "nix/store/abc-zlib-1.3/lib/libz.so": "",
}


def texts(found: Contents) -> dict[str, str]:
    return {path: content.decode() for path, content in found.files.items()}


@pytest.mark.parametrize("form", ["image", "compressed image", "folder", "root in a tar file"])
def test_every_source_format_gives_the_same_contents(tmp_path: Path, form: str) -> None:
    source = tmp_path / "source"
    if "image" in form:
        write_image(source, ROOT, compressed="compressed" in form)
    else:
        folder = write_root(tmp_path / "root", ROOT)
        source = folder
        if "tar" in form:
            source = tmp_path / "root.tar"
            with tarfile.open(source, "w") as archive:
                archive.add(folder, arcname="./")
    found = contents.read(str(source))
    assert texts(found) == {
        METADATA: "Name: award",
        STATUS: "Package: libc6",
        "usr/lib/os-release": "ID=debian",
        "usr/share/doc/libc6/copyright": "free",
    }
    assert found.libraries == {LIBRARY: hashlib.sha256(b"code").hexdigest()}
    assert found.store == {"abc-zlib-1.3"}
    assert found.document("usr/share/doc/libc-bin", "copyright") == b"free"
    assert found.document("usr/share/doc/libc7", "copyright") is None


def test_configuration_and_id_of_an_image_are_read(tmp_path: Path) -> None:
    found = contents.read(str(write_image(tmp_path / "image.tar", ROOT)))
    assert found.configuration == CONFIGURATION
    assert found.digest == hashlib.sha256(json.dumps(CONFIGURATION).encode()).hexdigest()


def test_a_layer_replaces_what_is_below(tmp_path: Path) -> None:
    image = write_image(tmp_path / "image.tar", ROOT, {METADATA: "Name: prize"})
    assert texts(contents.read(str(image)))[METADATA] == "Name: prize"


@pytest.mark.parametrize(
    "whiteout",
    [
        f"{VENV}/award-1.0.dist-info/.wh.METADATA",
        f"{VENV}/.wh.award-1.0.dist-info",
        "opt/.wh.venv",
        ".wh.opt",
        f"{VENV}/.wh..wh..opq",
    ],
)
def test_a_layer_removes_what_is_below(tmp_path: Path, whiteout: str) -> None:
    new = f"{VENV}/prize-1.0.dist-info/METADATA"
    image = write_image(tmp_path / "image.tar", ROOT, {new: "Name: prize", whiteout: ""})
    found = texts(contents.read(str(image)))
    assert METADATA not in found
    assert found[new] == "Name: prize"
    assert STATUS in found


def test_an_archive_of_two_images_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "images.tar", "w") as archive:
        (tmp_path / "manifest.json").write_text("[{}, {}]")
        archive.add(tmp_path / "manifest.json", arcname="manifest.json")
    with pytest.raises(tarfile.ReadError, match="2 images, not one"):
        contents.read(str(tmp_path / "images.tar"))
