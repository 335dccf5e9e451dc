"""Compressed size of the container image.

    python -m benchmarks.image_size [--quick]

The layers of the image that `make image` builds (IMAGE=name:tag names another one), each compressed
by gzip as in a registry.
"""

import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.cold_start import IMAGE, require_image
from benchmarks.goals import Figure, run
from tests.container.layers import saved

WANTED_BYTES: Final = 53_000_000


def measure(*, quick: bool) -> Sequence[Figure]:  # noqa: ARG001 - there is only one way
    require_image()
    with saved(IMAGE) as image:
        size = image.compressed_bytes
    return [Figure("image, compressed", size / 1e6, "at most", WANTED_BYTES / 1e6, "MB", IMAGE)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
