"""A server that does in each tool one thing that a proxy can get wrong."""

import os
import sys
from typing import Annotated

import anyio
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel, Field

server = MCPServer("small", instructions="A small server.", version="1.2.3")


class Answer(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    """Says it again."""
    return text


@server.tool()
def wipe(text: str) -> str:
    """Leaves a trace where it ran."""
    with open(os.environ["TRACE"], "a") as trace:
        trace.write(text + "\n")
    return "wiped"


@server.tool()
def environment() -> dict[str, str]:
    """What it got of the environment."""
    return dict(os.environ)


@server.tool()
async def steps(context: Context, count: Annotated[int, Field(le=100)] = 3) -> str:
    """Reports progress, the last of it just before it answers."""
    for step in range(count):
        await context.report_progress(step + 1, count, f"step {step + 1}")
    return "done"


@server.tool()
async def sleep(seconds: float) -> str:
    """Says on standard error when it begins and when it is cancelled."""
    print("sleeping", file=sys.stderr, flush=True)
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        print("cancelled", file=sys.stderr, flush=True)
        raise
    return "slept"


@server.tool()
def die() -> str:
    """Ends the process."""
    os._exit(7)


@server.tool()
def speak(text: str) -> str:
    """Says something to people."""
    print(text, file=sys.stderr, flush=True)
    return "spoken"


@server.tool()
async def ask(context: Context) -> str:
    """Asks the person for a name."""
    answer = await context.elicit("Who?", Answer)
    return f"{answer.action} {answer.data.name if answer.action == 'accept' else ''}".strip()


@server.tool()
def store(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Something on the way may look at the header that repeats the argument."""
    with open(os.environ["TRACE"], "a") as trace:
        trace.write(region + "\n")
    return region


@server.resource("note://one")
def note() -> str:
    """Something to watch."""
    return "one"


@server.tool()
async def touch(context: Context) -> str:
    """Says that both of its resources have changed, one of which nobody can read."""
    for uri in ("note://two", "note://one"):
        await context.notify_resource_updated(uri)
    return "touched"


@server.tool()
async def change(context: Context) -> str:
    """From here on `echo` takes other arguments."""

    def words(words: list[str]) -> str:
        return " ".join(words)

    server.remove_tool("echo")
    server.add_tool(words, name="echo")
    await context.notify_tools_changed()
    return "changed"


if __name__ == "__main__":
    server.run("stdio")
