"""The part of the NixOS test driver's machines that the steps use.

The signatures are those of nixos/lib/test-driver/src/test_driver/machine, so the driver's machines
have this type, and so has everything else that can run a shell command. The shell waits and times
out, because the driver's own parameters depend on its version.
"""

import json
import shlex
from typing import Any, Final, Protocol

API: Final = "scholarship-api.service"
LOCAL: Final = "http://localhost:8000"
"""The address of the API on its own machine."""
READY_SECONDS: Final = 120


class Machine(Protocol):
    def succeed(self, *commands: str) -> str:
        """The output of bash commands; raises an exception if one fails."""

    def systemctl(self, q: str) -> tuple[int, str]:
        """The exit code and the output of a command."""

    def wait_for_unit(self, unit: str) -> None: ...

    def block(self) -> None:
        """Unplug the network; loopback stays."""

    def unblock(self) -> None: ...


def control(machine: Machine, action: str, unit: str) -> None:
    """Run `systemctl start` or `stop`, and wait until it is done."""
    code, output = machine.systemctl(f"{action} {unit}")
    assert code == 0, f"systemctl {action} {unit}: {output}"


def unit_property(machine: Machine, unit: str, name: str) -> str:
    code, output = machine.systemctl(f"show --value --property={name} {unit}")
    assert code == 0, output
    return output.strip()


def wait_until(machine: Machine, command: str, *, seconds: int) -> None:
    """Wait until a command succeeds."""
    loop = f"until {command}; do sleep 0.2; done"
    machine.succeed(f"timeout {seconds} bash -c {shlex.quote(loop)}")


def await_ready(machine: Machine) -> None:
    """Wait until the API on a machine is ready."""
    wait_until(machine, is_ready(), seconds=READY_SECONDS)


def is_ready() -> str:
    """The command whose exit code tells whether the API is ready."""
    return f"curl --silent --fail --max-time 5 --output /dev/null {LOCAL}/readyz"


def read_log(machine: Machine) -> list[dict[str, Any]]:
    """The log of the API on a machine so far, without the messages of systemd."""
    journal = machine.succeed(
        "journalctl --sync", f"journalctl --unit={API} --output=cat --no-pager"
    )
    return [json.loads(line) for line in journal.splitlines() if line.startswith("{")]


def named(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in log if line["event"] == event]
