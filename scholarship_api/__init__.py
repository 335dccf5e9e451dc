"""Scholarship Discovery & Search API."""

__version__: str


def __getattr__(name: str) -> str:
    """`__version__`, read when it is asked for: importlib.metadata takes longer than Python itself.

    Until the first line of the program a process cannot handle signals.
    """
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("scholarship-api")
