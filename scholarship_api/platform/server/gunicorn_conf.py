"""gunicorn's configuration: `-c python:scholarship_api.platform.server.gunicorn_conf`.

Read once per arbiter. A reload (SIGHUP) replaces the workers, which read the settings again. The
arbiter's own settings (port, number of workers, timeouts) need a restart.
"""

from scholarship_api.platform.server import early_signals

# Until gunicorn has its own handlers, which stop the workers as well. It comes before the other
# imports, which take a second.
early_signals.handle()
early_signals.release()

import sys  # noqa: E402

from scholarship_api.command_errors import report  # noqa: E402
from scholarship_api.platform.observability.logging import configure  # noqa: E402
from scholarship_api.platform.server import memory  # noqa: E402
from scholarship_api.platform.server.gunicorn_options import gunicorn_options  # noqa: E402
from scholarship_api.settings.settings import SettingsError, load_settings  # noqa: E402

try:
    _settings = load_settings()
except SettingsError as error:
    report(error)
    sys.exit(error.exit_code)

configure(_settings)
memory.give_back_large_blocks()
globals().update(gunicorn_options(_settings))
