"""How large the container image is for those who pull it.

    python -m benchmarks.image_size [--quick]

The layers of the image that `make image` builds (IMAGE=name:tag: another one), each compressed by
gzip as a registry stores them.
"""

import sys
from collections.abc import Sequence

from benchmarks.cold_start import IMAGE, require_image
from benchmarks.goals import Figure, run
from tests.container.layers import saved

MOST_BYTES = 50_000_000


def measure(*, quick: bool) -> Sequence[Figure]:  # noqa: ARG001 - there is only one way
    require_image()
    with saved(IMAGE) as image:
        size = image.compressed_bytes
    return [Figure("image, compressed", size / 1e6, "at most", MOST_BYTES / 1e6, "MB", IMAGE)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
