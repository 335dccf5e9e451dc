"""Runs the acceptance suite of the project on one machine. The test itself carries out its hooks.

The client cannot stop a service on another machine. Its hooks therefore write a file and wait for
an exit code, which the driver of the machines writes.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Final

from .machine import Machine, control, unit_property

SECONDS: Final = 600

Hooks = Mapping[str, Callable[[], int]]
"""A function for each hook of the suite, such as STOP_DATABASE; it returns the exit code."""


def hooks_of(part: str, machine: Machine, *, start: str, stop: str) -> Hooks:
    """The hooks START_... and STOP_... of a part, which start and stop units of a machine."""

    def start_it() -> int:
        control(machine, "start", start)
        return 0

    def stop_it() -> int:
        control(machine, "stop", stop)
        return int(unit_property(machine, stop, "ExecMainStatus"))

    return {f"START_{part}": start_it, f"STOP_{part}": stop_it}


def run(
    client: Machine,
    suite: str,
    *,
    only: str,
    variables: Mapping[str, str],
    hooks: Hooks | None = None,
) -> None:
    """Run the command `suite` on the client; `only` is an expression for pytest's -k.

    `variables` are those of the suite without ACCEPTANCE_. Tests may only be skipped for what a
    proxy answers itself.
    """
    hooks = hooks or {}
    folder = client.succeed("mktemp --directory --tmpdir acceptance-XXXXXX").strip()
    commands = {name: _ask(folder, name) for name in hooks}
    settings = [f"ACCEPTANCE_{name}={value}" for name, value in {**variables, **commands}.items()]
    command = f"{shlex.join(['env', *settings])} {suite} -k {shlex.quote(only)}"
    client.succeed(
        f"{{ code=0; {command} > {folder}/output 2>&1 || code=$?;"
        f" echo $code > {folder}/.code; mv {folder}/.code {folder}/code; }}"
        " < /dev/null > /dev/null 2>&1 &"
    )
    while (name := _next(client, folder)) != "code":
        _answer(client, folder, name, hooks[name.removeprefix("asked-")]())
    code, output = client.succeed(f"cat {folder}/code"), client.succeed(f"cat {folder}/output")
    client.succeed(f"rm --recursive {folder}")
    assert code.strip() == "0", output
    assert re.search(r"=+ \d+ passed", output), output
    skipped = re.findall(r"^SKIPPED .*", output, re.MULTILINE)
    assert not [line for line in skipped if "ACCEPTANCE_BEHIND_PROXY" not in line], skipped


def _ask(folder: str, name: str) -> str:
    """The command of a hook: ask, wait, and exit with the code of the answer."""
    answer = f"{folder}/answer-{name}"
    return (
        f"touch {folder}/asked-{name}; until [ -e {answer} ]; do sleep 0.1; done;"
        f" code=$(cat {answer}); rm {answer}; exit $code"
    )


def _next(client: Machine, folder: str) -> str:
    """Wait for a question or for the end; the name of the file that appeared."""
    loop = f"until ls {folder} | grep --extended-regexp '^asked-|^code$'; do sleep 0.1; done"
    return client.succeed(f"timeout {SECONDS} bash -c {shlex.quote(loop)}").split()[0]


def _answer(client: Machine, folder: str, name: str, code: int) -> None:
    answer = f"answer-{name.removeprefix('asked-')}"
    client.succeed(
        f"rm {folder}/{name}; echo {code} > {folder}/.answer; mv {folder}/.answer {folder}/{answer}"
    )
