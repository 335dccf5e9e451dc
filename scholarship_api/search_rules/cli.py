"""`scholarship-api search-rules`: synonyms and rules of the search as a file."""

import json
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from scholarship_api.catalogue.audit import COMMAND_LINE
from scholarship_api.catalogue.file_commands import exit_codes, opened, replaced
from scholarship_api.database_commands import fail, in_transaction, with_database
from scholarship_api.errors import ValidationFailed, validation_fields
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.platform.observability.redaction import escape_control_characters
from scholarship_api.search_rules import service

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""The largest file that is read. One with as many entries as there may be has about 5 MB."""

search_rules = typer.Typer(
    name="search-rules",
    help="Write the synonyms and rules of the search to a file, or read them from one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@search_rules.command("export")
def export_command(
    file: Annotated[str, typer.Argument(help="A JSON file, or - for standard output.")],
) -> None:
    """Write all synonyms, exceptions and rules to a file. Built-in synonyms are not among them."""

    async def read(database: Database) -> dict[str, Any]:
        async with database.read_session() as session:
            return await service.export(session)

    content = with_database(read)
    with exit_codes(), replaced(file) as target:
        target.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


@search_rules.command("import")
def import_command(
    file: Annotated[str, typer.Argument(help="A file of `export`, or - for standard input.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete all entries that the file does not have.")
    ] = False,
) -> None:
    """Add the entries of a file, and replace those of the same id. All of it is checked first."""
    with exit_codes(), opened(file) as source:
        content = b"".join(iter(lambda: source.read(MAX_FILE_BYTES + 1), b""))
    if len(content) > MAX_FILE_BYTES:
        fail(f"the file is larger than {MAX_FILE_BYTES} bytes")
    try:
        parsed = service.parse_file(content)
    except ValidationError as error:
        fail(*_messages(validation_fields(error.errors())))
    except ValueError:
        fail("the file is not valid JSON")

    async def write(session: WriteSession) -> service.ImportCounts:
        try:
            return await service.import_file(
                session, content=parsed, source=COMMAND_LINE, removes_others=replace
            )
        except ValidationFailed as error:
            fail(*_messages((error.details or {}).get("fields")))

    counts = in_transaction(write)
    typer.echo(
        f"Created {counts.created}, updated {counts.updated}, deleted {counts.deleted};"
        f" {counts.unchanged} are as they were."
    )


def _messages(problems: Any) -> list[str]:  # noqa: ANN401 - entries of `details.fields`
    return [
        escape_control_characters(f"{problem['field'] or 'file'}: {problem['message']}")
        for problem in problems
    ]
