"""What forked workers share."""

import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from scholarship_api.platform.server.shared_state import BOOT_FAILED, REPLACEMENT_FAILED, Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet()
    yield made
    made.close()


def in_child(action: Callable[[], object]) -> int:
    """The exit code of a forked process that runs `action`: its number, or 0."""
    with warnings.catch_warnings():
        # The test run has threads; the child calls nothing that could wait for them.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 99
        try:
            result = action()
            code = result if isinstance(result, int) else 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_one_process_at_a_time_has_the_turn(fleet: Fleet) -> None:
    assert fleet.take_turn()
    assert fleet.take_turn()  # it has it already
    assert in_child(fleet.take_turn) == 0
    fleet.pass_turn()
    assert in_child(fleet.take_turn) == 1
    # The child has ended, and its turn with it.
    assert fleet.take_turn()


def test_a_generation_is_ready_when_one_of_its_workers_is(fleet: Fleet) -> None:
    seen = [fleet.current_is_ready]
    in_child(partial(fleet.ready, 0))
    seen.append(fleet.current_is_ready)
    fleet.reload()
    seen.append(fleet.current_is_ready)
    in_child(partial(fleet.ready, 0))
    seen.append(fleet.current_is_ready)
    in_child(partial(fleet.ready, 1))
    seen.append(fleet.current_is_ready)
    assert seen == [False, True, False, False, True]
    assert fleet.generation == 1


def test_only_the_first_of_a_service_that_never_was_ready_ends_it(fleet: Fleet) -> None:
    assert in_child(fleet.boot_failure_code) == BOOT_FAILED
    assert in_child(fleet.boot_failure_code) == REPLACEMENT_FAILED


def test_workers_learn_that_the_arbiter_ends(fleet: Fleet) -> None:
    fleet.reload()
    fleet.ready(1)
    assert in_child(lambda: fleet.ending) == 0
    fleet.end()
    assert in_child(lambda: fleet.ending) == 1


def test_an_arbiter_gives_up_when_the_service_could_never_start(fleet: Fleet) -> None:
    in_child(fleet.boot_failure_code)
    assert fleet.ending


def test_a_replacement_that_fails_does_not_end_the_service(fleet: Fleet) -> None:
    fleet.ready(0)
    assert in_child(fleet.boot_failure_code) == REPLACEMENT_FAILED
    assert not fleet.ending
