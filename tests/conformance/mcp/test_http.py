"""The proxy over streamable HTTP: towards the client, towards the server, and both."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from mcp.client.client import Client

from gate import ALL, EVERYTHING, HERE, SCOPEGATE, SMALL, gated, stdio, write
from test_clients import ASKING, CALLS, typescript
from test_stdio import text

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-this-test"


@contextmanager
def listening(command, **env):
    """A proxy that listens; where."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | env)
    try:
        for line in process.stderr:
            if found := re.search(r"serving MCP at (http://\S+)", line):
                break
        else:
            raise AssertionError("it does not listen")
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield found[1]
    finally:
        process.terminate()
        assert process.wait(15) == 0


@contextmanager
def serving():
    """The small server over HTTP; where."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(HERE / "servers/modern.py"), str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def upstream(policy, url, *options):
    return [SCOPEGATE, "mcp", "--policy", str(policy), "--server-name", "server", "--upstream", url, *options]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_program_served_over_http(all_granted, mode):
    with listening(gated(all_granted, SMALL, "--listen", "127.0.0.1:0")) as url:
        async with Client(url, mode=mode) as one, Client(url, mode=mode) as other:
            assert text(await one.call_tool("echo", {"text": "one"})) == "one"
            assert text(await other.call_tool("echo", {"text": "other"})) == "other"


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_a_server_over_http(all_granted, mode):
    seen = []

    async def progress(done, total, message):
        seen.append(done)

    with serving() as url:
        async with Client(stdio(upstream(all_granted, url)), mode=mode) as client:
            assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
            assert text(await client.call_tool("echo", {"text": "hello"})) == "hello"
            assert text(await client.call_tool("steps", {"count": 3}, progress_callback=progress)) == "done"
            assert seen == [1, 2, 3]
            answer = await client.call_tool("steps", {"count": 1000})
            assert answer.is_error and answer.meta


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_http_on_both_sides(all_granted, mode):
    with serving() as server, listening(upstream(all_granted, server, "--listen", "127.0.0.1:0")) as url:
        async with Client(url, mode=mode) as client:
            assert text(await client.call_tool("echo", {"text": "hello"})) == "hello"
            answer = await client.call_tool("steps", {"count": 1000})
            assert answer.is_error and answer.meta


def test_the_typescript_client_over_http(all_granted):
    calls = CALLS + ASKING
    direct = typescript(calls, command=EVERYTHING)
    with listening(gated(all_granted, EVERYTHING, "--listen", "127.0.0.1:0")) as url:
        through = typescript(calls, url=url)
    assert through.pop("progress")[:1] == direct.pop("progress")[:1]
    assert through == direct


def post(url, headers=(), body=None):
    host, path = re.match(r"http://([^/]+)(/.*)", url).groups()
    connection = http.client.HTTPConnection(host, timeout=10)
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
    fixed = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    connection.request("POST", path, body or json.dumps(hello), fixed | dict(headers))
    status = connection.getresponse().status
    connection.close()
    return status


def test_strangers_are_turned_away(all_granted):
    with listening(gated(all_granted, SMALL, "--listen", "127.0.0.1:0"), SCOPEGATE_MCP_TOKEN=TOKEN) as url:
        right = {"authorization": f"Bearer {TOKEN}"}
        assert post(url, right) == 200
        for wrong in ({}, {"authorization": "Bearer " + TOKEN[:-1]}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": TOKEN}):
            assert post(url, wrong) == 401
        assert post(url, right | {"origin": "https://evil.example"}) == 403
        assert post(url, right | {"host": "evil.example"}) == 403
        assert post(url, right, '[{"jsonrpc":"2.0","id":1,"method":"ping"}]') == 400


def test_a_header_that_repeats_an_argument_agrees_with_it_from_the_first_request_on(tmp_path):
    policy = write(tmp_path, ALL.replace("[echo", "[store, echo"))
    trace = tmp_path / "trace"
    command = gated(policy, SMALL, "--env", f"TRACE={trace}", "--listen", "127.0.0.1:0")
    ours = "io.modelcontextprotocol/"
    meta = {f"{ours}protocolVersion": "2026-07-28", f"{ours}clientInfo": {"name": "t", "version": "1"}, f"{ours}clientCapabilities": {}}
    params = {"name": "store", "arguments": {"region": "west"}, "_meta": meta}
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "store"}
    with listening(command) as url:
        assert post(url, headers | {"mcp-param-region": "east"}, call) == 400
        assert post(url, headers, call) == 400
        assert not trace.exists()
        assert post(url, headers | {"mcp-param-region": "west"}, call) == 200
    assert trace.read_text() == "west\n"


def test_nobody_listens_for_everybody_by_accident(all_granted):
    command = gated(all_granted, SMALL, "--listen", "0.0.0.0:0")
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "SCOPEGATE_MCP_TOKEN" in done.stderr


class Fake(BaseHTTPRequestHandler):
    """Keeps what it was sent, and sends everybody elsewhere."""

    seen: list = []
    elsewhere: str | None = None

    def do_POST(self):
        self.seen.append(dict(self.headers))
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.elsewhere:
            self.send_response(307)
            self.send_header("location", self.elsewhere)
        else:
            self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def fake(**members):
    kind = type("Fake", (Fake,), {"seen": [], "elsewhere": None} | members)
    server = HTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kind, f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()


def test_the_servers_credential_is_its_own_and_follows_no_redirect(all_granted):
    with fake() as (elsewhere, other), fake(elsewhere=other) as (seen, url):
        command = upstream(all_granted, url, "--upstream-header", "Authorization=UP", "--listen", "127.0.0.1:0")
        with listening(command, UP="Bearer upstream", SCOPEGATE_MCP_TOKEN=TOKEN) as here:
            post(here, {"authorization": f"Bearer {TOKEN}", "cookie": "a=b", "x-secret": "c"})
        assert seen.seen and elsewhere.seen == []
        for headers in seen.seen:
            lower = {name.lower(): value for name, value in headers.items()}
            assert lower["authorization"] == "Bearer upstream"
            assert "cookie" not in lower and "x-secret" not in lower and TOKEN not in str(headers)


def test_a_server_that_is_not_there_is_named(all_granted):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = subprocess.run(
        upstream(all_granted, f"http://127.0.0.1:{port}/mcp"), capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2 and "server: no connections can be made" in done.stderr and "refused" in done.stderr
