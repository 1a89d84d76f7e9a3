"""What happens between calls: tools that change, resources that are watched, methods that MCP does not have."""

import http.client
import json
import re
import sys

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPError

from gate import HERE, SMALL, gated, stdio, write
from test_http import listening
from test_stdio import Session, text

pytestmark = pytest.mark.anyio

POLICY = """
version: 1
records: none
roles:
  - name: watcher
    allowed_mcp_servers: [server]
    allowed_tools: [echo, change, touch, "mcp:resources/subscribe", "mcp:acme/hello", "mcp:acme/other", "mcp:tools/hello"]
    parameter_constraints:
      "mcp:resources/subscribe": [{field: uri, operator: in, value: ["note://one"]}]
      "mcp:acme/hello": [{field: name, operator: max_length, value: 3}]
"""


@pytest.fixture
def policy(tmp_path):
    return write(tmp_path, POLICY)


@pytest.fixture
def changing(tmp_path):
    return [sys.executable, str(HERE / "servers/changing.py"), str(tmp_path / "reached")]


@pytest.fixture
def reached(tmp_path):
    """The messages that the server got of a method."""
    file = tmp_path / "reached"
    lines = lambda: map(json.loads, file.read_text().splitlines())
    return lambda method: [line.get("params") for line in lines() if line["method"] == method]


def ungated(policy, server, *options):
    """Without what the other tests open for everybody."""
    command = gated(policy, server, *options)
    at = command.index("--open")
    return command[:at] + command[at + 2 :]


class Heard(Session):
    """The same client, which keeps what it is told between answers."""

    def __init__(self, command):
        self.told = []
        super().__init__(command)

    def answer(self):
        while True:
            message = json.loads(self.process.stdout.readline())
            if "id" in message:
                return message
            self.told.append((message["method"], message.get("params")))

    def ask(self, number, method, **params):
        self.send(number, method, **params)
        return self.answer()

    def call(self, number, tool, **arguments):
        return self.ask(number, "tools/call", name=tool, arguments=arguments)["result"]

    def hear(self):
        """What it is told next, or was told before."""
        while not self.told:
            message = json.loads(self.process.stdout.readline())
            assert "id" not in message
            self.told.append((message["method"], message.get("params")))
        return self.told.pop(0)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(15) == 0


def test_a_tool_that_changes_is_judged_by_what_it_says_now(policy, changing, reached):
    client = Heard(ungated(policy, changing))
    assert not client.call(1, "echo", text="a").get("isError")
    client.call(2, "change")
    assert client.hear()[0] == "notifications/tools/list_changed"

    # The client was told after the gate knew.
    assert client.call(3, "echo", text="a")["isError"]
    assert not client.call(4, "echo", words=["a"]).get("isError")
    assert [call["arguments"] for call in reached("tools/call") if call["name"] == "echo"] == [{"text": "a"}, {"words": ["a"]}]
    client.end()


async def test_a_newer_client_hears_of_the_change_that_it_listens_to(policy):
    async with Client(stdio(ungated(policy, SMALL))) as client:
        async with client.listen(tools_list_changed=True) as changes:
            assert text(await client.call_tool("echo", {"text": "a"})) == "a"
            await client.call_tool("change", {})
            with anyio.fail_after(20):
                assert await anext(aiter(changes)) == ToolsListChanged()
        # It may hear of the change before the gate has read the new list: until then that judges by the old one,
        # and what passes there the server itself refuses.
        with anyio.fail_after(20):
            while (told := await client.call_tool("echo", {"words": ["a", "b"]})).is_error:
                await anyio.sleep(0.02)
        assert text(told) == "a b"
        assert (await client.call_tool("echo", {"text": "a"})).is_error


def test_a_resource_is_watched_until_nobody_wants_to_know(policy, changing, reached):
    client = Heard(ungated(policy, changing))
    assert client.ask(1, "resources/subscribe", uri="note://one")["result"] == {}
    assert "error" in client.ask(2, "resources/subscribe", uri="note://two")
    client.call(3, "touch")
    method, params = client.hear()
    assert (method, params["uri"]) == ("notifications/resources/updated", "note://one")
    assert client.ask(4, "resources/unsubscribe", uri="note://one")["result"] == {}
    client.call(5, "touch")
    client.end()
    assert client.process.stdout.read() == "" and client.told == []
    assert [params["uri"] for params in reached("resources/subscribe")] == ["note://one"]
    assert [params["uri"] for params in reached("resources/unsubscribe")] == ["note://one"]


async def test_a_newer_client_watches_what_it_may(policy):
    async with Client(stdio(ungated(policy, SMALL))) as client:
        async with client.listen(resource_subscriptions=["note://one"]) as changes:
            await client.call_tool("touch", {})
            with anyio.fail_after(20):
                assert await anext(aiter(changes)) == ResourceUpdated(uri="note://one")
        # One that is refused ends them all.
        with pytest.raises(Exception), anyio.fail_after(20):
            async with client.listen(resource_subscriptions=["note://one", "note://two"]) as changes:
                await client.call_tool("touch", {})
                async for change in changes:
                    raise AssertionError(change)
                raise MCPError(0, "it ended")
        assert text(await client.call_tool("echo", {"text": "a"})) == "a"


def test_a_method_that_mcp_does_not_have_goes_through_by_name_and_by_grant(policy, changing, reached):
    client = Heard(ungated(policy, changing, "--allow-method", "acme/hello", "--allow-method", "tools/hello"))
    assert client.ask(1, "acme/hello", name="ada")["result"] == {"hello": "ada"}
    assert "error" in client.ask(2, "acme/hello", name="too long")
    # Granted, and not named; named, and looking like one of MCP's own.
    assert "error" in client.ask(3, "acme/other")
    assert "error" in client.ask(4, "tools/hello", name="ada")
    client.end()
    assert [params["name"] for params in reached("acme/hello")] == ["ada"]
    assert reached("acme/other") == reached("tools/hello") == []


MOST = 64


def test_clients_over_http_are_counted_before_a_program_is_started(policy, changing, reached):
    with listening(ungated(policy, changing, "--listen", "127.0.0.1:0")) as url:
        host, path = re.match(r"http://([^/]+)(/.*)", url).groups()

        def send(verb, body=None, **headers):
            connection = http.client.HTTPConnection(host, timeout=30)
            fixed = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
            connection.request(verb, path, body, fixed | headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("mcp-session-id"), answer.read().decode()

        def greet():
            hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            return send("POST", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}))

        seated = [greet() for _ in range(MOST)]
        assert all(status == 200 and "serverInfo" in told for status, _, told in seated)
        started = len(reached("initialize"))
        status, _, told = greet()
        assert "serverInfo" not in told and str(MOST) in told, (status, told)
        assert len(reached("initialize")) == started

        status, _, _ = send("DELETE", **{"mcp-session-id": seated[0][1]})
        assert status in (200, 202, 204)
        for _ in range(100):
            if "serverInfo" in greet()[2]:
                break
        else:
            raise AssertionError("no place became free")
