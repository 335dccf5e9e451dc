"""Requests and answers about the address of an account."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from scholarship_api.input_limits import RequestModel


class NewAddress(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.org"}]})

    email: Annotated[
        str,
        Field(
            min_length=3,
            max_length=254,
            # One that every mail server takes: no quotes, no comments, no other scripts.
            pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
        ),
    ]


class Address(BaseModel):
    email: str
    confirmed: bool = Field(description="Alerts are sent to a confirmed address only.")
