"""The official clients of other lines and languages, with the proxy and without."""

import json
import os
import subprocess
import sys

import pytest

from gate import EVERYTHING, HERE, PYTHON_1, SMALL, TIME, gated, write

CALLS = [
    ["echo", {"message": "hello"}],
    ["get-sum", {"a": 1, "b": 2}],
    ["get-structured-content", {"location": "Chicago"}],
    ["get-tiny-image", {}],
    ["get-resource-links", {"count": 2}],
    ["trigger-long-running-operation", {"duration": 0.1, "steps": 2}],
]
ASKING = [["trigger-sampling-request", {"prompt": "x", "maxTokens": 5}], ["trigger-elicitation-request", {}], ["get-roots-list", {}]]


def run(program, about) -> dict:
    done = subprocess.run(program, input=json.dumps(about), capture_output=True, text=True, timeout=50, env=os.environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def python_1(command, calls) -> dict:
    return run([PYTHON_1, str(HERE / "python1/client.py")], [command, calls])


def typescript(calls, **where) -> dict:
    return run(["node", str(HERE / "clients/typescript.mjs")], {"calls": calls, **where})


def test_the_older_python_client(all_granted):
    direct, through = python_1(EVERYTHING, CALLS), python_1(gated(all_granted, EVERYTHING), CALLS)
    assert direct == through
    assert len(direct["tools"]) > 10 and len(direct["progress"]) == 2


@pytest.mark.parametrize("line", ["older", "newer"])
def test_the_older_python_client_before_a_real_python_server(all_granted, line):
    server = [PYTHON_1 if line == "older" else sys.executable, *TIME[1:]]
    calls = [["convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}]]
    direct, through = python_1(server, calls), python_1(gated(all_granted, server), calls)
    assert direct == through and "21:00" in json.dumps(direct)


def test_the_older_python_client_is_refused_in_words(tmp_path):
    policy = write(
        tmp_path,
        """
version: 1
records: none
roles:
  - name: careful
    allowed_mcp_servers: [server]
    allowed_tools: [echo]
    parameter_constraints: {echo: [{field: text, operator: eq, value: yes please}]}
""",
    )
    found = python_1(gated(policy, SMALL), [["echo", {"text": "no"}], ["wipe", {"text": "x"}]])
    assert found["tools"] == ["echo"]
    assert found["calls"][0]["isError"] and "text" in found["calls"][0]["content"][0]["text"]
    assert "not found" in found["calls"][1]


def test_the_typescript_client(all_granted):
    calls = CALLS + ASKING
    direct, through = typescript(calls, command=EVERYTHING), typescript(calls, command=gated(all_granted, EVERYTHING))
    # This client forgets the last progress if it reads it together with the answer.
    assert through.pop("progress")[:1] == direct.pop("progress")[:1] == [[1, 2]]
    assert direct == through
    assert direct["asked"] == ["elicitation", "roots", "sampling"]
