"""A search service of FastAPI, SQLAlchemy and PostgreSQL's ts_rank_cd, as tutorials build it.

    DATABASE_URL=... uvicorn benchmarks.peers.sqlalchemy_app:app

`prepare` copies the awards of a catalogue into a table of its own in the same database, with a
generated tsvector and GIN indexes. The service ranks every match, counts all matches, and does
neither correct nor highlight words.
"""

import datetime as dt
import os
from collections.abc import Sequence
from typing import Annotated, Any, Final

import psycopg
from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, DateTime, Float, Text, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column

POOL_SIZE: Final = 10
"""Connections of a process, as many as the compared service may open."""

_PREPARE: Final = """
DROP SCHEMA IF EXISTS peer CASCADE;
CREATE SCHEMA peer;
CREATE TABLE peer.awards AS
    SELECT id, name, organization, description, amount::float8 AS amount, currency,
        application_deadline, scholarship_type, fields_of_study, residency_states AS states,
        grade_levels, citizenship_required AS citizenship, min_gpa::float8 AS min_gpa,
        max_gpa::float8 AS max_gpa, renewable
    FROM scholarships WHERE status = 'published';
ALTER TABLE peer.awards ADD PRIMARY KEY (id);
ALTER TABLE peer.awards ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name), 'A')
    || setweight(to_tsvector('english', organization), 'B')
    || setweight(to_tsvector('english', description), 'C')) STORED;
CREATE INDEX ON peer.awards USING gin (search_vector);
CREATE INDEX ON peer.awards USING gin (fields_of_study);
CREATE INDEX ON peer.awards USING gin (states);
CREATE INDEX ON peer.awards (application_deadline);
CREATE INDEX ON peer.awards (amount);
ANALYZE peer.awards;
"""


def prepare(conninfo: str) -> None:
    """Build the table of the service in the database of a catalogue, unless it is complete."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        present = connection.execute("SELECT to_regclass('peer.awards')").fetchone()
        if present and present[0]:
            counts = connection.execute(
                "SELECT (SELECT count(*) FROM peer.awards)"
                " = (SELECT count(*) FROM scholarships WHERE status = 'published')"
            ).fetchone()
            if counts and counts[0]:
                return
        connection.execute(_PREPARE)


class Base(DeclarativeBase):
    pass


class Award(Base):
    __tablename__ = "awards"
    __table_args__ = {"schema": "peer"}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    organization: Mapped[str]
    description: Mapped[str]
    amount: Mapped[float | None] = mapped_column(Float)
    currency: Mapped[str | None]
    application_deadline: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    scholarship_type: Mapped[str]
    fields_of_study: Mapped[list[str]] = mapped_column(ARRAY(Text))
    states: Mapped[list[str]] = mapped_column(ARRAY(Text))
    grade_levels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    citizenship: Mapped[str | None]
    min_gpa: Mapped[float | None] = mapped_column(Float)
    max_gpa: Mapped[float | None] = mapped_column(Float)
    renewable: Mapped[bool]
    search_vector: Mapped[str] = deferred(mapped_column(TSVECTOR))


class Item(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    organization: str
    description: str
    amount: float | None
    currency: str | None
    application_deadline: dt.datetime | None
    scholarship_type: str


class Page(BaseModel):
    items: list[Item]
    total: int


engine = create_async_engine(
    os.environ.get("DATABASE_URL", "postgresql+psycopg://localhost/none"), pool_size=POOL_SIZE
)
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
app = FastAPI(title="Peer: FastAPI, SQLAlchemy, ts_rank_cd")


@app.get("/")
async def index() -> dict[str, str]:
    return {"status": "active"}


@app.get("/api/v1/search")
async def search(  # noqa: PLR0917 - the parameters of the query string
    q: str | None = None,
    fields_of_study: Annotated[str | None, Query()] = None,
    scholarship_types: Annotated[str | None, Query()] = None,
    states: Annotated[str | None, Query()] = None,
    grade_level: str | None = None,
    citizenship: str | None = None,
    min_amount: float | None = None,
    max_amount: float | None = None,
    min_gpa: float | None = None,
    renewable: bool | None = None,
    limit: int = 20,
    offset: int = 0,
) -> Page:
    conditions: list[ColumnElement[bool]] = [
        or_(Award.application_deadline.is_(None), Award.application_deadline >= func.now())
    ]
    order: list[Any] = [Award.application_deadline, Award.id]
    if q is not None:
        query = func.websearch_to_tsquery("english", q)
        conditions.append(Award.search_vector.op("@@")(query))
        order.insert(0, func.ts_rank_cd(Award.search_vector, query).desc())
    conditions += _any_of(Award.fields_of_study, fields_of_study)
    conditions += _any_of(Award.states, states)
    conditions += _any_of(Award.grade_levels, grade_level)
    if scholarship_types is not None:
        conditions.append(Award.scholarship_type.in_(scholarship_types.split(",")))
    if citizenship is not None:
        conditions.append(or_(Award.citizenship.is_(None), Award.citizenship == citizenship))
    if min_amount is not None:
        conditions.append(Award.amount >= min_amount)
    if max_amount is not None:
        conditions.append(Award.amount <= max_amount)
    if min_gpa is not None:
        conditions.append(or_(Award.min_gpa.is_(None), Award.min_gpa <= min_gpa))
    if renewable is not None:
        conditions.append(Award.renewable == renewable)
    async with sessions() as session:
        rows = await session.scalars(
            select(Award).where(*conditions).order_by(*order).limit(limit).offset(offset)
        )
        items = [Item.model_validate(award) for award in rows]
        total = await session.scalar(select(func.count()).select_from(Award).where(*conditions))
    return Page(items=items, total=total or 0)


def _any_of(column: Any, values: str | None) -> Sequence[ColumnElement[bool]]:  # noqa: ANN401
    """Awards that name one of the values, or none at all."""
    if values is None:
        return ()
    return (or_(func.cardinality(column) == 0, column.op("&&")(values.split(","))),)
