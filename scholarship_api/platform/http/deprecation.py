"""Answers at an address that has moved: the same answer, and headers that say where to go."""

from fastapi import Response


def moved(response: Response, *, successor: str) -> Response:
    """Mark `response` as deprecated in favour of the path `successor`."""
    response.headers["Deprecation"] = "true"
    response.headers["Link"] = f'<{successor}>; rel="successor-version"'
    return response
