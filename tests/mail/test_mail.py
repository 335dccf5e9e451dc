"""Mails: only to confirmed addresses, one digest a day, ended with one click."""

import asyncio
import datetime as dt
import uuid

import psycopg
import pytest

from scholarship_api.accounts.roles import Role
from scholarship_api.alerts import service as alerts
from scholarship_api.mail import delivery, messages
from scholarship_api.saved_searches import notifications
from scholarship_api.saved_searches.matching import SearchMatcher
from scholarship_api.settings.settings import Settings, SettingsError
from tests.catalogue.api import Api, User, _user, created, serving
from tests.mail.conftest import MailServer, html_of, link_in, text_of
from tests.worker.conftest import until, working

pytestmark = pytest.mark.anyio

EMAIL = "/api/v1/me/email"


async def student(api: Api) -> tuple[User, str]:
    user = await _user(api.app, Role.STUDENT)
    return user, f"{uuid.uuid4().hex}@example.org"


async def confirmed(api: Api, server: MailServer) -> tuple[User, str]:
    """A student whose address is confirmed."""
    user, address = await student(api)
    answer = await user.client.put(EMAIL, json={"email": address})
    assert answer.json() == {"email": address, "confirmed": False}, answer.text
    async with working(api):
        await until(lambda: server.to(address))
    [asking] = server.to(address)
    link = link_in(asking, "confirm-email")
    page = await api.anonymous.get(link)
    assert "<form" in page.text
    assert (await user.client.get(EMAIL)).json()["confirmed"] is False
    assert (await api.anonymous.post(link)).status_code == 200
    assert (await user.client.get(EMAIL)).json()["confirmed"] is True
    return user, address


