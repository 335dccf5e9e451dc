"""Stand-ins for cosign and gh, because tests cannot reach the services that these ask."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCRIPTS: Final = Path(__file__).parents[2] / "deploy" / "supply_chain"


@dataclass(frozen=True, slots=True)
class Programs:
    folder: Path

    def install(self, name: str, script: str) -> None:
        """Put a shell script of that name on PATH; its calls are recorded."""
        program = self.folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "$0.calls"\n{script}\n')
        program.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        file = self.folder / f"{name}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [SCRIPTS / script, *arguments],
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
