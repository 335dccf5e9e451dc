"""The user that PostgreSQL runs as. It refuses root, the usual user in containers and CI machines.

Root starts it in a user namespace, in which root's files belong to another user. Where that is not
allowed (as in Docker's default profile), root starts it as the user nobody.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OVERFLOW_UID: Final = 65534  # inside a user namespace, all other users look like this one


@dataclass(frozen=True, slots=True)
class Identity:
    """The launcher's argument, and the user and group that own the server's files."""

    argument: str
    owner: int
    group: int


def identities() -> list[Identity]:
    """All identities that may work on this machine, best first."""
    if os.geteuid() != 0:
        return [Identity("self", os.geteuid(), os.getegid())]
    accounts = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    # initdb wants a user id that has a name. The overflow id stands for all other users.
    inside = sorted(accounts, key=lambda entry: (entry.pw_uid == OVERFLOW_UID, entry.pw_uid))
    outside = [entry for entry in accounts if entry.pw_name == "nobody"]
    return [
        *(Identity(f"namespace:{e.pw_uid}:{e.pw_gid}", 0, os.getegid()) for e in inside[:1]),
        *(Identity(f"user:{e.pw_uid}:{e.pw_gid}", e.pw_uid, e.pw_gid) for e in outside),
    ]


def closed_directory(path: Path, identity: Identity) -> Path | None:
    """The first folder above `path` that the identity's user cannot pass through."""
    if not identity.argument.startswith("user:"):
        return None
    for folder in reversed(path.parents):
        status = folder.stat()
        if status.st_uid == identity.owner:
            needed = stat.S_IXUSR
        elif status.st_gid == identity.group:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return folder
    return None
