"""The proxy in front of a Python server, driven by the official Python client in each of its modes."""

import json
import os
import signal
import subprocess
import time

import anyio
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from gate import SCOPEGATE, SMALL, TIME, gated, stdio, write

pytestmark = pytest.mark.anyio
MODES = ["auto", "legacy"]

POLICY = """
version: 1
records: none
roles:
  - name: careful
    allowed_mcp_servers: [server]
    allowed_tools: [echo, environment, steps, sleep, die, speak, ask]
    parameter_constraints:
      echo: [{field: text, operator: max_length, value: 5}]
"""


@pytest.fixture
def policy(tmp_path):
    return write(tmp_path, POLICY)


def text(result) -> str:
    return "".join(block.text for block in result.content)


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_runs_a_denied_one_says_why_and_a_hidden_tool_does_not_exist(policy, tmp_path, mode):
    trace = tmp_path / "trace"
    command = gated(policy, SMALL, "--env", f"TRACE={trace}")
    async with Client(stdio(command), mode=mode) as client:
        assert client.server_info.name == "small"
        assert client.instructions == "A small server."
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools == ["echo", "environment", "steps", "sleep", "die", "speak", "ask"]

        assert text(await client.call_tool("echo", {"text": "hello"})) == "hello"
        denied = await client.call_tool("echo", {"text": "too long"})
        assert denied.is_error and "text" in text(denied)

        with pytest.raises(MCPError) as hidden:
            await client.call_tool("wipe", {"text": "x"})
        with pytest.raises(MCPError) as absent:
            await client.call_tool("no_such_tool", {})
        assert hidden.value.error.code == absent.value.error.code == types.INVALID_PARAMS
        assert hidden.value.error.message.replace("wipe", "") == absent.value.error.message.replace("no_such_tool", "")
    assert not trace.exists()


@pytest.mark.parametrize("mode", MODES)
async def test_the_servers_own_schema_is_judged_before_the_server_sees_the_call(policy, mode):
    async with Client(stdio(gated(policy, SMALL)), mode=mode) as client:
        answer = await client.call_tool("steps", {"count": 1000})
        assert answer.is_error and "count" in text(answer)
        answer = await client.call_tool("steps", {"count": "three"})
        assert answer.is_error


async def test_the_server_gets_what_it_needs_of_the_environment_and_no_more(policy):
    command = gated(policy, SMALL, "--env", "ONE", "--env", "TWO=2")
    async with Client(stdio(command, ONE="1", SECRET="s", PATH=os.environ["PATH"])) as client:
        got = (await client.call_tool("environment", {})).structured_content
    assert got["ONE"] == "1" and got["TWO"] == "2" and "SECRET" not in got
    assert set(got) <= {"ONE", "TWO", "PATH", "HOME", "LANG", "TERM", "TMPDIR", "LC_CTYPE"}


async def test_progress_comes_in_order_and_before_the_answer(policy):
    seen = []

    async def progress(done, total, message):
        seen.append((done, total, message))

    async with Client(stdio(gated(policy, SMALL))) as client:
        for _ in range(20):
            seen.clear()
            await client.call_tool("steps", {"count": 3}, progress_callback=progress)
            assert seen == [(n, 3, f"step {n}") for n in (1, 2, 3)]


async def test_a_call_that_the_client_gives_up_is_cancelled_at_the_server(policy, tmp_path):
    with open(tmp_path / "errors", "w+") as errors:
        from mcp.client.stdio import stdio_client
        from mcp import ClientSession

        async with stdio_client(stdio(gated(policy, SMALL)), errlog=errors) as (read, write_):
            async with ClientSession(read, write_) as session:
                await session.initialize()
                with pytest.raises(MCPError):
                    await session.call_tool("sleep", {"seconds": 30}, read_timeout_seconds=1)
                told = lambda: (tmp_path / "errors").read_text()
                # The client of these packages tells the server only that it waits no longer.
                await session.send_notification(
                    types.CancelledNotification(params=types.CancelledNotificationParams(request_id=1))
                )
                for _ in range(100):
                    if "[server] cancelled" in told():
                        break
                    await anyio.sleep(0.05)
        assert "[server] sleeping" in told() and "[server] cancelled" in told()


