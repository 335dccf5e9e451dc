"""The subject of a bill of materials: the image that it describes, for both formats."""

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
        """A stable identifier: equal for the same image, or for folders with equal components."""
        content = self.digest or repr((self.version, self.created, components))
        return uuid.uuid5(uuid.NAMESPACE_OID, content)


def describe(contents: Contents, components: list[Component]) -> Subject:
    """The subject that `contents` describes.

    Its date is reproducible. An image has the date that its build recorded. A folder has
    SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), or 1970-01-01.
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
