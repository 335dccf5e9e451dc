"""The parts of the search that a process makes once: the API, and the worker."""

from typing import NamedTuple

from scholarship_api.activity.searches import search_ids
from scholarship_api.activity.searches.recording import SearchRecorder
from scholarship_api.activity.searches.search_ids import SearchIds
from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.snapshots import Snapshots
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.eligibility.unchecked import unchecked_fields
from scholarship_api.platform import shared_folder
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.signed_tokens import token_signer
from scholarship_api.search import cursors
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.responses.answers import Answers
from scholarship_api.settings.settings import Settings


class SearchParts(NamedTuple):
    recorder: SearchRecorder
    read_model: CurrentModel
    """Not loaded yet. Close it at the end."""
    answers: Answers
    cursor_codec: CursorCodec
    search_ids: SearchIds


def search_parts(settings: Settings, database: Database) -> SearchParts:
    recorder = SearchRecorder(database, key=settings.jwt_secret_key.get_secret_value().encode())
    versions = CatalogueVersions(database)
    folder = shared_folder.service_folder()
    read_model = CurrentModel(
        database,
        versions,
        snapshots=None if folder is None else Snapshots(folder),
        unchecked=unchecked_fields(settings.eligibility_unchecked_criteria),
    )
    answers = Answers(
        database=database, versions=versions, read_model=read_model, recorder=recorder
    )
    codec = CursorCodec(token_signer(settings, purpose=cursors.PURPOSE))
    ids = SearchIds(token_signer(settings, purpose=search_ids.PURPOSE))
    return SearchParts(recorder, read_model, answers, codec, ids)
