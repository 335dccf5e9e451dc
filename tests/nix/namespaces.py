"""Machines as network namespaces on a bridge, instead of virtual machines. Each has processes,
files and a minimal replacement of systemd.

One process holds each namespace. When it ends, and it ends with the test, the kernel ends all
others of the namespace and takes the network away.
"""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0
COMMAND_SECONDS: Final = 300.0
POLL_SECONDS: Final = 0.05
PROPERTIES: Final = ("ActiveState", "MainPID", "Result", "ExecMainStatus")
PROGRAMS: Final = ("bash", "curl", "getent", "ip", "nginx", "nsenter", "setpriv", "unshare")
SYSTEM_PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"

# Each namespace has its own hosts file, /run and /dev/shm. The API names folders in /dev/shm by
# process ids, which are not unique across namespaces.
_HOLD: Final = """
mount --bind "$0/hosts" /etc/hosts
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
hostname "$1"
ip link set lo up
touch "$0/up"
exec sleep infinity
"""

# The journal is one file for each unit.
_JOURNALCTL: Final = """#!/bin/sh
for argument; do
    case $argument in --unit=*) cat "$JOURNAL/${argument#--unit=}" ;; esac
done
"""


def why_impossible() -> str | None:
    """The reason why this machine cannot create namespaces, or None."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=SYSTEM_PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    probe = "ip link add one type bridge && ip address add 2001:db8::1/64 dev one"
    command = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "bash", "-c", probe]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return f"no network namespaces here: {done.stderr.strip()}" if done.returncode else None


@dataclass(frozen=True, slots=True)
class Unit:
    """A service. The command `ready` succeeds when systemd would be notified of its readiness."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    ready: str = "true"


