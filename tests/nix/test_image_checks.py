"""The checks of an image and of its closure, on small examples."""

import io
import json
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.container.test_image import FORBIDDEN
from tests.nix.expressions import REPOSITORY

CHECKS = REPOSITORY / "nix" / "image_checks"
CONFIGURATION = {"User": "65532:65532", "Cmd": ["start"]}
HARMLESS = "nix/store/aaaa-service/bin/service"


def run(program: str, *arguments: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(CHECKS / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# --- The closure ---------------------------------------------------------------------------------


def store(folder: Path, *files: str) -> Path:
    """A listing of store paths. Each path has a file, or a link when it ends with @."""
    listing = folder / "store-paths"
    roots = set()
    for name in files:
        path = folder / name.rstrip("@")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("@"):
            path.symlink_to("service")
        else:
            path.write_text("x")
        roots.add(folder / Path(name).parts[0])
    listing.write_text("".join(f"{root}\n" for root in sorted(roots)))
    return listing


def test_a_closure_without_tools_is_reported(tmp_path: Path) -> None:
    listing = store(tmp_path, "one/bin/service", "two/lib/libbash.so", "two/share/curl/notes")
    done = run("closure.py", listing, tmp_path / "report")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "report").read_text()
    assert str(tmp_path / "one") in report
    assert str(tmp_path / "two") in report


@pytest.mark.parametrize(
    "file",
    [
        "one/bin/bash",
        "one/bin/sh@",
        "one/sbin/dpkg",
        "one/libexec/git/git",
        "one/bin/pip3.13",
        "one/lib/python3.13/site-packages/pip/__init__.py",
        "one/lib/python3.13/ensurepip/__init__.py",
    ],
)
def test_a_tool_in_a_closure_is_named(tmp_path: Path, file: str) -> None:
    done = run("closure.py", store(tmp_path, "two/bin/service", file))
    assert done.returncode == 1
    assert str(tmp_path / file.rstrip("@")) in done.stderr
    assert "Not for an image" in done.stderr


def test_a_closure_of_nothing_proves_nothing(tmp_path: Path) -> None:
    assert run("closure.py", store(tmp_path)).returncode == 1


def test_both_images_are_looked_at_for_the_same_programs() -> None:
    programs = runpy.run_path(str(CHECKS / "closure.py"))["PROGRAMS"]
    assert programs >= FORBIDDEN


# --- The archive ---------------------------------------------------------------------------------


def entry(name: str, *, mode: int = 0o555, owner: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid = mode, owner, owner
    return info


def archive(folder: Path, *entries: tarfile.TarInfo, **configuration: Any) -> tuple[Path, Path]:  # noqa: ANN401
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        for info in entries:
            files.addfile(info)
    contents = {
        "manifest.json": json.dumps([{"Config": "image.json", "Layers": ["layer.tar"]}]).encode(),
        "image.json": json.dumps({"config": {**CONFIGURATION, **configuration}}).encode(),
        "layer.tar": layer.getvalue(),
    }
    with tarfile.open(folder / "image.tar.gz", "w:gz") as image:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            image.addfile(info, io.BytesIO(content))
    (folder / "expected.json").write_text(json.dumps(CONFIGURATION))
    return folder / "image.tar.gz", folder / "expected.json"


def test_a_sound_image_passes(tmp_path: Path) -> None:
    temporary = entry("./tmp", mode=0o1777)
    temporary.type = tarfile.DIRTYPE
    done = run("archive.py", *archive(tmp_path, entry(HARMLESS), temporary))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("unsound", "fault"),
    [
        (entry("nix/store/aaaa-bash/bin/bash"), "bin/bash is not for an image"),
        (entry("etc/settings", mode=0o666), "etc/settings can be written to"),
        (entry("etc/settings", mode=0o644, owner=65532), "etc/settings can be written to"),
        (entry("bin/mount", mode=0o4555), "bin/mount gives privileges"),
        (entry("tmp", mode=0o777), "tmp has the mode 777"),
    ],
)
def test_an_unsound_file_is_named(tmp_path: Path, unsound: tarfile.TarInfo, fault: str) -> None:
    done = run("archive.py", *archive(tmp_path, entry(HARMLESS), unsound))
    assert done.returncode == 1
    assert fault in done.stderr


def test_another_configuration_is_named(tmp_path: Path) -> None:
    done = run("archive.py", *archive(tmp_path, entry(HARMLESS), User="0:0", Volumes={"/data": {}}))
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["User is 0:0", "there are volumes"]
