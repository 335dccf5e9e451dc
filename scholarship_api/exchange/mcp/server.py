"""The tools of the MCP server. They read, and change nothing."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from scholarship_api import __version__
from scholarship_api.exchange.mcp.calls import Api, Call

INSTRUCTIONS: Final = (
    "Finds scholarships and checks who may apply. An award is `eligible` only when all that it"
    " requires is known and met; say what is still to be confirmed. Nothing that a student tells is"
    " kept."
)
_SEARCH: Final = "/api/v1/search"
_OK: Final = 200
_READ_ONLY: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Limit = Annotated[int, Field(ge=1, le=50, description="How many awards.")]
States = Annotated[list[str], Field(description="USPS codes of US states; any of these.")]
Fields = Annotated[
    list[str], Field(description="Such as engineering, nursing or arts; any of these.")
]


def build_server(api_of: Callable[[Context[Any, Any]], Api]) -> MCPServer[Any]:
    """`api_of` gives the API as the client of a tool call may use it."""
    server: MCPServer[Any] = MCPServer(
        "scholarships", title="Scholarships", instructions=INSTRUCTIONS, version=__version__
    )

    async def ask(context: Context[Any, Any], call: Call) -> dict[str, Any]:
        """Raises ToolError with the message of the API's own error."""
        answer = await api_of(context)(call)
        content: dict[str, Any] = answer.content
        if answer.status != _OK:
            raise ToolError(_in_words(content))
        return content

    @server.tool(annotations=_READ_ONLY)
    async def search_scholarships(
        context: Context[Any, Any],
        *,
        q: Annotated[str, Field(description="Words; empty for all awards.")] = "",
        fields_of_study: Fields = [],  # noqa: B006 - the default of a schema
        states: States = [],  # noqa: B006 - as above
        grade_level: Annotated[
            str | None, Field(description="high_school, undergraduate, graduate or doctoral.")
        ] = None,
        citizenship: Annotated[
            str | None, Field(description="A country's code, or permanent_resident.")
        ] = None,
        min_amount: Annotated[float | None, Field(ge=0)] = None,
        limit: Limit = 10,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
    ) -> dict[str, Any]:
        """Search open scholarships by words and filters."""
        request = {
            "q": q,
            "fields_of_study": fields_of_study,
            "states": states,
            "grade_level": grade_level,
            "citizenship": citizenship,
            "min_amount": min_amount,
            "limit": limit,
            "cursor": cursor,
        }
        given = {name: value for name, value in request.items() if value not in (None, "", [])}
        return await ask(context, Call(_SEARCH, body=given))

    @server.tool(annotations=_READ_ONLY)
    async def get_scholarship(
        context: Context[Any, Any],
        *,
        scholarship_id: Annotated[str, Field(min_length=1, max_length=128)],
    ) -> dict[str, Any]:
        """Read a scholarship in full: who may apply, how, until when, and for how much."""
        if "/" in scholarship_id:
            raise ToolError("NOT_FOUND: There is no scholarship with this id.")
        return await ask(context, Call(f"/api/v1/scholarships/{scholarship_id}"))

    @server.tool(annotations=_READ_ONLY)
    async def check_eligibility(
        context: Context[Any, Any],
        *,
        profile: Annotated[
            dict[str, Any],
            Field(
                description=(
                    "What the student says, such as gpa, grade_level, field_of_study, citizenship,"
                    " state_of_residence, age, annual_income; leave out what is not known."
                )
            ),
        ],
        scholarship_ids: Annotated[
            list[str], Field(max_length=50, description="Empty: the whole catalogue.")
        ] = [],  # noqa: B006 - the default of a schema
    ) -> dict[str, Any]:
        """Check which scholarships a student may apply for, with the reasons."""
        body = {**profile, "scholarship_ids": scholarship_ids} if scholarship_ids else profile
        return await ask(context, Call("/api/v1/eligibility/check", body=body))

    @server.tool(annotations=_READ_ONLY)
    async def upcoming_deadlines(
        context: Context[Any, Any],
        *,
        days: Annotated[int, Field(ge=1, le=366, description="From today on.")] = 30,
        fields_of_study: Fields = [],  # noqa: B006 - the default of a schema
        states: States = [],  # noqa: B006 - as above
        limit: Limit = 20,
    ) -> dict[str, Any]:
        """List the open scholarships that close next, the earliest deadline first."""
        today = dt.datetime.now(dt.UTC).date()
        body = {
            "deadline_after": today.isoformat(),
            "deadline_before": (today + dt.timedelta(days=days)).isoformat(),
            "fields_of_study": fields_of_study,
            "states": states,
            "sort": "deadline",
            "limit": limit,
        }
        return await ask(context, Call(_SEARCH, body=body))

    return server


def _in_words(error: dict[str, Any]) -> str:
    """The code, the message, and what is wrong with which field."""
    text = f"{error.get('code')}: {error.get('message')}"
    details = error.get("details") or {}
    for field in details.get("fields", ()):
        text += f" {field['field']}: {field['message']}."
    if (seconds := details.get("retry_after_seconds")) is not None:
        text += f" Try again in {seconds} s."
    return text
