"""CPU per request and throughput, and their ratios."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.cpu import Case, Rounds, in_turn
from benchmarks.load import Load
from benchmarks.processes import cpu_seconds, pss_bytes, rss_bytes, tree, tree_cpu_seconds

SPIN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
SPIN_IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}])"


def test_ratios_are_medians_over_neighbouring_rounds() -> None:
    ours = Rounds(costs=(1.0, 2.0, 30.0), rates=(10.0, 10.0, 10.0))
    theirs = Rounds(costs=(2.0, 4.0, 10.0), rates=(5.0, 5.0, 40.0))
    assert ours.cost_ratio(theirs) == 0.5
    assert ours.rate_ratio(theirs) == 2.0
    assert ours.milliseconds == 2000


def test_a_tree_includes_children_that_have_ended() -> None:
    before = tree_cpu_seconds([os.getpid()])
    subprocess.run([sys.executable, "-c", SPIN_IN_A_CHILD], check=True)
    assert tree_cpu_seconds([os.getpid()]) - before >= 0.3


def test_a_tree_includes_living_descendants() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(tree(os.getpid()))
        child.communicate(b"\n")
    assert child.pid not in tree(os.getpid())


def test_memory_and_cpu_of_a_process_are_read() -> None:
    assert 0 < pss_bytes(os.getpid()) <= rss_bytes(os.getpid())
    assert cpu_seconds(os.getpid()) > 0


def test_a_case_is_measured_per_request() -> None:
    used = 0.0

    def load(seconds: float) -> Load:
        nonlocal used
        used += 5.0
        time.sleep(0.01)
        return Load(requests=10, failed=0, seconds=seconds)

    found = in_turn({"case": Case(load, lambda: used)}, quick=True, seconds=2.0)["case"]
    assert found.costs == (0.5, 0.5, 0.5)
    assert found.rates == (5.0, 5.0, 5.0)


def test_a_failed_request_ends_the_measurement() -> None:
    case = Case(lambda seconds: Load(requests=10, failed=1, seconds=seconds), lambda: 0.0)
    with pytest.raises(RuntimeError, match="1 of 10 requests failed"):
        in_turn({"case": case}, quick=True, seconds=1.0)
