# ruff: noqa: RUF001 - look-alikes of ASCII signs are what is tested
"""Words are found whatever signs and letters surround them, in every kind of database."""

import os
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from scholarship_api.platform.database import migrations
from tests.search.test_text import award, ids, search

pytestmark = pytest.mark.anyio

KINDS = {
    "embedded": SQL(""),
    "libc": SQL("TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C.UTF-8'"),
}
"""The options of CREATE DATABASE of each kind. To the parser of the first one all letters beyond
ASCII are alike (LC_CTYPE C)."""

ICU_SERVER: Final = os.environ.get("ICU_POSTGRES_URL")
"""A server with ICU, which the embedded one lacks. With it, the tests run on two more kinds."""
if ICU_SERVER:
    KINDS |= {
        "icu": SQL("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"),
        "icu, LC_CTYPE C": SQL("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'"),
    }

AWARDS = [
    award("dashes", description="Open to students of viticulture—enology—and pomology."),
    award("en_dash", name="Boston–Worcester prize", description="“Firefly” •Fencing…archery"),
    award("hyphen", description="For geo‑informatics，cartography™ and surveying®."),
    award("malley", name="O’Malley fund"),
    award("hawaii", name="Aloha Hawaiʻi Future Award", description="From Oʻahu and Kauaʻi."),
    award("loreal", name="L'Oréal grant"),
    award("premed", name="Premed prize"),
    award("pre_med", name="Pre-Med prize"),
    award("schools", description="For K-12 teachers and 4-H members."),
    award("slashes", description="A bar. For medical/dental/pharmacy students. The end."),
    award("address", description="See https://www.rivervale.example/zephyrine/awards for more."),
    award("att", name="AT&T Rising Award", organization="AT&T Foundation"),
    award("technology", name="Downtown IT Award"),
    award("the_who", name="The Who"),
    award("chinese", name="中国政府留学奖学金"),
    award("thai", name="ทุนการศึกษา"),
    award("arabic", name="منحة الهندسة"),
    award("russian", name="Стипендия для учёных"),
    award("maine", name="Maine grant"),
    award("main", name="The main grant"),
    award("intern", description="For an intern."),
    award("internal", description="For internal medicine."),
    award("international", description="For international students."),
    award("organ", description="For organ players."),
    award("organic", description="For organic farmers."),
    award("organization", description="For members of an organization."),
    award("university", organization="Lake University"),
    award("universal", description="A universal design."),
    award("tag", description="With a score < 350 in chemistry and > 2 in botany."),
]


@pytest.fixture(scope="module", params=list(KINDS))
def module_database_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    name = f"languages_{uuid.uuid4().hex}"
    if ICU_SERVER and request.param.startswith("icu"):
        postgres_url = ICU_SERVER
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} {}").format(Identifier(name), KINDS[request.param])
        )
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        migrations.upgrade(url)
        yield url
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    insert_awards(AWARDS)


Find = Callable[[str], Awaitable[set[str]]]


@pytest.fixture
def found(client: httpx.AsyncClient) -> Find:
    async def find(q: str) -> set[str]:
        body = await search(client, q, limit=100)
        assert "did_you_mean" not in body, q
        return set(ids(body))

    return find


FOUND = {
    # Signs beyond ASCII part words.
    "viticulture": {"dashes"},
    "enology": {"dashes"},
    "pomology": {"dashes"},
    "boston": {"en_dash"},
    "worcester": {"en_dash"},
    "firefly": {"en_dash"},
    "fencing": {"en_dash"},
    "archery": {"en_dash"},
    "informatics": {"hyphen"},
    "cartography": {"hyphen"},
    "surveying": {"hyphen"},
    "chemistry botany": {"tag"},
    # Apostrophes and their look-alikes, and words without them.
    "O'Malley": {"malley"},
    "O’Malley": {"malley"},
    "OMalley": {"malley"},
    "Hawaii future": {"hawaii"},
    "Hawaiʻi future": {"hawaii"},
    "Hawai'i": {"hawaii"},
    "Hawai‘i": {"hawaii"},
    "Hawaiʼi": {"hawaii"},
    "oahu": {"hawaii"},
    "kauai": {"hawaii"},
    "loreal": {"loreal"},
    "L’Oreal": {"loreal"},
    # Invisible characters of a query.
    "pharm\u200bacy": {"slashes"},
    "pharma\u00adcy": {"slashes"},
    "\ufeffpharmacy\u2060": {"slashes"},
    # Words that are written as one or as two.
    "premed": {"premed", "pre_med"},
    "pre-med": {"premed", "pre_med"},
    "pre med": {"premed", "pre_med"},
    "K12": {"schools"},
    "K-12": {"schools"},
    "K 12": {"schools"},
    "4H": {"schools"},
    "4-H": {"schools"},
    # Names that are made of stop words.
    "AT&T": {"att"},
    "at&t foundation": {"att"},
    "IT": {"technology"},
    "it degree": {"technology"},
    "The Who": {"the_who"},
    # Other scripts.
    "留学": {"chinese"},
    "中国": {"chinese"},
    "奖学金": {"chinese"},
    "中国政府留学奖学金": {"chinese"},
    "学": {"chinese"},
    "学中": set(),
    "การศึกษา": {"thai"},
    "ทุนการศึกษา": {"thai"},
    "الهندسة": {"arabic"},
    "стипендия": {"russian"},
    "СТИПЕНДИЯ УЧЁНЫХ": {"russian"},
    # Stems that words share without sharing a meaning.
    "Maine": {"maine"},
    "main": {"main"},
    "intern": {"intern"},
    "internal": {"internal"},
    "international": {"international"},
    "organ": {"organ"},
    "organic": {"organic"},
    "organization": {"organization"},
    "organizations": {"organization"},
    "universal": {"universal"},
    "university": {"university"},
}


@pytest.mark.parametrize("q", FOUND)
async def test_the_awards_with_the_words_are_found(found: Find, q: str) -> None:
    assert await found(q) == FOUND[q]


@pytest.mark.parametrize(
    "name", [award["name"] for award in AWARDS if award["name"] != "Plain award"]
)
async def test_a_name_as_it_is_stored_finds_its_award_first(
    client: httpx.AsyncClient, name: str
) -> None:
    body = await search(client, name)
    assert body["items"][0]["name"] == name


@pytest.mark.parametrize(
    ("q", "marked"),
    [
        ("pharmacy", "/<mark>pharmacy</mark> students"),
        ("dental", "/<mark>dental</mark>/"),
        ("K-12 teachers", "<mark>K</mark>-<mark>12</mark> <mark>teachers</mark>"),
        ("zephyrine", "/<mark>zephyrine</mark>/"),
        ("worcester", "–<mark>Worcester</mark>"),
        ("留学", "<mark>留学</mark>"),
        ("Maine", "<mark>Maine</mark>"),
    ],
)
async def test_the_words_are_marked_whatever_signs_surround_them(
    client: httpx.AsyncClient, q: str, marked: str
) -> None:
    [item] = (await search(client, q))["items"]
    assert marked in item["match"]
