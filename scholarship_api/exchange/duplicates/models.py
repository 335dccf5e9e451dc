"""The table of awards that are likely the same."""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class Duplicate(Base):
    """Two awards of different imports that a person should compare."""

    __tablename__ = "duplicates"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    first_id: Mapped[str] = mapped_column(Text)
    second_id: Mapped[str] = mapped_column(Text)
    site: Mapped[str] = mapped_column(Text)
    """The host that both awards link to."""
    score: Mapped[int] = mapped_column(SmallInteger)
    """How similar the names are, up to 100."""
    found_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    dismissed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """When somebody has said that they are not the same."""

    __table_args__ = (
        CheckConstraint("first_id < second_id", "in_order"),
        UniqueConstraint("first_id", "second_id"),
    )
