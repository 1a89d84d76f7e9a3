"""Every tool, prompt and resource of server-everything, with the proxy and without."""

import anyio
import pytest
from mcp import types
from mcp.client.client import Client

from gate import EVERYTHING, gated, stdio
from survey import survey

pytestmark = pytest.mark.anyio

# All that differs, and why. Whatever else did would fail the test.
EXPECTED = {
    "capabilities": "tasks of 2025-11-25 became an extension in 2026-07-28, which is the one that is handed through",
    "call get-env 0": "the proxy starts the server with less of the environment, which is the point",
    # The server's own schema is judged before the server sees the call: the words are ours.
    "call echo 2": "message is missing",
    "call get-resource-links 2": "count is above its maximum",
    "call get-structured-content 3": "location is none of the three",
    "call get-sum 3": "a is no number",
    "call get-sum 2": "1e300 is beyond what every reader of JSON takes for the same number, so it is refused",
}
# `execution` says whether a tool can be a task of 2025-11-25.
TOOLS_DIFFER_IN = {"execution"}


# A secret that the client's own environment holds: the server must not see it behind the proxy.
SECRET = {"EVERYTHING_SECRET": "wlkqzjnvbpty"}


async def asked(command):
    """The survey, and what the server asked and told meanwhile."""
    heard = {"progress": [], "sampling": [], "elicitation": [], "roots": 0, "logs": []}

    async def progress(done, total, message):
        heard["progress"].append((done, total, message))

    async def sampling(context, params):
        asked = params.model_dump(mode="json", by_alias=True, exclude_none=True) | {"_meta": None}
        # rmcp keeps a temperature in four bytes: 0.7 comes out as 0.699999988079071.
        heard["sampling"].append(asked | {"temperature": round(asked["temperature"], 6)})
        return types.CreateMessageResult(role="assistant", content=types.TextContent(type="text", text="Hm."), model="m")

    async def elicitation(context, params):
        heard["elicitation"].append(params.model_dump(mode="json", by_alias=True, exclude_none=True) | {"_meta": None})
        return types.ElicitResult(action="accept", content={"name": "Ada"} if params.mode == "form" else None)

    async def roots(context):
        heard["roots"] += 1
        return types.ListRootsResult(roots=[types.Root(uri="file:///srv/docs", name="docs")])

    async def logs(params):
        heard["logs"].append(params.level)

    client = Client(
        stdio(command, **SECRET),
        mode="legacy",
        sampling_callback=sampling,
        elicitation_callback=elicitation,
        list_roots_callback=roots,
        logging_callback=logs,
        cache=None,
    )
    async with client:
        # The server has some tools only once it knows what the client can do.
        with anyio.fail_after(10):
            while "trigger-sampling-request" not in [tool.name for tool in (await client.list_tools()).tools]:
                await anyio.sleep(0.02)
        await client.set_logging_level("debug")
        await client.subscribe_resource("demo://resource/static/document/features.md")
        found = await survey(client, progress)
        await client.unsubscribe_resource("demo://resource/static/document/features.md")
    return found, heard


async def test_nothing_differs_but_what_is_explained(all_granted):
    direct, heard_directly = await asked(EVERYTHING)
    through, heard_through = await asked(gated(all_granted, EVERYTHING))

    assert direct.keys() == through.keys()
    differ = {name for name in direct if direct[name] != through[name]}
    tools = {name for name in differ if name.startswith("tool ")}
    for name in tools:
        assert {key for key in direct[name] if direct[name][key] != through[name].get(key)} == TOOLS_DIFFER_IN
    assert differ - tools == EXPECTED.keys(), {name: (direct[name], through[name]) for name in differ - tools ^ EXPECTED.keys()}

    for name in ("progress", "sampling", "elicitation"):
        assert heard_directly[name] == heard_through[name], name
    assert heard_directly["progress"] and heard_directly["sampling"] and heard_directly["elicitation"]
    assert heard_directly["roots"] and heard_through["roots"]
    assert heard_directly["logs"] and heard_through["logs"]

    assert SECRET["EVERYTHING_SECRET"] in str(direct["call get-env 0"])
    assert SECRET["EVERYTHING_SECRET"] not in str(through["call get-env 0"])

    # What the server refuses by its schema, the proxy refuses too.
    for name in EXPECTED:
        if name.startswith("call") and name not in ("call get-env 0", "call get-sum 2"):
            assert direct[name]["isError"] and through[name]["isError"], name
