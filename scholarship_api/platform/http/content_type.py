"""The media type of request bodies."""

from typing import Final

from fastapi import Request

from scholarship_api.errors import UnsupportedMediaType

MERGE_PATCH: Final = "application/merge-patch+json"


async def require_json(request: Request) -> None:
    """A dependency that raises UnsupportedMediaType unless the body is declared as JSON."""
    media_type = _media_type(request)
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType


async def require_merge_patch(request: Request) -> None:
    """A dependency that raises UnsupportedMediaType unless the body is a merge patch or JSON."""
    if _media_type(request) not in (MERGE_PATCH, "application/json"):
        raise UnsupportedMediaType(
            f"Send the patch as {MERGE_PATCH} (RFC 7396).", headers={"Accept-Patch": MERGE_PATCH}
        )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
