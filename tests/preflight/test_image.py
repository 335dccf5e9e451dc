"""`scholarship-api check --image` judges the archive of an image."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scholarship_api.preflight import image as image_checks

GOOD = {
    "User": "65532:65532",
    "Entrypoint": ["/opt/venv/bin/scholarship-api"],
    "StopSignal": "SIGTERM",
    "Healthcheck": {"Test": ["CMD", "/opt/venv/bin/python", "-m", "scholarship_api.healthcheck"]},
    "Env": ["PATH=/usr/bin", "ENVIRONMENT=production"],
}


def file(name: str, mode: int = 0o644, *, user: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid = mode, user, user
    return info


def folder(name: str, mode: int = 0o755) -> tarfile.TarInfo:
    info = file(name, mode)
    info.type = tarfile.DIRTYPE
    return info


def archive_of(path: Path, configuration: dict[str, Any], *entries: tarfile.TarInfo) -> str:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for entry in entries:
            tar.addfile(entry)
    members = {
        "manifest.json": json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode(),
        "c.json": json.dumps({"config": configuration}).encode(),
        "l.tar": layer.getvalue(),
    }
    with tarfile.open(path / "image.tar", "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path / "image.tar")


def problems(image: str) -> dict[str, str]:
    return {
        name: detail for name, outcome, detail in image_checks.run(image) if outcome != "passed"
    }


def test_an_image_as_it_should_be(tmp_path: Path) -> None:
    entries = (folder("tmp", 0o1777), file("opt/venv/bin/python", 0o755), file("etc/sh.conf"))
    assert problems(archive_of(tmp_path, GOOD, *entries)) == {}


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"User": ""}, "user"),
        ({"User": "root"}, "user"),
        ({"User": "0:0"}, "user"),
        ({"Entrypoint": ["/bin/other"]}, "entry point"),
        ({"Entrypoint": None}, "entry point"),
        ({"StopSignal": "SIGKILL"}, "stop signal"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "true"]}}, "health check"),
        ({"Env": ["ENVIRONMENT=development"]}, "environment"),
        ({"Env": ["ENVIRONMENT=production", "JWT_SECRET_KEY=hunter2"]}, "environment"),
    ],
)
def test_a_wrong_configuration(tmp_path: Path, changed: dict[str, Any], check: str) -> None:
    found = problems(archive_of(tmp_path, GOOD | changed))
    assert list(found) == [check]
    assert "hunter2" not in found[check]


@pytest.mark.parametrize(
    ("entry", "check"),
    [
        (file("bin/sh", 0o755), "no shell, no installer"),
        (file("nix/store/abc-bash/bin/bash", 0o755), "no shell, no installer"),
        (file("usr/bin/mount", 0o4755), "no setuid files"),
        (file("opt/venv/app.py", 0o666), "nothing to write to"),
        (file("opt/venv/app.py", 0o644, user=65532), "nothing to write to"),
        (folder("opt/cache", 0o1777), "nothing to write to"),
    ],
)
def test_wrong_contents(tmp_path: Path, entry: tarfile.TarInfo, check: str) -> None:
    found = problems(archive_of(tmp_path, GOOD, entry))
    assert list(found) == [check]
    assert f"/{entry.name}" in found[check]


def test_no_image(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    assert "no image" in problems(str(tmp_path / "text"))["contents"]
    assert "no file" in problems(str(tmp_path / "missing"))["contents"]
