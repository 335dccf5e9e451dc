"""Statements on the catalogue's table."""

from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database import ReadSession


async def get(session: ReadSession, scholarship_id: str) -> Scholarship | None:
    return await session.get(Scholarship, scholarship_id)
