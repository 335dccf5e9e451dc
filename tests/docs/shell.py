"""Runs the commands of a section unchanged and in one shell, as a reader would."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PASSWORD: Final = "correct horse battery staple"
SECONDS: Final = 300.0
_MARK: Final = "\x1e"

# Redirect the address of the page to the server of the test, and print each status to stderr.
_CURLRC: Final = """
connect-to = "127.0.0.1:8000:127.0.0.1:{port}"
noproxy = "*"
write-out = "%{{stderr}}status %{{http_code}}\\n"
"""


@dataclass(frozen=True, slots=True)
class Done:
    command: str
    output: str
    errors: str

    @property
    def statuses(self) -> list[int]:
        """The statuses of the answers that curl received."""
        return [int(status) for status in re.findall(r"^status (\d+)$", self.errors, re.MULTILINE)]


@dataclass(frozen=True, slots=True)
class Shell:
    folder: Path
    variables: Mapping[str, str]

    def run(self, commands: Sequence[str]) -> list[Done]:
        """Run the commands in turn. Fails at the first failing command and shows its output."""
        mark = f"printf '{_MARK}'; printf '{_MARK}' >&2"
        # Each command gets the password on its own standard input.
        script = "\n".join(
            f"{mark}\n{{ {command}\n}} < {self.folder}/.password" for command in commands
        )
        (self.folder / ".password").write_text(f"{PASSWORD}\n")
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env={**os.environ, "CURL_HOME": str(self.folder), "COLUMNS": "80", **self.variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        outputs, errors = (text.split(_MARK)[1:] for text in (done.stdout, done.stderr))
        last = commands[len(errors) - 1] if errors else ""
        assert done.returncode == 0, f"{last}\nended with {done.returncode}:\n{errors[-1:]}"
        return [Done(*parts) for parts in zip(commands, outputs, errors, strict=True)]


def new_shell(folder: Path, variables: Mapping[str, str], *, port: int) -> Shell:
    (folder / ".curlrc").write_text(_CURLRC.format(port=port))
    return Shell(folder, variables)
