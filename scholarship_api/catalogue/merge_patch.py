"""JSON merge patch, RFC 7396."""

from typing import Any


def merge(target: object, patch: object) -> Any:  # noqa: ANN401 - any JSON value
    """`target` with `patch` applied; neither is changed.

    Without recursion: how deep a patch is nested is for its sender to choose.
    """
    root: dict[str, Any] = {"": target}
    waiting: list[tuple[dict[str, Any], str, object]] = [(root, "", patch)]
    while waiting:
        parent, name, value = waiting.pop()
        if not isinstance(value, dict):
            parent[name] = value
            continue
        present = parent.get(name)
        merged = dict(present) if isinstance(present, dict) else {}
        parent[name] = merged
        for key, change in value.items():
            if change is None:
                merged.pop(key, None)
            else:
                waiting.append((merged, key, change))
    return root[""]
