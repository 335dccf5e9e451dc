"""gunicorn's configuration: `-c python:scholarship_api.platform.server.gunicorn_conf`.

Read once per arbiter. A reload (SIGHUP) replaces the workers, which read the settings again. The
arbiter's own settings (port, number of workers, timeouts) need a restart.
"""

import sys

from scholarship_api.command_errors import report
from scholarship_api.platform.observability.logging import configure
from scholarship_api.platform.server import early_signals
from scholarship_api.platform.server.gunicorn_options import gunicorn_options
from scholarship_api.settings.settings import SettingsError, load_settings

# Until gunicorn has its own handlers, which stop the workers as well.
early_signals.handle()
early_signals.release()

try:
    _settings = load_settings()
except SettingsError as error:
    report(error)
    sys.exit(error.exit_code)

configure(_settings)
globals().update(gunicorn_options(_settings))
