"""The OpenAPI document lists every answer of the catalogue."""

from collections.abc import AsyncIterator

import pytest

from tests.catalogue.api import (
    AWARDS,
    Api,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


MIDDLEWARE = {"400", "413", "414", "431", "500"}  # answers of middleware to any request
COMMON = {"401", "429", "503", *MIDDLEWARE}
DOCUMENTED = {
    ("get", AWARDS): {"200", "304", "403", "422"},
    ("post", AWARDS): {"201", "400", "403", "409", "413", "415", "422"},
    ("get", f"{AWARDS}/{{scholarship_id}}"): {"200", "301", "304", "404", "422"},
    ("put", f"{AWARDS}/{{scholarship_id}}"): (
        {"200", "400", "403", "404", "409", "412", "413", "415", "422", "428"}
    ),
    ("patch", f"{AWARDS}/{{scholarship_id}}"): (
        {"200", "400", "403", "404", "409", "412", "413", "415", "422", "428"}
    ),
    ("delete", f"{AWARDS}/{{scholarship_id}}"): ({"204", "400", "403", "404", "412", "422", "428"}),
    ("post", f"{AWARDS}/import"): {"200", "400", "403", "413", "415", "422"},
}


async def test_every_status_is_documented(api: Api) -> None:
    paths = api.app.openapi()["paths"]
    for (method, path), statuses in DOCUMENTED.items():
        operation = paths[path][method]
        assert operation["responses"].keys() == statuses | COMMON, (method, path)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (method, path, status)
        headers = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("If-Match" in headers) == (method in ("put", "patch", "delete"))
        assert ("Idempotency-Key" in headers) == ((method, path) == ("post", AWARDS))
    made = paths[AWARDS]["post"]["responses"]["201"]["headers"].keys()
    assert made == {"ETag", "Location", "Idempotency-Replayed"}
    patch = paths[f"{AWARDS}/{{scholarship_id}}"]["patch"]["requestBody"]["content"]
    assert patch.keys() == {"application/merge-patch+json", "application/json"}
    written = api.app.openapi()["components"]["schemas"]["WrittenScholarship"]
    assert set(written["required"]) == {"name", "organization", "scholarship_type"}
    assert written["properties"]["version"]["readOnly"] is True
