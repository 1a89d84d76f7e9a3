"""A plane decides, with an agent's key."""

import json
import os
import subprocess
from contextlib import contextmanager

import pytest
from mcp.client.client import Client

from gate import ALL, SCOPEGATE, SMALL, stdio, write
from test_stdio import text

pytestmark = pytest.mark.anyio


def run(*command, **env) -> str:
    done = subprocess.run([SCOPEGATE, *command], capture_output=True, text=True, timeout=30, env=os.environ | env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def plane(folder, policy):
    """A plane with the roles of a policy; where it is, and an agent's key."""
    data = str(folder / "plane")
    command = [SCOPEGATE, "--output", "json", "serve", "--addr", "127.0.0.1:0", "--data", data]
    with open(folder / "plane.log", "w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        started = json.loads(process.stdout.readline())
        url, admin = started["url"], started["admin_key"]
        run("roles", "apply", str(policy), "--yes", SCOPEGATE_URL=url, SCOPEGATE_API_KEY=admin)
        yield url, run("keys", "create", "--kind", "agent", "--data", data)
    finally:
        process.terminate()
        process.wait(15)


async def test_a_plane_decides(tmp_path):
    policy = write(tmp_path, ALL.replace("wipe, ", "") + "    parameter_constraints: {echo: [{field: text, operator: max_length, value: 5}]}\n")
    trace = tmp_path / "trace"
    with plane(tmp_path, policy) as (url, key):
        options = ["--plane", url, "--role", "all", "--server-name", "server", "--env", f"TRACE={trace}"]
        command = [SCOPEGATE, "mcp", *options, "--", *SMALL]
        async with Client(stdio(command, SCOPEGATE_API_KEY=key, PATH=os.environ["PATH"])) as client:
            assert text(await client.call_tool("echo", {"text": "hello"})) == "hello"
            denied = await client.call_tool("echo", {"text": "too long"})
            assert denied.is_error and denied.meta
            assert (await client.call_tool("wipe", {"text": "x"})).is_error
            # A plane does not tell what a session of such a role can see: all is shown.
            assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
            # The key is the proxy's, and nothing of the server's.
            assert key not in str(await client.call_tool("environment", {}))
    assert not trace.exists()


def test_without_a_key_it_says_what_to_do(tmp_path):
    command = [SCOPEGATE, "mcp", "--plane", "http://127.0.0.1:1", "--role", "all", "--", *SMALL]
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCOPE")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=env)
    assert done.returncode == 2 and "SCOPEGATE_API_KEY" in done.stderr
