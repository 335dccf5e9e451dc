"""The entry of the command line, as a script and as `python -m scholarship_api`."""

from scholarship_api.platform.server import early_signals


def main() -> None:
    """Handle signals, then import the command line, which takes a moment."""
    early_signals.handle_as_first_process()
    from scholarship_api import cli  # noqa: PLC0415 - see above

    cli.main()


if __name__ == "__main__":
    main()
