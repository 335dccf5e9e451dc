"""The access rules of all routes, and tokens whose account has changed."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from sqlalchemy import event, func, select, update

from scholarship_api.accounts import queries, service
from scholarship_api.accounts.access import (
    ACCESS_RULES,
    PUBLIC_ROUTES,
    AnalyticsReader,
    CurrentAccount,
    CurrentAccountOrNone,
    CurrentAdmin,
    ScholarshipsReader,
    ScholarshipsWriter,
    authenticate,
    may_change,
    require,
)
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import SCOPES, Role, Scope
from scholarship_api.app import create_app
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import Reading
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import MakeAccount, bearer, changed, connected, running

pytestmark = pytest.mark.anyio

ME = "/api/v1/auth/me"
CHECK = "/api/v1/auth/check"
LOGOUT = "/api/v1/auth/logout"


# --- Every route ---------------------------------------------------------------------------------


def all_dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for dependency in dependant.dependencies:
        yield dependency
        yield from all_dependencies(dependency)


def routes(app: FastAPI) -> Iterator[tuple[tuple[str, str], RouteContext]]:
    for route in iter_route_contexts(app.routes):
        for method in route.methods or {"ANY"}:
            yield (method, str(route.path_format)), route


def has_rule(route: RouteContext) -> bool:
    dependant = getattr(route, "dependant", None)
    return dependant is not None and any(
        dependency.call in ACCESS_RULES for dependency in all_dependencies(dependant)
    )


def routes_without_rule(app: FastAPI) -> set[tuple[str, str]]:
    """Routes that have neither a rule nor an entry in PUBLIC_ROUTES."""
    return {name for name, route in routes(app) if not has_rule(route)} - PUBLIC_ROUTES


@pytest.fixture(scope="module")
def whole_app(settings: Settings) -> FastAPI:
    """The application with all optional routes."""
    return create_app(changed(settings, enable_docs=True))


def test_every_route_has_a_rule_or_is_public(whole_app: FastAPI) -> None:
    assert routes_without_rule(whole_app) == set()


def test_every_public_route_exists_and_has_no_rule(whole_app: FastAPI) -> None:
    by_name = dict(routes(whole_app))
    assert PUBLIC_ROUTES - by_name.keys() == set()
    assert {name for name in PUBLIC_ROUTES if has_rule(by_name[name])} == set()


def test_a_route_with_a_forgotten_rule_is_found() -> None:
    app = FastAPI()

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    @app.get("/optional")
    async def optional(account: CurrentAccountOrNone) -> None: ...

    @app.get("/ruled")
    async def ruled(account: ScholarshipsReader) -> None: ...

    @app.get("/ruled-by-dependency", dependencies=[require(Scope.ANALYTICS_WRITE)])
    async def ruled_by_dependency() -> None: ...

    app.mount("/mounted", FastAPI(openapi_url=None))
    found = {path for _, path in routes_without_rule(app)}
    assert {"/forgotten", "/optional", "/mounted"} <= {path.split("/{")[0] for path in found}
    assert not {"/ruled", "/ruled-by-dependency"} & found


def test_openapi_says_who_may_use_a_route(whole_app: FastAPI) -> None:
    document = whole_app.openapi()
    for (method, path), route in routes(whole_app):
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            continue
        takes_token = any(
            dependency.call is authenticate for dependency in all_dependencies(route.dependant)
        )
        assert ("security" in operation) == takes_token, path
        if takes_token:
            assert ({} in operation["security"]) == (not has_rule(route)), path
            assert "401" in operation["responses"], path


# --- Roles and scopes ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ruled_app(app: FastAPI) -> FastAPI:
    """The application with one more route for each kind of rule."""

    @app.get("/test/any")
    async def any_account(account: CurrentAccount) -> str:
        return account.username

    @app.get("/test/read")
    async def read(account: ScholarshipsReader) -> str:
        return account.username

    @app.get("/test/write")
    async def write(account: ScholarshipsWriter) -> str:
        return account.username

    @app.get("/test/analytics")
    async def analytics(account: AnalyticsReader) -> str:
        return account.username

    @app.get("/test/both")
    async def both(
        account: Annotated[
            AuthenticatedAccount, require(Scope.SCHOLARSHIPS_READ, Scope.ANALYTICS_WRITE)
        ],
    ) -> str:
        return account.username

    @app.get("/test/admin")
    async def admin(account: CurrentAdmin) -> str:
        return account.username

    @app.get("/test/many", dependencies=[require(Scope.SCHOLARSHIPS_READ)])
    async def many(
        writer: ScholarshipsWriter,
        admin: CurrentAdmin,
        account: CurrentAccount,
        session: Reading,
    ) -> str:
        return account.username

    return app


ALLOWED = {
    Role.ADMIN: {"any", "read", "write", "analytics", "both", "admin"},
    Role.PARTNER: {"any", "read", "write", "analytics"},
    Role.STUDENT: {"any", "read"},
    Role.READ_ONLY: {"any", "read"},
}


@pytest.mark.parametrize("role", ALLOWED)
async def test_what_each_role_may_do(
    ruled_app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, role: Role
) -> None:
    account = await make_account(role)
    for path in ("any", "read", "write", "analytics", "both", "admin"):
        answer = await client.get(f"/test/{path}", headers=bearer(ruled_app, account))
        if path in ALLOWED[role]:
            assert (answer.status_code, answer.json()) == (200, account.username)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
        assert (await client.get(f"/test/{path}")).status_code == 401


async def test_a_refusal_names_the_missing_scope(
    ruled_app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    answer = await client.get("/test/write", headers=bearer(ruled_app, await make_account()))
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="scholarships:write"'
    )


async def test_several_rules_are_one_query(
    ruled_app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    headers = bearer(ruled_app, await make_account(Role.ADMIN))
    statements: list[str] = []

    def note(*arguments: Any) -> None:  # noqa: ANN401
        statements.append(arguments[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    answer = await client.get("/test/many", headers=headers)
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    assert len([text for text in statements if "accounts" in text]) == 1, statements


async def test_the_query_of_a_token_reads_two_indexes(
    make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    async with database.write_session() as session:
        await session.execute(select(func.set_config("enable_seqscan", "off", True)))
        connection = await session.connection()
        parameters = {"account_id": account.id, "token_id": uuid.uuid4()}
        compiled = queries.ACCOUNT_OF_TOKEN.params(parameters).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        rows = await connection.exec_driver_sql(f"EXPLAIN {compiled}")
        plan = "\n".join(row[0] for row in rows)
    assert "pk_accounts" in plan
    assert "pk_revoked_tokens" in plan
    assert "Seq Scan" not in plan


def test_every_role_has_its_documented_scopes() -> None:
    assert SCOPES[Role.ADMIN] == set(Scope)
    assert SCOPES[Role.PARTNER] == {"scholarships:read", "scholarships:write", "analytics:read"}
    assert SCOPES[Role.STUDENT] == SCOPES[Role.READ_ONLY] == {"scholarships:read"}
    assert SCOPES[Role.SERVICE] == set(), "the scopes of an API key are its own"


async def test_a_partner_may_change_the_awards_of_its_organization_only(
    ruled_app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    seen: dict[str, AuthenticatedAccount] = {}

    @ruled_app.get("/test/remember")
    async def remember(account: CurrentAccount) -> None:
        seen[account.role] = account

    for role in ALLOWED:
        headers = bearer(ruled_app, await make_account(role))
        assert (await client.get("/test/remember", headers=headers)).status_code == 200
    partner = seen[Role.PARTNER]
    for own in ("Acme Trust", "ACME trust", " Acme Trust "):
        assert may_change(partner, own)
    for foreign in ("Acme", "Acme Trust II", "", "AcmeTrust", "Acme\u200bTrust", "\u0410cme Trust"):
        assert not may_change(partner, foreign)
        assert may_change(seen[Role.ADMIN], foreign)
        assert not may_change(seen[Role.STUDENT], foreign)
        assert not may_change(seen[Role.READ_ONLY], foreign)


# --- /auth/me, /auth/check, /auth/logout ---------------------------------------------------------


async def test_me_shows_the_account_of_the_token(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    account = await make_account(Role.PARTNER, email="p@example.org")
    answer = await client.get(ME, headers=bearer(app, account))
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body.pop("created_at")
    assert body == {
        "id": str(account.id),
        "username": account.username,
        "email": "p@example.org",
        "role": "partner",
        "organization": "Acme Trust",
        "scopes": ["analytics:read", "scholarships:read", "scholarships:write"],
    }


async def test_check_says_whether_the_token_is_valid(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    anonymous = await client.get(CHECK)
    assert anonymous.json() == {"authenticated": False}
    assert anonymous.headers["Cache-Control"] == "no-store"
    account = await make_account()
    answer = await client.get(CHECK, headers=bearer(app, account))
    assert answer.json() == {
        "authenticated": True,
        "username": account.username,
        "role": "student",
        "scopes": ["scholarships:read"],
    }
    for junk in ("Bearer junk", "Bearer a.b.c", "Basic dTpw"):
        answer = await client.get(CHECK, headers={"Authorization": junk})
        assert (answer.status_code, answer.json()) == (200, {"authenticated": False})


async def test_logout_ends_that_token_at_once_on_every_instance(
    settings: Settings, app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    account = await make_account()
    token, other_token = bearer(app, account), bearer(app, account)
    async with running(settings) as second, connected(second) as elsewhere:
        assert (await elsewhere.get(ME, headers=token)).status_code == 200
        answer = await client.post(LOGOUT, headers=token)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Cache-Control"] == "no-store"
        for instance in (client, elsewhere):
            assert (await instance.get(ME, headers=token)).status_code == 401
            assert (await instance.get(CHECK, headers=token)).json() == {"authenticated": False}
            assert (await instance.post(LOGOUT, headers=token)).status_code == 401
            assert (await instance.get(ME, headers=other_token)).status_code == 200
    async with running(settings) as third, connected(third) as restarted:
        assert (await restarted.get(ME, headers=token)).status_code == 401


async def test_concurrent_logouts_of_one_token(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    token = bearer(app, await make_account())
    answers = await asyncio.gather(*(client.post(LOGOUT, headers=token) for _ in range(20)))
    statuses = {answer.status_code for answer in answers}
    assert 204 in statuses
    assert statuses <= {204, 401}


async def test_a_logout_purges_expired_tokens(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    kept, purged = bearer(app, account), bearer(app, account)
    for token in (kept, purged):
        assert (await client.post(LOGOUT, headers=token)).status_code == 204
    ids = {
        name: app.state.authentication.tokens.verify(token["Authorization"].split()[1]).token_id
        for name, token in (("kept", kept), ("purged", purged))
    }
    async with database.write_session() as session:
        past = func.now() - queries.KEPT_AFTER_EXPIRY * 2
        await session.execute(
            update(RevokedToken).where(RevokedToken.jti == ids["purged"]).values(expires_at=past)
        )
    assert (await client.post(LOGOUT, headers=bearer(app, account))).status_code == 204
    async with database.read_session() as session:
        left = set((await session.scalars(select(RevokedToken.jti))).all())
    assert ids["kept"] in left
    assert ids["purged"] not in left
    assert (await client.get(ME, headers=kept)).status_code == 401


# --- Accounts that change ------------------------------------------------------------------------


async def test_a_disabled_account_loses_access_at_its_next_request(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    token = bearer(app, account)
    assert (await client.get(ME, headers=token)).status_code == 200
    async with database.write_session() as session:
        await service.disable(session, account=account)
    assert (await client.get(ME, headers=token)).status_code == 401


async def test_enabling_an_account_revives_no_token(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    token = bearer(app, account)
    async with database.write_session() as session:
        await service.disable(session, account=account)
    async with database.write_session() as session:
        disabled = await service.get(session, username=account.username)
        await service.disable(session, account=disabled)  # once more, which changes nothing
        await service.enable(session, account=disabled)
    assert (await client.get(ME, headers=token)).status_code == 401
    async with database.read_session() as session:
        enabled = await service.get(session, username=account.username)
    assert enabled.password_version == account.password_version + 1
    assert (await client.get(ME, headers=bearer(app, enabled))).status_code == 200


async def test_a_new_role_takes_effect_at_the_next_request(
    ruled_app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account(Role.ADMIN)
    token = bearer(ruled_app, account)
    assert (await client.get("/test/admin", headers=token)).status_code == 200
    async with database.write_session() as session:
        await queries.update_account(session, account.id, {"role": Role.STUDENT})
    assert (await client.get("/test/admin", headers=token)).status_code == 403
    assert (await client.get("/test/read", headers=token)).status_code == 200


async def test_a_new_password_ends_all_tokens(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    token = bearer(app, account)
    async with database.write_session() as session:
        await service.set_password(
            session, account=account, password_hash=hash_password("another good password")
        )
    assert (await client.get(ME, headers=token)).status_code == 401
    async with database.read_session() as session:
        changed_account = await service.get(session, username=account.username)
    assert (await client.get(ME, headers=bearer(app, changed_account))).status_code == 200


async def test_an_account_deletes_itself(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    token, logged_out = bearer(app, account), bearer(app, account)
    assert (await client.post(LOGOUT, headers=logged_out)).status_code == 204
    answer = await client.delete(ME, headers=token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(ME, headers=token)).status_code == 401
    assert (await client.delete(ME, headers=token)).status_code == 401
    async with database.read_session() as session:
        accounts = select(func.count()).where(Account.id == account.id)
        tokens = select(func.count()).where(RevokedToken.account_id == account.id)
        assert (await session.scalar(accounts), await session.scalar(tokens)) == (0, 0)
    # The same name again is another account, which the old token does not open.
    again = await make_account(username=account.username)
    assert again.id != account.id
    assert (await client.get(ME, headers=token)).status_code == 401


async def test_concurrent_logout_and_deletion_do_not_fail(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    for _ in range(10):
        account = await make_account()
        answers = await asyncio.gather(
            client.delete(ME, headers=bearer(app, account)),
            *(client.post(LOGOUT, headers=bearer(app, account)) for _ in range(4)),
        )
        assert {answer.status_code for answer in answers} <= {204, 401}
