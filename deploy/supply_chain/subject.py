"""What a bill of materials is of, as both of its formats say it."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from deploy.supply_chain.contents import Contents
from deploy.supply_chain.inventory import Component

NAME: Final = "scholarship-api"

_PREFIX: Final = "org.opencontainers.image."


@dataclass(frozen=True, slots=True)
class Subject:
    version: str
    created: datetime
    digest: str = ""
    """The image's id, SHA-256 in hexadecimal digits; empty for a folder."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The standard annotations of the image, and its architecture."""
    name: str = NAME

    def identity(self, components: list[Component]) -> uuid.UUID:
        """The same for the same image, or for a folder with the same components."""
        content = self.digest or repr((self.version, self.created, components))
        return uuid.uuid5(uuid.NAMESPACE_OID, content)


def take(contents: Contents, components: list[Component]) -> Subject:
    """Of an image: when it was created is what its build has said, not the time of day.

    Of a folder: SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), or
    the beginning of 1970.
    """
    configuration = contents.configuration
    if created := configuration.get("created"):
        moment = datetime.fromisoformat(created)
    else:
        moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    all_labels = (configuration.get("config") or {}).get("Labels") or {}
    labels = {name: text for name, text in all_labels.items() if name.startswith(_PREFIX)}
    for name in ("architecture", "os"):
        if name in configuration:
            labels[name] = configuration[name]
    own = [part.version for part in components if (part.kind, part.name) == ("python", NAME)]
    version = labels.get(f"{_PREFIX}version") or (own[0] if own else "unknown")
    return Subject(version, moment.replace(microsecond=0), contents.digest, labels)
