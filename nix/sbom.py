"""Writes a CycloneDX bill of materials of an environment and the store paths that it needs.

sbom.py --name NAME --version VERSION --revision REVISION --timestamp TIME
    --store-paths FILE ENVIRONMENT
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

# Digest, name up to a dash before a digit, version; an output's name remains in the version.
STORE_PATH: Final = re.compile(r"/nix/store/[0-9a-z]{32}-(?P<name>.+?)(-(?P<version>\d.*))?")

Component = dict[str, Any]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--name", "--version", "--revision", "--timestamp"):
        parser.add_argument(name, required=True)
    parser.add_argument("--store-paths", type=Path, required=True)
    parser.add_argument("environment", type=Path)
    options = parser.parse_args(arguments)
    [packages] = options.environment.glob("lib/python3*/site-packages")
    subject = {
        "type": "application",
        "bom-ref": f"pkg:pypi/{options.name}@{options.version}",
        "name": options.name,
        "version": options.version,
        "purl": f"pkg:pypi/{options.name}@{options.version}",
        "properties": [{"name": "revision", "value": options.revision}],
    }
    components = [*_python(packages), *_store(options.store_paths)]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": options.timestamp, "component": subject},
        "components": [part for part in components if part["bom-ref"] != subject["bom-ref"]],
    }
    json.dump(bill, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _python(packages: Path) -> Iterator[Component]:
    found = {
        _normalized(each.metadata["Name"]): each for each in distributions(path=[str(packages)])
    }
    for name, distribution in sorted(found.items()):
        reference = f"pkg:pypi/{name}@{distribution.version}"
        yield {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": distribution.version,
            "purl": reference,
            **_licence(distribution),
        }


def _normalized(name: str) -> str:
    """As package URLs and the index have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(distribution: Distribution) -> Component:
    """Only what is given as an SPDX expression (PEP 639): older fields hold any text."""
    expressions = distribution.metadata.get_all("License-Expression") or []
    return {"licenses": [{"expression": each} for each in expressions]} if expressions else {}


def _store(listing: Path) -> Iterator[Component]:
    for path in sorted(listing.read_text().split()):
        match = STORE_PATH.fullmatch(path)
        if not match:
            raise SystemExit(f"{path} is no store path")
        name, version = match["name"], match["version"]
        yield {
            "type": "library",
            "bom-ref": path,
            "name": name,
            **({"version": version} if version else {}),
            "purl": f"pkg:nix/{name}" + (f"@{version}" if version else ""),
        }


if __name__ == "__main__":
    main(sys.argv[1:])