async def track(api: Api, user: User, days: int, **fields: object) -> dt.datetime:
    """Track a new award whose deadline is in so many days at noon; returns the deadline."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    deadline = dt.datetime.combine(day, dt.time(12), dt.UTC)
    award = await created(api.admin, application_deadline=deadline.isoformat(), **fields)
    new = {"scholarship_id": award.json()["id"], "reminders_days": [14, 3]}
    answer = await user.client.post("/api/v1/me/applications", json=new)
    assert answer.status_code == 201, answer.text
    return deadline


def morning(deadline: dt.datetime, days: int) -> dt.datetime:
    return dt.datetime.combine(deadline.date() - dt.timedelta(days=days), dt.time(9), dt.UTC)


async def tell(api: Api, now: dt.datetime) -> None:
    database = api.app.state.database
    await alerts.remind(database, now=now)
    await delivery.make_digests(database, now=now)


@pytest.mark.slow
async def test_one_digest_tells_all_reminders_of_a_day(api: Api, mail_server: MailServer) -> None:
    user, address = await confirmed(api, mail_server)
    deadline = await track(api, user, 40, name="Ada <b>Award</b>")
    await track(api, user, 40, name="Second Award")
    for _ in range(2):
        await tell(api, morning(deadline, 14))
    async with working(api):
        await until(lambda: len(mail_server.to(address)) == 2)
        # Alerts of later on the same day wait.
        await track(api, user, 40, name="Third Award")
        await tell(api, morning(deadline, 14) + dt.timedelta(hours=3))
        await tell(api, morning(deadline, 13))
        await until(lambda: len(mail_server.to(address)) == 3)
    _, digest, later = mail_server.to(address)
    text = text_of(digest)
    assert text.count("closes") == 2
    assert "Ada <b>Award</b>" in text
    assert "Ada &lt;b&gt;Award&lt;/b&gt;" in html_of(digest)
    assert "<b>Award" not in html_of(digest)
    assert "12:00 (UTC)" in text
    assert "Third Award" in text_of(later)
    assert digest["From"] == "Scholarships <noreply@example.org>"
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert digest["Message-ID"] != later["Message-ID"]
    assert "<img" not in html_of(digest)


@pytest.mark.slow
async def test_several_workers_send_one_digest(api: Api, mail_server: MailServer) -> None:
    user, address = await confirmed(api, mail_server)
    deadline = await track(api, user, 40)
    await asyncio.gather(*(tell(api, morning(deadline, 14)) for _ in range(4)))
    async with working(api), working(api):
        await until(lambda: len(mail_server.to(address)) == 2)
        # A mail that is added later arrives, so that a second digest would have arrived before it.
        await tell(api, morning(deadline, 3))
        await until(lambda: len(mail_server.to(address)) >= 3)
    assert [text_of(mail).count("closes") for mail in mail_server.to(address)[1:]] == [1, 1]


async def searched(api: Api, user: User, name: str, word: str) -> None:
    """A saved search whose new results are told on the next morning."""
    new = {"name": name, "query": {"q": word}, "notify": {"channel": "email"}}
    answer = await user.client.post("/api/v1/me/saved-searches", json=new)
    assert answer.status_code == 201, answer.text


async def follow(api: Api) -> None:
    state = api.app.state
    await api.reader.client.get("/api/v1/changes?from_now=true")  # extends the outbox
    matcher = SearchMatcher(state.database, state.answers, state.cursor_codec)
    now = dt.datetime.now(dt.UTC)
    while await notifications.follow_changes(state.database, matcher, now=now):
        pass


@pytest.mark.slow
async def test_the_digest_tells_new_results_of_saved_searches_once(
    api: Api, mail_server: MailServer
) -> None:
    user, address = await confirmed(api, mail_server)
    await searched(api, user, "Old <i>instruments</i>", "theorbo")
    await searched(api, user, "Birds", "kingfisher")
    for number in range(messages.MAX_RESULTS + 2):
        await created(api.admin, name=f"Theorbo <b>{number}</b>", description="theorbo")
    await created(api.admin, name="Kingfisher Award", description="kingfisher")
    dismissed = await created(api.admin, name="Kingfisher Prize", description="kingfisher")
    await created(api.admin, name="Another Award")
    await follow(api)
    now = dt.datetime.now(dt.UTC)
    tomorrow = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(9), dt.UTC)
    database = api.app.state.database
    for day in (tomorrow, tomorrow + dt.timedelta(days=1)):
        while await notifications.tell(database, now=day):
            pass
        if day == tomorrow:  # between the alert and the mail
            new = {"scholarship_id": dismissed.json()["id"], "status": "dismissed"}
            answer = await user.client.post("/api/v1/me/applications", json=new)
            assert answer.status_code == 201, answer.text
        await delivery.make_digests(database, now=day)
    async with working(api):
        await until(lambda: len(mail_server.to(address)) == 2)
    digest = mail_server.to(address)[1]
    text, html = text_of(digest), html_of(digest)
    assert digest["Subject"] == f"{messages.MAX_RESULTS + 3} new scholarships"
    for body in (text, html):
        assert body.count("Theorbo") == messages.MAX_RESULTS
        assert body.count("and 2 more") == 1
        assert body.count("Kingfisher Award") == 1
        assert "Kingfisher Prize" not in body
        assert "Another Award" not in body
    assert 'New results of your search "Old <i>instruments</i>":' in text
    assert "<b>0" not in html
    assert "<i>" not in html
    assert "List-Unsubscribe" in digest


@pytest.mark.slow
async def test_one_click_ends_the_mails(api: Api, mail_server: MailServer) -> None:
    user, address = await confirmed(api, mail_server)
    deadline = await track(api, user, 40)
    await tell(api, morning(deadline, 14))
    async with working(api):
        await until(lambda: len(mail_server.to(address)) == 2)
    digest = mail_server.to(address)[1]
    link = link_in(digest, "unsubscribe")
    assert link in digest["List-Unsubscribe"]
    assert "<form" in (await api.anonymous.get(link)).text
    assert (await user.client.get(EMAIL)).status_code == 200
    for _ in range(2):
        answer = await api.anonymous.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert (await user.client.get(EMAIL)).status_code == 404
    await tell(api, morning(deadline, 3))
    other, other_address = await confirmed(api, mail_server)
    assert other.id != user.id
    assert len(mail_server.to(other_address)) == 1
    assert len(mail_server.to(address)) == 2


@pytest.mark.slow
async def test_an_address_that_is_not_confirmed_gets_no_digest(
    api: Api, mail_server: MailServer, module_database_url: str
) -> None:
    user, address = await student(api)
    await user.client.put(EMAIL, json={"email": address})
    deadline = await track(api, user, 40)
    await tell(api, morning(deadline, 14))
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        kinds = connection.execute(
            "SELECT kind FROM mails JOIN mail_addresses USING (subject_id) WHERE address = %s",
            [address],
        ).fetchall()
    assert kinds == [("confirmation",)]


async def test_a_confirmation_is_not_asked_for_again_at_once(api: Api) -> None:
    user, address = await student(api)
    for _ in range(3):
        answer = await user.client.put(EMAIL, json={"email": address})
        assert answer.status_code == 200
    other = await user.client.put(EMAIL, json={"email": "victim@example.org"})
    assert other.status_code == 409
    database = api.app.state.database
    assert await delivery.due(database, limit=1_000)


@pytest.mark.slow
async def test_a_server_that_is_away_gets_the_mail_later_and_delays_no_webhook(
    api: Api, mail_server: MailServer, module_database_url: str
) -> None:
    user, address = await student(api)
    await user.client.put(EMAIL, json={"email": address})
    mail_server.answer = "451 try later"
    try:
        async with working(api):
            await until(lambda: attempts(module_database_url, address) >= 1)
            assert mail_server.to(address) == []
            mail_server.answer = "250 OK"
            with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
                connection.execute("UPDATE mails SET next_attempt_at = now()")
            await until(lambda: mail_server.to(address))
    finally:
        mail_server.answer = "250 OK"
    assert len(mail_server.to(address)) == 1


def attempts(url: str, address: str) -> int:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT attempts FROM mails JOIN mail_addresses USING (subject_id) WHERE address = %s",
            [address],
        ).fetchone()
    return 0 if row is None else int(row[0])


@pytest.mark.slow
async def test_a_server_without_starttls_gets_no_mail(
    module_database_url: str, mail_server: MailServer
) -> None:
    """`smtp://` never goes on in clear text."""
    async with serving(
        module_database_url,
        smtp_url=f"smtp://user:password@127.0.0.1:{mail_server.port}",
        smtp_from="noreply@example.org",
        public_base_url="https://api.example.org",
    ) as strict:
        user, address = await student(strict)
        await user.client.put(EMAIL, json={"email": address})
        async with working(strict):
            await until(lambda: attempts(module_database_url, address) >= 1)
    assert mail_server.to(address) == []


@pytest.mark.parametrize("token", ["x", "A" * 64, "MQ"])
async def test_a_forged_link_is_not_found(api: Api, token: str) -> None:
    for kind in ("confirm-email", "unsubscribe"):
        for method in ("GET", "POST"):
            answer = await api.anonymous.request(method, f"/api/v1/{kind}/{token}")
            assert answer.status_code == 404, (kind, method)
            assert answer.json()["code"] == "NOT_FOUND"
            shown = await api.anonymous.request(
                method, f"/api/v1/{kind}/{token}", headers={"Accept": "text/html,*/*;q=0.8"}
            )
            assert shown.status_code == 404
            assert "<h1>This link is no longer good</h1>" in shown.text


@pytest.mark.parametrize(
    "address",
    ["a", "a@b", "a b@example.org", "a@example.org\r\nBcc: x@example.org", "ä@example.org"],
)
async def test_an_address_that_is_none_is_refused(api: Api, address: str) -> None:
    answer = await api.student.client.put(EMAIL, json={"email": address})
    assert answer.status_code == 422


async def test_an_address_goes_with_its_account(api: Api, module_database_url: str) -> None:
    user, address = await student(api)
    await user.client.put(EMAIL, json={"email": address})
    assert (await user.client.delete("/api/v1/auth/me")).status_code == 204
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        left = connection.execute(
            "SELECT count(*) FROM mail_addresses WHERE address = %s", [address]
        ).fetchone()
    assert left == (0,)


async def test_without_a_mail_server_no_address_is_taken(module_database_url: str) -> None:
    async with serving(module_database_url) as silent:
        answer = await silent.student.client.put(EMAIL, json={"email": "ada@example.org"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"smtp_url": "smtp+insecure://mail.example.org"}, "SMTP_URL"),
        ({"smtp_url": "http://mail.example.org"}, "SMTP_URL"),
        ({"smtp_url": "smtp://mail.example.org"}, "SMTP_FROM"),
        ({"smtp_url": "smtp://mail.example.org"}, "PUBLIC_BASE_URL"),
        ({"smtp_from": "no sender"}, "SMTP_FROM"),
    ],
)
def test_settings_without_which_no_mail_can_be_sent_are_refused(
    values: dict[str, str], variable: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.model_validate({"environment": "production", **values})
