"""The application on a database of the module, and the fixtures of the worker."""

from tests.worker.conftest import api

__all__ = ["api"]
