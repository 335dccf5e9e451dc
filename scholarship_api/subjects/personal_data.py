"""The data that features store about a subject, by topic: for `users export` and platforms."""

from typing import Final

from scholarship_api.applications import service as applications
from scholarship_api.feeds import service as feeds
from scholarship_api.profiles import service as profiles
from scholarship_api.saved_searches import service as saved_searches
from scholarship_api.subjects.service import PersonalData, of_account

TOPICS: Final[dict[str, PersonalData]] = {
    "profile": profiles.personal_data,
    "saved_searches": saved_searches.personal_data,
    "applications": applications.personal_data,
    "feeds": feeds.personal_data,
}
ACCOUNT_TOPICS: Final[dict[str, PersonalData]] = {
    topic: of_account(read) for topic, read in TOPICS.items()
}
"""The same for the id of an account."""
