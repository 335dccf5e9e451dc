"""The state that forked workers share."""

import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from scholarship_api.platform.server.shared_state import (
    BOOT_FAILED,
    REPLACEMENT_FAILED,
    SharedState,
)


@pytest.fixture
def shared() -> Iterator[SharedState]:
    made = SharedState()
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


def test_one_process_at_a_time_has_the_recycle_slot(shared: SharedState) -> None:
    assert shared.acquire_recycle_slot()
    assert shared.acquire_recycle_slot()  # it has the slot already
    assert in_child(shared.acquire_recycle_slot) == 0
    shared.release_recycle_slot()
    assert in_child(shared.acquire_recycle_slot) == 1
    # The slot is free again, as the child has ended.
    assert shared.acquire_recycle_slot()


def test_a_generation_is_ready_when_one_of_its_workers_is(shared: SharedState) -> None:
    seen = [shared.current_generation_is_ready]
    in_child(partial(shared.mark_ready, 0))
    seen.append(shared.current_generation_is_ready)
    shared.begin_generation()
    seen.append(shared.current_generation_is_ready)
    in_child(partial(shared.mark_ready, 0))
    seen.append(shared.current_generation_is_ready)
    in_child(partial(shared.mark_ready, 1))
    seen.append(shared.current_generation_is_ready)
    assert seen == [False, True, False, False, True]
    assert shared.generation == 1


def test_only_the_first_failed_start_ends_the_service(shared: SharedState) -> None:
    assert in_child(shared.boot_failure_code) == BOOT_FAILED
    assert in_child(shared.boot_failure_code) == REPLACEMENT_FAILED


def test_workers_see_that_the_arbiter_shuts_down(shared: SharedState) -> None:
    shared.begin_generation()
    shared.mark_ready(1)
    assert in_child(lambda: shared.is_shutting_down) == 0
    shared.begin_shutdown()
    assert in_child(lambda: shared.is_shutting_down) == 1


def test_workers_see_that_the_service_could_never_start(shared: SharedState) -> None:
    in_child(shared.boot_failure_code)
    assert shared.is_shutting_down


def test_a_failed_replacement_does_not_end_the_service(shared: SharedState) -> None:
    shared.mark_ready(0)
    assert in_child(shared.boot_failure_code) == REPLACEMENT_FAILED
    assert not shared.is_shutting_down
