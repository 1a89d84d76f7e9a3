"""Records of a process and of a plane, exported once for all tests."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

KEY = "scopegate-test-key-0123456789abcdef"
DEADLINE = 30.0


def run(*command, key=KEY, **variables):
    """`scopegate`, with that signing key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPANFORGE_")}
    environment.update(variables)
    if key is not None:
        environment["SPANFORGE_SIGNING_KEY"] = key
    return subprocess.run(
        [os.environ["SCOPEGATE_BIN"], *map(str, command)], capture_output=True, env=environment, timeout=DEADLINE
    )


def rows(path):
    """The records of a file: one a line, and nothing but line feeds ends one."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    """What the example leaves: `scope.jsonl`, signed as it ran, and the enforcer's own `records`."""
    folder = tmp_path_factory.mktemp("process")
    subprocess.run([os.environ["SPANFORGE_EXAMPLE"], folder], check=True, capture_output=True, timeout=DEADLINE)
    return folder


@pytest.fixture(scope="session")
def emitted(process):
    return process / "scope.jsonl"


@pytest.fixture(scope="session")
def exported(process):
    out = process / "exported.jsonl"
    done = run("audit", "export", "--format", "spanforge", "--records", process / "records", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    """The log of a plane that permitted, denied and held calls."""
    folder = tmp_path_factory.mktemp("plane")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [os.environ["SCOPEGATE_BIN"], "serve", "--addr", address, "--data", str(folder / "data")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://{address}"
        wait(url)
        key = run("keys", "create", "--kind", "dev", "--data", folder / "data").stdout.decode().strip()
        role = {"name": "clerk", "allowed_tools": ["read", "pay"], "approval_required": ["pay"]}
        post(url, key, "/mgmt/v1/roles", role)
        session = post(url, key, "/v1/provision", {"role_id": "clerk", "agent_id": "agent-7"})
        for tool in ("read", "drop", "pay", "read"):
            call = {"jwt": session["jwt"], "tool_name": tool, "call_args": {}}
            post(url, key, "/v1/enforce", call)
        out = folder / "exported.jsonl"
        done = run(
            "audit", "export", "--format", "spanforge", "--project", "p", "--out", out,
            SCOPEGATE_URL=url, SCOPEGATE_API_KEY=key,
        )
        assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        process.wait(DEADLINE)
    return out


def wait(url):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            return urllib.request.urlopen(f"{url}/healthz", timeout=5)
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("the plane does not answer")


def post(url, key, path, body):
    headers = {"X-Scopebound-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.code} {error.read()}") from error


@pytest.fixture(params=["emitted", "exported", "plane"])
def chain(request):
    """Each source of records in turn."""
    return request.getfixturevalue(request.param)
