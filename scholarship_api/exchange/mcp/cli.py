"""The command `mcp`: the MCP server for an assistant that starts it as its own process."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from scholarship_api.exchange.mcp.calls import ByHttp, http_client
from scholarship_api.exchange.mcp.server import build_server


def mcp_command(
    *,
    url: Annotated[str, typer.Option(help="The address of the API.")] = "http://127.0.0.1:8000",
    api_key_file: Annotated[
        Path | None, typer.Option(help="A file with an API key, for limits of its own.")
    ] = None,
) -> None:
    """Offer the API to an assistant as MCP tools, on standard input and output."""
    api_key = api_key_file.read_text(encoding="utf-8").strip() if api_key_file else None
    asyncio.run(_serve(url, api_key))


async def _serve(url: str, api_key: str | None) -> None:
    async with http_client(url, api_key) as client:
        api = ByHttp(client)
        await build_server(lambda _: api).run_stdio_async()
