"""gunicorn's logger without handlers of its own: its records go to the process's one stream."""

import logging
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class PropagatingLogger(Logger):  # type: ignore[misc]
    """Leaves the formatting of all records to the root logger's handler."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
        self.error_log.propagate = True
        self.error_log.setLevel(logging.NOTSET)
