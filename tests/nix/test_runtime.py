"""The programs that take shells out of the image's Python, on a small interpreter in a small store.

The interpreter has the three references to bash that nixpkgs leaves in CPython.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.nix.expressions import REPOSITORY

PROGRAMS: Final = REPOSITORY / "nix" / "runtime"
LIBRARY: Final = "python3.13"
HASH: Final = "0a1b2c3d4f5g6h7i8j9k0l1m2n3p4q5r"
BASH: Final = f"{HASH}-bash-5.3p9"


def run(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-B", str(PROGRAMS / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """An interpreter as nixpkgs builds it, in the store `tmp_path`."""
    folder = tmp_path / f"{HASH}-python3-3.13.9"
    shell = f"{tmp_path}/{BASH}/bin/sh"
    files = {
        "bin/python3.13": f"\x7fELF {folder}/lib/libpython3.13.so",
        "bin/python3-config": f"#!{tmp_path}/{BASH}/bin/bash\n",
        f"lib/{LIBRARY}/subprocess.py": f"unix_shell = '{shell}'\n",
        f"lib/{LIBRARY}/ctypes/__init__.py": "",
        f"lib/{LIBRARY}/ctypes/macholib/fetch_macholib": f"#!{shell}\nsvn export\n",
        f"lib/{LIBRARY}/config-3.13/makesetup": "#! /bin/sh\n",
        f"lib/{LIBRARY}/_sysconfigdata.py": f"build = {{'prefix': '{folder}'}}\n",
        f"lib/{LIBRARY}/__pycache__/subprocess.pyc": shell,
        f"lib/{LIBRARY}/test/test_os.py": shell,
        "lib/libpython3.13.so.1.0": f"\x7fELF {folder}/lib",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o555)
    (folder / "lib/libpython3.13.so").symlink_to(f"{folder}/lib/libpython3.13.so.1.0")
    return folder


def copied(original: Path) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    copy = original.with_name(original.name.replace(HASH, HASH[::-1]))
    return copy, run("interpreter.py", original, copy, LIBRARY, original.parent)


def test_no_reference_to_a_shell_is_left(original: Path) -> None:
    copy, done = copied(original)
    assert done.returncode == 0, done.stderr
    left = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert left == {
        *("bin/python3", "bin/python3.13", "lib/libpython3.13.so", "lib/libpython3.13.so.1.0"),
        *(f"lib/{LIBRARY}/{name}.py" for name in ("_sysconfigdata", "subprocess")),
        f"lib/{LIBRARY}/ctypes/__init__.py",
    }
    assert (copy / "lib" / LIBRARY / "subprocess.py").read_text() == "unix_shell = '/bin/sh'\n"
    assert run("shells.py", copy, original.parent).returncode == 0


def test_paths_of_the_original_become_those_of_the_copy(original: Path) -> None:
    copy, _ = copied(original)
    for path in copy.rglob("*"):
        content = path.readlink().as_posix() if path.is_symlink() else ""
        content += path.read_text() if path.is_file() else ""
        assert str(original) not in content
    assert (copy / "lib/libpython3.13.so").readlink() == copy / "lib/libpython3.13.so.1.0"


@pytest.mark.parametrize(
    "name",
    [
        "lib/libpython3.13.so.1.0",
        f"lib/{LIBRARY}/lib-dynload/_posixsubprocess.so",
        f"lib/{LIBRARY}/data.json",
    ],
)
@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh"])
def test_a_shell_that_cannot_be_taken_out_fails_the_build(
    original: Path, name: str, shell: str
) -> None:
    path = original / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(f"\x7fELF {original.parent}/{BASH}/bin/{shell}\x00")
    _, done = copied(original)
    assert done.returncode == 1
    assert Path(name).name in done.stderr
    assert f"{BASH}/bin/{shell}" in done.stderr


@pytest.mark.parametrize(
    "first_line",
    ["#!{bash}/bin/bash -e", "#! {bash}/bin/sh", "#!/bin/sh", "#!/usr/bin/env bash"],
)
def test_a_script_for_a_shell_is_deleted_wherever_it_lies(original: Path, first_line: str) -> None:
    script = original / "lib" / LIBRARY / "some" / "new" / "script"
    script.parent.mkdir(parents=True)
    script.write_text(first_line.format(bash=original.parent / BASH) + "\nexit\n")
    copy, done = copied(original)
    assert done.returncode == 0, done.stderr
    assert not (copy / script.relative_to(original)).exists()


def test_an_unknown_change_of_subprocess_fails_the_build(original: Path) -> None:
    path = original / "lib" / LIBRARY / "subprocess.py"
    path.chmod(0o755)
    path.write_text("unix_shell = shutil.which('sh')\n")
    _, done = copied(original)
    assert done.returncode == 1
    assert "subprocess.py does not name '/bin/sh'" in done.stderr


def test_an_erased_reference_is_none(tmp_path: Path) -> None:
    (tmp_path / "erased").write_text(f"{tmp_path}/{'e' * 32}-bash-5.3/bin/sh")
    assert run("shells.py", tmp_path, tmp_path).returncode == 0


def test_a_link_to_a_shell_is_named(tmp_path: Path) -> None:
    (tmp_path / "helper").symlink_to(tmp_path / BASH / "bin" / "sh")
    done = run("shells.py", tmp_path, tmp_path)
    assert done.returncode == 1
    assert "helper names the shell" in done.stderr
