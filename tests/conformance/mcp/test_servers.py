"""Several servers behind one proxy, from a file."""

import subprocess

import pytest
from mcp import types
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from gate import EVERYTHING, SCOPEGATE, SMALL, TIME, stdio, write
from test_stdio import text

pytestmark = pytest.mark.anyio

POLICY = """
version: 1
records: none
roles:
  - name: both
    allowed_mcp_servers: [one, two, clock]
    allowed_tools: [echo, steps, get_current_time]
"""


def entry(command, indent="    ") -> str:
    return f"{indent}command: {command[0]}\n{indent}args: {command[1:]}\n"


def served(folder, policy=POLICY, **servers) -> list[str]:
    file = folder / "servers.yaml"
    file.write_text("servers:\n" + "".join(f"  {name}:\n{entry(command)}" for name, command in servers.items()))
    return [SCOPEGATE, "mcp", "--policy", str(write(folder, policy)), "--servers", str(file)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_say_whose_they_are_and_reach_their_own_server(tmp_path, mode):
    command = served(tmp_path, one=SMALL, two=SMALL, clock=TIME)
    async with Client(stdio(command), mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"one__echo", "one__steps", "two__echo", "two__steps", "clock__get_current_time"}
        assert text(await client.call_tool("one__echo", {"text": "a"})) == "a"
        assert "UTC" in text(await client.call_tool("clock__get_current_time", {"timezone": "UTC"}))
        seen = []

        async def progress(done, total, message):
            seen.append(done)

        await client.call_tool("two__steps", {"count": 2}, progress_callback=progress)
        assert seen == [1, 2]
        for wrong in ("echo", "one__wipe", "three__echo", "one__one__echo", "one_echo", "__echo", "one__"):
            try:
                answer = await client.call_tool(wrong, {"text": "x"})
                assert answer.is_error, wrong
            except Exception as error:
                assert "not found" in str(error), wrong


async def test_a_server_is_judged_by_its_own_schema(tmp_path):
    """Two servers have a tool of one name; each call is judged by the schema of the one it goes to."""
    command = served(tmp_path, one=SMALL, two=SMALL)
    async with Client(stdio(command)) as client:
        assert (await client.call_tool("one__steps", {"count": 1000})).is_error
        assert (await client.call_tool("two__steps", {"count": "x"})).is_error


async def test_a_completion_is_judged_at_the_server_whose_prompt_it_is(tmp_path):
    policy = """
version: 1
records: none
roles:
  - name: completes
    allowed_mcp_servers: [one, two]
    allowed_tools: ["mcp:completion/complete"]
    parameter_constraints:
      "mcp:completion/complete": [{field: name, operator: eq, value: completable-prompt}]
"""
    command = served(tmp_path, policy, one=EVERYTHING, two=EVERYTHING)
    async with Client(stdio(command)) as client:

        async def complete(prompt):
            return await client.complete(types.PromptReference(name=prompt), {"name": "department", "value": "E"})

        assert (await complete("one__completable-prompt")).completion.values == ["Engineering"]
        assert (await complete("two__completable-prompt")).completion.values == ["Engineering"]
        for other in ("one__args-prompt", "completable-prompt", "three__completable-prompt"):
            with pytest.raises(MCPError):
                await complete(other)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("servers: {}", "names no server"),
        ("servers: {one: {command: x}, one: {command: y}}", "one"),
        ("servers: {one: {command: x, url: 'http://a/'}}", "or `url`"),
        ("servers: {one: {comand: x}}", "comand"),
        ("servers: {other: {command: x}}", "other"),
        ("servers: {one: {command: no-such-program}}", "there is no program"),
        ("servers: {one: {url: 'http://127.0.0.1:1/', headers: {authorization: UNSET_HERE}}}", "`UNSET_HERE` is not set"),
    ],
)
def test_a_file_that_is_wrong_says_why(tmp_path, file, told):
    (tmp_path / "servers.yaml").write_text(file)
    command = [SCOPEGATE, "mcp", "--policy", str(write(tmp_path, POLICY)), "--servers", str(tmp_path / "servers.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr


@pytest.mark.parametrize("name", ["a__b", "_a", "a_"])
def test_a_name_that_could_be_read_in_two_ways_is_refused(tmp_path, name):
    command = served(tmp_path, POLICY.replace("[one,", f"[{name}, one,"), **{name: SMALL})
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "a name has" in done.stderr
