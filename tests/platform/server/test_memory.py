"""Large blocks are given back to the system, whichever thread has used them."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import threading
from pathlib import Path
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.platform.server import memory

def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

if "as glibc does" not in sys.argv:
    memory.give_back_large_blocks()
hash_password("the first one loads the library")
before = resident_mib()
barrier = threading.Barrier(4)

def hash_twice():
    for _ in range(2):
        barrier.wait()  # all at once, so that each thread has a heap of its own
        hash_password("correct horse battery staple")
    barrier.wait()

threads = [threading.Thread(target=hash_twice) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident_mib() - before)
"""


def growth_mib(*arguments: str, **variables: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of glibc")
def test_threads_keep_nothing_of_the_passwords_that_they_verified() -> None:
    assert growth_mib("as glibc does") > 30
    assert growth_mib() < 10


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of glibc")
def test_the_operator_s_own_settings_of_the_allocator_win() -> None:
    assert growth_mib(MALLOC_TRIM_THRESHOLD_="100000000", MALLOC_MMAP_THRESHOLD_="32000000") > 30