class Namespace:
    """Namespaces for processes and network; `pid` is the process that holds them."""

    def __init__(self, name: str, folder: Path, hosts: str) -> None:
        self.name = name
        folder.mkdir(parents=True)
        (folder / "hosts").write_text(hosts)
        new = ("--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc")
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *new]
        self._process = subprocess.Popen(
            [*command, "bash", "-euc", _HOLD, str(folder), name],
            env={"PATH": SYSTEM_PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        _until((folder / "up").exists, f"the namespace {name}", self._process)
        self.pid = _child(self._process)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def enter(self, command: Sequence[str], *, only_network: bool = False) -> list[str]:
        """The prefix of a command that runs inside the namespaces."""
        parts = ("--net",) if only_network else ("--net", "--mount", "--pid", "--uts")
        return ["nsenter", f"--target={self.pid}", *parts, "--", *command]

    def ip(self, *lines: str) -> None:
        """Run commands of `ip`, one a line."""
        batch = self.enter(["ip", "-batch", "-"], only_network=True)
        text = "\n".join(lines)
        subprocess.run(batch, env={"PATH": SYSTEM_PATH}, input=text, text=True, check=True)


class Machine:
    """A machine with the interface of the NixOS test driver: a shell, units and a network."""

    def __init__(
        self, namespace: Namespace, switch: Namespace, folder: Path, path: Sequence[str]
    ) -> None:
        self._namespace = namespace
        self._switch = switch
        self._journal = folder / "journal"
        self._journal.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        (programs / "journalctl").write_text(_JOURNALCTL)
        (programs / "journalctl").chmod(0o755)
        self._environment = {
            "PATH": ":".join([str(programs), *path, SYSTEM_PATH]),
            "JOURNAL": str(self._journal),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
        }
        self._units: dict[str, Unit] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    # --- Commands --------------------------------------------------------------------------------

    def succeed(self, *commands: str) -> str:
        output = ""
        for command in commands:
            done = self._execute(command)
            text = done.stdout.decode(errors="replace")
            assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{text}"
            output += text
        return output

    def _execute(self, command: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            self._namespace.enter(["bash", "-c", f"set -euo pipefail; {command}"]),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    # --- Units -----------------------------------------------------------------------------------

    def add(self, name: str, unit: Unit) -> None:
        """A service and its target are the same unit here."""
        self._units[Path(name).stem] = unit

    def systemctl(self, q: str) -> tuple[int, str]:
        verb, *options, unit = shlex.split(q)
        name = Path(unit).stem
        if verb == "start":
            self._start(name, wait="--no-block" not in options)
        elif verb == "stop":
            self._stop(name)
        else:
            [wanted] = [option.partition("=")[2] for option in options if "=" in option]
            return 0, f"{self._properties(name)[wanted]}\n"
        return 0, ""

    def wait_for_unit(self, unit: str) -> None:
        assert self._properties(Path(unit).stem)["ActiveState"] == "active", unit

    def _start(self, name: str, *, wait: bool) -> None:
        unit = self._units[name]
        if name in self._running and self._running[name].poll() is None:
            return
        with (self._journal / f"{name}.service").open("ab") as journal:
            process = subprocess.Popen(
                self._namespace.enter(unit.command),
                env={**self._environment, **unit.environment},
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=subprocess.STDOUT,
            )
        self._running[name] = process
        if wait:
            _until(lambda: self._execute(unit.ready).returncode == 0, f"{name} is ready", process)

    def _stop(self, name: str) -> None:
        process = self._running.get(name)
        if process is not None and process.poll() is None:
            os.kill(_child(process), self._units[name].stop_signal)
            process.wait(STOP_SECONDS)

    def _properties(self, name: str) -> dict[str, str]:
        process = self._running[name]
        if (code := process.poll()) is None:
            properties = ("active", str(_child(process)), "success", "0")
        elif code == 0:
            properties = ("inactive", "0", "success", "0")
        else:
            properties = ("failed", "0", "exit-code", str(code))
        return dict(zip(PROPERTIES, properties, strict=True))

    def close(self) -> None:
        """Reap the processes that ended with the namespace."""
        for process in self._running.values():
            process.wait(STOP_SECONDS)

    def journal(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in self._journal.iterdir())

    # --- The cable -------------------------------------------------------------------------------

    def block(self) -> None:
        self._switch.ip(f"link set {self._namespace.name} down")

    def unblock(self) -> None:
        self._switch.ip(f"link set {self._namespace.name} up")


@contextmanager
def network(folder: Path, names: Sequence[str], path: Sequence[str]) -> Iterator[list[Machine]]:
    """Machines with the addresses that the NixOS test driver would give them.

    `path` are folders of programs that come before those of this machine.
    """
    numbers = {name: number for number, name in enumerate(sorted(names), start=1)}
    addresses = {name: (f"192.168.1.{n}", f"2001:db8:1::{n}") for name, n in numbers.items()}
    hosts = [f"{address} {name}\n" for name in names for address in addresses[name]]
    hosts += ["127.0.0.1 localhost\n", "::1 localhost\n"]
    with ExitStack() as stack:

        def hold(name: str) -> Namespace:
            namespace = Namespace(name, folder / name, "".join(hosts))
            stack.callback(namespace.close)
            return namespace

        switch = hold("switch")
        switch.ip("link add bridge type bridge", "link set bridge up")
        machines = []
        for name in names:
            # The processes of the namespace end with it and are reaped afterwards.
            reaping = ExitStack()
            stack.push(reaping)
            namespace = hold(name)
            switch.ip(
                f"link add {name} type veth peer name eth1 netns {namespace.pid}",
                f"link set {name} master bridge up",
            )
            ipv4, ipv6 = addresses[name]
            namespace.ip(
                f"address add {ipv4}/24 dev eth1",
                f"address add {ipv6}/64 dev eth1 nodad",
                "link set eth1 up",
            )
            machines.append(Machine(namespace, switch, folder / name, path))
            reaping.callback(machines[-1].close)
        yield machines


def _child(process: "subprocess.Popen[bytes]") -> int:
    """The process that unshare or nsenter started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    _until(children.read_text, "the process itself", process)
    return int(children.read_text())


def _until(condition: Callable[[], object], what: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, f"{what}: ended with {process.returncode}"
        assert time.monotonic() < end, f"{what}: not within {START_SECONDS} s"
        time.sleep(POLL_SECONDS)
