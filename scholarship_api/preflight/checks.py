"""`scholarship-api check`: whether this configuration, and the servers that it names, can be
deployed.

A finding names variables, fixed reasons, numbers and addresses of proxies, but no secret and no
text of a driver.
"""

import asyncio
from collections.abc import Collection, Iterator

from scholarship_api.platform.observability import logging
from scholarship_api.preflight import configuration, deployment, servers
from scholarship_api.preflight import image as image_checks
from scholarship_api.preflight.results import CheckResult, with_allowed
from scholarship_api.settings.production import production_errors
from scholarship_api.settings.settings import SettingsError, load_settings

NAMES = (
    *configuration.NAMES,
    *servers.NAMES,
    *(f"deployment: {name}" for name in deployment.NAMES),
    *(f"image: {name}" for name in image_checks.NAMES),
)
"""The names of all rows."""


def run_checks(
    *,
    replicas: int = 1,
    base_url: str | None = None,
    image: str | None = None,
    offline: bool = False,
    allowed: Collection[str] = (),
) -> list[CheckResult]:
    """Check the settings of this process's environment and the servers that they name.

    With `offline` the servers are skipped. `replicas` is the number of processes of `scholarship-
    api serve` that share the database. With `base_url` a running deployment is checked as well,
    with `image` a container image. Failures of the `allowed` rows are accepted.
    """
    own = _own_rows(None if offline else replicas)
    return with_allowed([*own, *_other_rows(base_url, image)], allowed)


def _other_rows(base_url: str | None, image: str | None) -> Iterator[CheckResult]:
    if base_url is not None:
        for name, outcome, detail in deployment.run(base_url):
            yield CheckResult(f"deployment: {name}", outcome, detail)
    if image is not None:
        for name, outcome, detail in image_checks.run(image):
            yield CheckResult(f"image: {name}", outcome, detail)


def _own_rows(replicas: int | None) -> Iterator[CheckResult]:
    """The rows of settings and, unless `replicas` is None, of servers."""
    try:
        settings = load_settings()
    except SettingsError as error:
        failed = {row.name: row for row in configuration.rows_of_errors(error.errors)}
        for name in (*configuration.NAMES, *servers.NAMES):
            skipped = CheckResult(name, "skipped", "the settings have to be usable first")
            yield failed.get(name, skipped)
        return
    # The rows say everything, and JSON on standard output must stay valid.
    logging.configure(settings.model_copy(update={"log_level": "CRITICAL"}))
    yield from configuration.rows_of(settings, tuple(production_errors(settings)))
    if replicas is None:
        for name in servers.NAMES:
            yield CheckResult(name, "skipped", "--offline looks at no server")
    else:
        yield from asyncio.run(servers.rows_of(settings, replicas))
