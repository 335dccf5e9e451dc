"""The server answers the probes however busy it is."""

from scholarship_api.app import create_app
from scholarship_api.health.paths import PROBE_PATHS
from scholarship_api.settings.settings import Settings


def test_the_application_names_the_probes_to_the_server() -> None:
    app = create_app(
        Settings(environment="test", database_url="postgresql://nobody@127.0.0.1:1/none")
    )
    assert app.state.always_answered_paths == PROBE_PATHS
