"""Writes a bill of materials of an image as CycloneDX and as SPDX: `make sbom IMAGE=name:tag`

Exit codes: 0 done; 1 the image or its metadata cannot be read; 2 wrong usage.
"""

import subprocess
import tarfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deploy.supply_chain import contents, cyclonedx_document, inventory, spdx_document, subject


def main(
    source: Annotated[
        str, typer.Argument(help="An image of the container engine, an archive, or a folder.")
    ],
    output: Annotated[Path, typer.Option(help="The folder to write to.", file_okay=False)],
) -> None:
    """Write sbom.cdx.json (CycloneDX 1.6) and sbom.spdx.json (SPDX 2.3)."""
    try:
        found = contents.read(source)
        components = inventory.list_components(found)
        of = subject.describe(found, components)
        texts = {
            "sbom.cdx.json": cyclonedx_document.write(of, components),
            "sbom.spdx.json": spdx_document.write(of, components),
        }
    except (OSError, ValueError, subprocess.CalledProcessError, tarfile.TarError) as error:
        typer.echo(f"{source}: {error}", err=True)
        raise typer.Exit(1) from error
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text)
        typer.echo(output / name)
    counts = Counter(component.kind for component in components)
    typer.echo(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))


if __name__ == "__main__":
    typer.run(main)
