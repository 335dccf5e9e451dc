"""The part of the NixOS test driver's machines that the steps use.

Its signatures are those of nixos/lib/test-driver/src/test_driver/machine, so that the driver's
machines are of this type, and so is whatever else can run a shell command. Durations are left to
the shell: how the driver takes them depends on its version.
"""

import json
import shlex
from typing import Any, Final, Protocol

API: Final = "scholarship-api.service"
LOCAL: Final = "http://localhost:8000"
"""The API itself, as its own machine sees it."""
READY_SECONDS: Final = 120


class Machine(Protocol):
    def succeed(self, *commands: str) -> str:
        """The output of commands of bash; an exception if one fails."""

    def systemctl(self, q: str) -> tuple[int, str]:
        """Exit code and output."""

    def wait_for_unit(self, unit: str) -> None: ...

    def block(self) -> None:
        """Unplug the network; loopback stays."""

    def unblock(self) -> None: ...


def control(machine: Machine, action: str, unit: str) -> None:
    """`systemctl start` or `stop`, which ends when that is done."""
    code, output = machine.systemctl(f"{action} {unit}")
    assert code == 0, f"systemctl {action} {unit}: {output}"


def unit_property(machine: Machine, unit: str, name: str) -> str:
    code, output = machine.systemctl(f"show --value --property={name} {unit}")
    assert code == 0, output
    return output.strip()


def wait_until(machine: Machine, command: str, *, seconds: int) -> None:
    """Until a command succeeds."""
    loop = f"until {command}; do sleep 0.2; done"
    machine.succeed(f"timeout {seconds} bash -c {shlex.quote(loop)}")


def await_ready(machine: Machine) -> None:
    """Until the API on a machine is ready."""
    wait_until(machine, is_ready(), seconds=READY_SECONDS)


def is_ready() -> str:
    """The command that tells it, by its exit code."""
    return f"curl --silent --fail --max-time 5 --output /dev/null {LOCAL}/readyz"


def read_log(machine: Machine) -> list[dict[str, Any]]:
    """What the API on a machine has logged so far, without what systemd says of it."""
    journal = machine.succeed(
        "journalctl --sync", f"journalctl --unit={API} --output=cat --no-pager"
    )
    return [json.loads(line) for line in journal.splitlines() if line.startswith("{")]


def named(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in log if line["event"] == event]
