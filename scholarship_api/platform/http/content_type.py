"""The media type of request bodies."""

from fastapi import Request

from scholarship_api.errors import UnsupportedMediaType


async def require_json(request: Request) -> None:
    """A dependency that raises UnsupportedMediaType unless the body is declared as JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType
