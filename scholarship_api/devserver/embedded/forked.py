"""A forked child process, which starts with all modules that this process has imported."""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from signal import Signals
from typing import NoReturn

from scholarship_api.devserver.embedded.launcher import die_with_parent
from scholarship_api.devserver.embedded.processes import POLL_SECONDS


class ForkedChild:
    """A function that runs in a forked process, with the interface of subprocess.Popen.

    Start it while this process has one thread. The child gets `death_signal` when this process
    ends.
    """

    def __init__(self, function: Callable[[], None], *, death_signal: Signals) -> None:
        self.returncode: int | None = None
        for stream in (sys.stdout, sys.stderr):  # otherwise the child would print it again
            stream.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _run(function, parent, death_signal)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; raises subprocess.TimeoutExpired after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("forked child", timeout or 0)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(Signals.SIGKILL)


def _run(function: Callable[[], None], parent: int, death_signal: Signals) -> NoReturn:
    """Run the function and end, without the exit handlers and contexts of the parent."""
    code = 1
    try:
        die_with_parent(parent, death_signal)
        function()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - nothing may get past this point
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
