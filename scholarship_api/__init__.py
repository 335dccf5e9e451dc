"""Scholarship Discovery & Search API."""

from importlib.metadata import version

__version__ = version("scholarship-api")
