"""The command `deliveries`."""

import uuid
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from scholarship_api.database_commands import in_transaction
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.webhooks import schemas, service

deliveries = typer.Typer(
    help="List the messages of webhooks, and send dead ones again.", no_args_is_help=True
)


@deliveries.command("list")
def list_command(
    *,
    webhook: Annotated[uuid.UUID | None, typer.Option(help="Only those of one webhook.")] = None,
    state: Annotated[Literal["pending", "delivered", "dead"] | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List messages, newest first."""

    async def read(session: WriteSession) -> list[tuple[uuid.UUID, schemas.Delivery]]:
        return await service.list_deliveries(session, webhook_id=webhook, state=state, limit=limit)

    found = in_transaction(read)
    if as_json:
        for webhook_id, delivery in found:
            typer.echo(f'{{"webhook_id":"{webhook_id}",{delivery.model_dump_json()[1:]}')
        return
    table = Table("id", "webhook", "event", "subject", "state", "attempts", "last error")
    for webhook_id, delivery in found:
        table.add_row(
            str(delivery.id),
            str(webhook_id),
            delivery.event,
            delivery.subject,
            delivery.state,
            str(delivery.attempts),
            delivery.last_error or "",
        )
    Console().print(table)


@deliveries.command("resend")
def resend_command(
    webhook: Annotated[uuid.UUID, typer.Argument(help="The webhook.")],
    *,
    delivery: Annotated[
        int | None, typer.Option(help="One message; without it, all dead ones.")
    ] = None,
) -> None:
    """Send messages again, with the same ids, for 24 hours."""

    async def resend(session: WriteSession) -> int:
        if delivery is None:
            return await service.resend_dead(session, webhook)
        await service.redeliver(session, webhook, delivery, owner_id=None)
        return 1

    number = in_transaction(resend)
    typer.echo(f"Messages that will be sent again: {number}.")