async def test_the_server_can_ask_the_person_behind_the_client(policy):
    async def person(context, params):
        assert params.message == "Who?"
        return types.ElicitResult(action="accept", content={"name": "Ada"})

    async with Client(stdio(gated(policy, SMALL)), mode="legacy", elicitation_callback=person) as client:
        assert text(await client.call_tool("ask", {})) == "accept Ada"
    async with Client(stdio(gated(policy, SMALL)), mode="legacy") as client:
        with pytest.raises(MCPError, match="the client cannot do this"):
            await client.call_tool("ask", {})


async def test_a_real_server_behind_the_proxy(tmp_path):
    policy = write(tmp_path, POLICY.replace("[echo, environment, steps, sleep, die, speak, ask]", "[get_current_time]"))
    async with Client(stdio(gated(policy, TIME))) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["get_current_time"]
        answer = json.loads(text(await client.call_tool("get_current_time", {"timezone": "UTC"})))
        assert answer["timezone"] == "UTC"


class Session:
    """A client that keeps to the letter of an older protocol."""

    def __init__(self, command, **options):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **options)
        self.send(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "t", "version": "1"})
        assert self.answer()["id"] == 0
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def send(self, number, method, **params):
        self.write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def answer(self):
        while True:
            message = json.loads(self.process.stdout.readline())
            if "id" in message:
                return message


def children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:
        return [int(child) for child in file.read().split()]


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(what, seconds=10):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.02)
    assert what()


def test_a_server_that_dies_ends_the_call_with_a_reason_and_the_proxy_with_a_code(policy):
    session = Session(gated(policy, SMALL))
    session.send(1, "tools/call", name="die", arguments={})
    error = session.answer()["error"]
    assert "the server has ended" in error["message"] and "exit status: 7" in error["message"]
    assert session.process.wait(10) == 4
    assert "exit status: 7" in session.process.stderr.read()


def test_whatever_the_server_started_ends_with_the_client(policy):
    session = Session(gated(policy, ["sh", "-c", 'sleep 600 & exec "$@"', "sh", *SMALL]))
    [server] = children(session.process.pid)
    [sleeper] = children(server)
    session.process.stdin.close()
    assert session.process.wait(10) == 0
    wait_until(lambda: is_gone(server) and is_gone(sleeper))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_whatever_the_server_started_ends_with_a_signal(policy, how):
    session = Session(gated(policy, ["sh", "-c", 'sleep 600 & exec "$@"', "sh", *SMALL]))
    [server] = children(session.process.pid)
    [sleeper] = children(server)
    session.process.send_signal(how)
    assert session.process.wait(10) == 0
    wait_until(lambda: is_gone(server) and is_gone(sleeper))


def test_nothing_but_the_protocol_is_on_standard_output(policy):
    session = Session(gated(policy, ["sh", "-c", 'echo "starting up"; exec "$@"', "sh", *SMALL]))
    session.send(1, "tools/call", name="speak", arguments={"text": "to people \x1b[2J"})
    assert session.answer()["result"]["content"][0]["text"] == "spoken"
    session.process.stdin.close()
    assert session.process.stdout.read() == ""
    told = session.process.stderr.read()
    assert "[server] to people <U+001B>[2J" in told
    assert "[server] wrote what is no message" in told and "starting up" in told


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--role", "nobody", "--", "x"], 2, "its roles: careful"),
        (["--server-name", "other", "--", "x"], 2, "it lists server"),
        (["--server-name", "server", "--", "no-such-program"], 2, "there is no program `no-such-program`"),
        (["--server-name", "server", "--", "false"], 2, "the server ended before it answered: exit status: 1"),
        (["--server-name", "server", "--env", "UNSET_HERE", "--", "x"], 2, "`UNSET_HERE` is not set"),
        (["--upstream", "ftp://a/"], 2, "http://"),
        (["--upstream", "http://example.com/", "--upstream-header", "Authorization=PATH"], 2, "use https"),
        (["--upstream", "https://example.com/", "--upstream-header", "Authorization: Bearer hunter2"], 2, "NAME=VARIABLE"),
        ([], 2, "COMMAND"),
    ],
)
def test_what_cannot_be_started_says_what_to_do(policy, options, code, told):
    command = [SCOPEGATE, "mcp", "--policy", str(policy), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr and "hunter2" not in done.stderr


def test_a_policy_that_is_wrong_says_where(tmp_path):
    policy = write(tmp_path, "version: 1\nroles:\n  - name: a\n    allowed_tool: [x]\n")
    command = [SCOPEGATE, "mcp", "--policy", str(policy), "--", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and f"{policy}:4" in done.stderr
