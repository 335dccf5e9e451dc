"""JSON merge patch, RFC 7396."""

from typing import Any


def merge(target: object, patch: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return `target` with `patch` applied; neither is changed.

    It does not recurse, because the client decides how deep a patch is nested.
    """
    root: dict[str, Any] = {"": target}
    pending: list[tuple[dict[str, Any], str, object]] = [(root, "", patch)]
    while pending:
        parent, name, value = pending.pop()
        if not isinstance(value, dict):
            parent[name] = value
            continue
        current = parent.get(name)
        merged = dict(current) if isinstance(current, dict) else {}
        parent[name] = merged
        for key, change in value.items():
            if change is None:
                merged.pop(key, None)
            else:
                pending.append((merged, key, change))
    return root[""]
