"""Likely duplicates and merges, in requests and answers."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabulary import Status


class DuplicateQuery(RequestModel):
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=10_000)


class ComparedAward(BaseModel):
    """The fields of an award that tell it apart from another one."""

    id: str
    name: str
    organization: str
    website_url: str | None
    application_deadline: dt.datetime | None
    status: Status
    updated_at: dt.datetime


class DuplicatePair(BaseModel):
    id: int
    first: ComparedAward
    second: ComparedAward
    site: str = Field(description="The host that both link to.")
    score: int = Field(description="How similar the names are, up to 100.")
    found_at: dt.datetime


class DuplicateList(BaseModel):
    items: list[DuplicatePair]
    total: int


class MergeRequest(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"into": "sch_002"}]})

    into: ScholarshipId = Field(description="The award that stays.")


class Merge(BaseModel):
    merged_id: str
    into_id: str
    merged_at: dt.datetime
    undo_until: dt.datetime
