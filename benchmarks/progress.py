"""What is shown while something takes long: on a terminal only, and never on standard output."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

STDERR = Console(stderr=True, highlight=False, soft_wrap=True)


def progress_bar() -> Progress:
    """To be entered; gone when it is left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=STDERR,
        disable=not STDERR.is_terminal,
        transient=True,
    )
