"""Idempotency-Key on the POSTs that create personal resources.

The key stands in the row that it created, so that it is erased with it: a stored answer elsewhere
would outlive the person's data. A repetition gets the resource as it is now.
"""

import hashlib
from typing import Annotated

from fastapi import Header, status
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from scholarship_api.catalogue.idempotency import REPLAYED_HEADER
from scholarship_api.errors import ValidationFailed
from scholarship_api.subjects.preconditions import written_response

CreationKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description=(
            "Makes repetitions safe: as long as the resource exists, the same key and body create"
            " nothing more and get the resource."
        ),
    ),
]


def created_response(body: object, *, version: int, location: str, is_replayed: bool) -> Response:
    """The answer to a POST that has created the resource, now or by an earlier request."""
    response = written_response(
        body, version=version, status_code=status.HTTP_201_CREATED, location=location
    )
    if is_replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def fingerprint(body: BaseModel) -> bytes:
    """A digest that is the same for equal bodies, whatever the order of their keys."""
    values = body.model_dump(mode="json", exclude_unset=True)
    return hashlib.sha256(to_json(_sorted(values))).digest()


def require_same(stored: bytes | None, sent: bytes) -> None:
    """Raises ValidationFailed when the key has created something else."""
    if stored != sent:
        raise ValidationFailed.of(
            "Idempotency-Key", "was used for another request; choose a new key"
        )


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    return value
